"""What only the secure origin says: the same kinds of exchange over HTTP/2."""

from __future__ import annotations

from tests.site.answers import Answer, Ask, End
from tests.site.things import WORDS, coded, image, typed

_PAGE = """<!doctype html><title>安全 h2</title><h1>over TLS</h1><img src=/h2.png>
<img src=/h2-hop><script>
const ask = (u, o) => fetch(u, o).then(r => r.text()).catch(e => e.name);
addEventListener('load', async () => {
  await Promise.all(['gzip', 'deflate', 'br', 'zstd'].map(h => ask('/coded/' + h)));
  await ask('/h2-post', {method: 'POST', body: '棉花'}); await ask('/h2-204'); await ask('/h2-404');
  await ask('/h2-head', {method: 'HEAD'}); await ask('/h2-reset'); await ask('/h2-cookies');
  await ask('/h2-cookies'); navigator.sendBeacon('/h2-beacon', 'b'); document.body.id = 'done'
})</script>"""
_COOKIES = (
    ("Set-Cookie", "a=1; Path=/; Secure"),
    ("Set-Cookie", "b=2; Path=/; Secure; HttpOnly; Expires=Wed, 21 Oct 2099 07:28:00 GMT"),
    ("Set-Cookie", "__Host-c=3; Path=/; Secure"),
)


def answer(ask: Ask) -> Answer | None:
    """What this address says over HTTP/2, or None where it is like the plain site."""
    kind = typed("text/plain; charset=utf-8")
    match ask.path:
        case "/h2":
            page = typed("text/html; charset=utf-8", *_COOKIES, ("X-Twice", "1"), ("X-Twice", "2"))
            return Answer(headers=page, body=_PAGE.encode())
        case "/h2-hop":
            return Answer(302, (("Location", "/h2-hopped.png"), *_COOKIES[:2]))
        case "/h2-cookies":
            return Answer(headers=(*kind, *_COOKIES), body=ask.header("cookie").encode())
        case "/h2-204":
            return Answer(204, (("X-Empty", "1"),))
        case "/h2-404":
            return Answer(404, kind, b"not here")
        case "/h2-reset":
            return Answer(headers=kind, body=b"z" * 5000, end=End.RESET)
        case "/h2-post":
            return Answer(headers=kind, body=[WORDS.encode()[:3000], ask.body], chunked=True)
        case path if path.startswith("/coded/"):
            return coded(path.removeprefix("/coded/"))
        case path if path.endswith(".png"):
            return image("h2" + path)
    return None

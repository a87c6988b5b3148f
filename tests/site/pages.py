"""The test site's addresses. Every kind of request a page can make stands here once."""

from __future__ import annotations

from dataclasses import replace

from tests.site.answers import Answer, Ask, End
from tests.site.things import CROSS, WORDS, big, coded, film, font, image, picture, typed

HTML = "text/html; charset=utf-8"
BIG = 50_000_000


def html(body: str, *more: tuple[str, str], title: str = "棉花 پاختا", kind: str = HTML) -> Answer:
    charset = kind.partition("charset=")[2] or "utf-8"
    page = f"<!doctype html><html lang=ug><title>{title}</title>{body}</html>"
    return Answer(headers=typed(kind, *more), body=page.encode(charset))


def text(words: str, *more: tuple[str, str], status: int = 200, kind: str = "text/plain") -> Answer:
    return Answer(status, typed(f"{kind}; charset=utf-8", *CROSS, *more), words.encode())


def js(code: str, *more: tuple[str, str]) -> Answer:
    return Answer(headers=typed("text/javascript; charset=utf-8", *more), body=code.encode())


def moved(status: int, to: str, *more: tuple[str, str]) -> Answer:
    return Answer(status, (("Location", to), *CROSS, *more), b"")


def everything(here: str, other: str, closed: str) -> str:
    """The page with one of each; {here} and {other} are two sites."""
    return f"""
<meta name=viewport content="width=device-width"><link rel=icon href=/icon.png>
<link rel=stylesheet href=/style.css><link rel=preload as=image href=/preloaded.png>
<link rel=modulepreload href=/preloaded.mjs><link rel=prefetch href=/prefetched.txt>
<link rel=manifest href=/app.webmanifest>
<h1>پاختا 棉花 хлопок</h1><p class=webfont>font</p><div class=bg></div>
<img src=/plain.png width=40 height=30><img src=/small.png srcset="/small.png 1x, /large.png 2x">
<picture><source type=image/webp srcset=/never.webp media="(min-width: 9999px)">
<img src=/picture.png></picture>
<img src="/نص/棉.png"><img src=/hop1><img src=/missing.png>
<svg width=20 height=20><use href="/shapes.svg#a"/></svg><object data=/object.svg width=20></object>
<input type=image src=/button.png><video src=/film.webm poster=/poster.png controls width=100>
<track default kind=subtitles src=/words.vtt></video><audio src=/tone.wav></audio>
<iframe src="{other}/frame" width=300 height=200></iframe><iframe src=/inner width=200></iframe>
<iframe srcdoc="<img src='{here}/srcdoc.png'>"></iframe>
<iframe src=/gb18030></iframe><iframe src=/windows-1256></iframe><iframe src=/csp></iframe>
<iframe src=/download-in-frame></iframe><iframe name=posted></iframe>
<form id=f action=/posted method=post target=posted enctype=multipart/form-data>
<input name=word value="棉花"></form><form id=l action=/login method=post target=posted>
<input name=name value=a><input name=password value=b></form>
<script src=/app.js></script><script type=module src=/module.mjs></script>
<script>
const out = document.createElement('pre'); document.body.append(out);
const ask = async (u, o) => {{ try {{ const r = await fetch(u, o); await r.text();
  out.append(u + ' ' + r.status + '\\n') }} catch (e) {{ out.append(u + ' ' + e.name + '\\n') }} }};
const x = new XMLHttpRequest(); x.open('GET', '/xhr.txt'); x.send();
const bytes = new Uint8Array([0, 255, 128, 10, 13]);
const many = new FormData(); many.append('one', '棉'); many.append('file', new Blob([bytes]), 'b.bin');
const stop = new AbortController();
addEventListener('load', async () => {{
  await Promise.all([ask('/json'), ask('/post-text', {{method: 'POST', body: 'پاختا=1'}}),
   ask('/post-form', {{method: 'POST', body: new URLSearchParams({{a: '1 2', b: '棉'}})}}),
   ask('/post-bytes', {{method: 'POST', body: bytes}}),
   ask('/post-empty', {{method: 'POST'}}),
   ask('/put', {{method: 'PUT', body: 'x'}}), ask('/patch', {{method: 'PATCH', body: 'x'}}),
   ask('/delete', {{method: 'DELETE'}}), ask('/head', {{method: 'HEAD'}})]);
  await Promise.all(['gzip', 'deflate', 'br', 'zstd'].map(h => ask('/coded/' + h)));
  await Promise.all(['/chunked', '/204', '/404', '/500', '/empty', '/hinted', '/part'].map(u =>
    ask(u, u == '/part' ? {{headers: {{Range: 'bytes=10-19'}}}} : {{}})));
  await Promise.all(['/cut', '/reset', '/silent', '{closed}/'].map(u => ask(u)));
  await ask('{other}/crossed', {{headers: {{'X-Own': '1'}}}});
  await ask('{other}/crossed', {{method: 'PUT', body: 'y'}});
  await ask('{other}/forbidden-to-read');
  for (const status of [301, 302, 303, 307, 308]) await ask('/moved/' + status);
  await ask('/moved/307', {{method: 'POST', body: 'again'}});
  await ask('/cached'); await ask('/cached'); await ask('/stale'); await ask('/stale');
  ask('/slow', {{signal: stop.signal}}); setTimeout(() => stop.abort(), 300);
  await ask('/cookies-again');
  navigator.sendBeacon('/beacon', 'left'); fetch('/kept', {{method: 'POST', keepalive: true, body: 'k'}});
  document.getElementById('f').submit();
  setTimeout(() => document.getElementById('l').submit(), 300);
  new Worker('/worker.js'); new Worker('/worker.mjs', {{type: 'module'}}); new SharedWorker('/shared.js');
  const source = new EventSource('/events'); let n = 0;
  source.onmessage = e => {{ out.append('event ' + e.data + '\\n'); if (++n == 3) source.close() }};
  const socket = new WebSocket('{here}/socket'.replace('http', 'ws'));
  socket.binaryType = 'arraybuffer'; let got = 0;
  socket.onopen = () => {{ socket.send('棉花'); socket.send(bytes) }};
  socket.onmessage = () => {{ if (++got == 4) socket.close(1000, 'done') }};
  await navigator.serviceWorker.register('/sw.js', {{scope: '/'}});
  await navigator.serviceWorker.ready;
  await new Promise(done => {{ if (navigator.serviceWorker.controller) done();
     else navigator.serviceWorker.oncontrollerchange = done }});
  await ask('/through-sw'); await ask('/made-by-sw'); await ask('/kept-by-sw');
  out.append('all asked\\n'); out.id = 'done';
}});
</script><div style="height:2500px"></div><img src=/lazy.png loading=lazy width=40 height=30>
<div id=end></div><script>
let page = 0; new IntersectionObserver(async seen => {{
  if (seen[0].isIntersecting && page < 3) {{ const r = await fetch('/more?page=' + ++page);
    const d = document.createElement('div'); d.style.height = '1200px'; d.textContent = await r.text();
    document.getElementById('end').before(d) }} }}).observe(document.getElementById('end'));
</script>"""


_PLANT = """document.cookie = 'planted=1'; localStorage.planted = 1; sessionStorage.planted = 1;
await new Promise(done => { indexedDB.open('planted').onsuccess = done });
await caches.open('planted'); await navigator.serviceWorker.register('/sw-empty.js');
await (await navigator.storage.getDirectory()).getFileHandle('planted', {create: true});"""
_REMEMBER = """<script>addEventListener('load', async () => {
await fetch('/cached'); PLANT
const names = []; for await (const n of (await navigator.storage.getDirectory()).keys()) names.push(n);
document.body.textContent = JSON.stringify({cookie: document.cookie,
 local: localStorage.getItem('planted'), session: sessionStorage.getItem('planted'),
 databases: (await indexedDB.databases()).map(d => d.name), caches: await caches.keys(),
 workers: (await navigator.serviceWorker.getRegistrations()).length, directory: names,
 granted: 'yes'})})</script>"""
FIXED: dict[str, Answer] = {
    "/style.css": Answer(
        headers=typed("text/css"),
        body=b"@import '/more.css'; @font-face{font-family:f;src:url(/font.ttf)}"
        b".webfont{font-family:f}.bg{background:url(/bg.png);height:20px}",
    ),
    "/more.css": Answer(headers=typed("text/css"), body=b"body{margin:4px;font:14px sans-serif}"),
    "/shapes.svg": Answer(
        headers=typed("image/svg+xml"),
        body=b'<svg xmlns="http://www.w3.org/2000/svg"><circle id="a" r="9"/></svg>',
    ),
    "/object.svg": Answer(
        headers=typed("image/svg+xml"),
        body=b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
    ),
    "/words.vtt": text("WEBVTT\n\n00:00.000 --> 00:09.000\nپاختا\n", kind="text/vtt"),
    "/tone.wav": Answer(headers=typed("audio/wav"), body=b"RIFF not really a sound"),
    "/app.webmanifest": text('{"name": "t"}', kind="application/manifest+json"),
    "/app.js": js("import('/dynamic.mjs'); document.cookie = 'script=1'"),
    "/module.mjs": js("import '/dependency.mjs'"),
    "/dependency.mjs": js("window.dependency = 1"),
    "/dynamic.mjs": js("window.dynamic = 1"),
    "/preloaded.mjs": js("export default 1"),
    "/prefetched.txt": text("prefetched"),
    "/xhr.txt": text("xhr " + WORDS),
    "/json": text('{"پاختا": "棉花"}', kind="application/json"),
    "/chunked": Answer(
        headers=typed("text/plain"), body=[b"one ", b"two ", b"three"], chunked=True, pause=0.05
    ),
    "/204": Answer(204, typed("text/plain")),
    "/404": text("not here", status=404),
    "/500": text("broken", status=500),
    "/empty": Answer(headers=typed("text/plain")),
    "/hinted": Answer(
        headers=typed("text/plain"), body=b"after hints",
        hints=(("Link", "</style.css>; rel=preload; as=style"),),
    ),
    "/cut": Answer(headers=typed("text/plain"), body=b"c" * 5000, end=End.CUT),
    "/reset": Answer(headers=typed("text/plain"), body=b"r" * 5000, end=End.RESET),
    "/silent": Answer(end=End.SILENT),
    "/slow": Answer(headers=typed("text/plain"), body=b"too late", delay=3.0),
    "/forbidden-to-read": Answer(headers=typed("text/plain"), body=b"no cross-origin header"),
    "/cached": text("cached", ("Cache-Control", "max-age=600")),
    "/events": Answer(
        headers=typed("text/event-stream"), body=[b"data: one\n\n", b"data: two\n\n", b"data: three\n\n"],
        forever=True, pause=0.1,
    ),
    "/worker.js": js(
        "importScripts('/imported.js'); fetch('/from-worker').then(r => r.text());"
        "new WebSocket(location.origin.replace('http', 'ws') + '/worker-socket')"
        ".onopen = e => { e.target.send('w'); e.target.close() }; new Worker('/nested.js')"
    ),
    "/nested.js": js("fetch('/from-nested').then(r => r.text())"),
    "/worker.mjs": js("import '/imported.mjs'; fetch('/from-module-worker').then(r => r.text())"),
    "/imported.js": js("self.imported = 1"),
    "/imported.mjs": js("self.imported = 1"),
    "/shared.js": js("fetch('/from-shared').then(r => r.text())"),
    "/sw.js": js(
        "importScripts('/sw-part.js');"
        "oninstall = e => e.waitUntil(caches.open('c').then(c => c.addAll(['/kept-by-sw']))"
        ".then(() => skipWaiting())); onactivate = e => e.waitUntil(clients.claim());"
        "onfetch = e => { const p = new URL(e.request.url).pathname;"
        "if (p == '/made-by-sw') e.respondWith(new Response('made ' + 'پاختا'));"
        "if (p == '/kept-by-sw') e.respondWith(caches.match(e.request));"
        "if (p == '/through-sw') e.respondWith(fetch('/asked-by-sw')) }"
    ),
    "/sw-empty.js": js("self.empty = 1"),
    "/sw-part.js": js("self.part = 1"),
    "/inner": html("<p>same site</p><img src=/inner.png>"),
    "/gb18030": html("<p>棉花 㐀</p>", title="国", kind="text/html; charset=gb18030"),
    "/windows-1256": html("<p>القطن</p>", title="قطن", kind="text/html; charset=windows-1256"),
    "/csp": html(
        "<p>strict</p><img src=/blocked-by-csp.png><script>window.bad = 1</script>",
        ("Content-Security-Policy", "default-src 'none'; report-uri /csp-report"),
    ),
    "/download": Answer(
        headers=typed("application/octet-stream", ("Content-Disposition", "attachment; filename=d.bin")),
        body=big(300_000),
    ),
    "/download-in-frame": Answer(
        headers=typed("text/csv", ("Content-Disposition", "attachment; filename=t.csv")), body=b"a,b\n"
    ),
    "/login-page": html(
        "<form action=/login method=post><input name=name><input type=password name=password>"
        "<button>in</button></form>"
    ),
    "/never": html("<p>never idle</p><script>setInterval(() => fetch('/tick'), 150)</script>"),
    "/endless": Answer(headers=typed("text/html"), body=[b"<p>endless</p>" * 20], forever=True, pause=0.1),
    "/huge": html(
        "<p>huge</p><script>fetch('/huge.bin').then(r => r.arrayBuffer())"
        ".then(b => document.title = b.byteLength, e => document.title = e.name)</script>"
    ),
    "/huge-wav": html("<p>loud</p><audio src=/huge.wav preload=auto controls></audio>"),
    "/buttons": html(
        "<p>short</p><div id=d></div><button onclick=\"fetch('/more?page=9').then(r => r.text())"
        ".then(t => { d.textContent += t; this.remove() })\">Load more</button>"
        "<div role=button onclick=\"d.textContent += ' unfolded'; this.remove()\">展开</div>"
        "<details><summary>details</summary>inside</details>"
        "<button onclick=\"fetch('/deleted', {method: 'POST'})\">Delete</button>"
        "<a href=/left-the-page>Show more</a>"
        "<button onclick=\"window.open('/popup')\">Show more</button><video src=/film.webm preload=none muted></video>"
    ),
    "/popup": html("<p>a new window</p><img src=/in-popup.png>", title="popup"),
    "/tall": html("<div style='height:40000px;background:linear-gradient(red,blue)'>tall</div>"),
    "/light": html("<h1>light</h1><p>" + WORDS[:600] + "</p><img src=/light.png><link rel=stylesheet href=/more.css>"),
    "/plant": html(_REMEMBER.replace("PLANT", _PLANT)),
    "/look": html(_REMEMBER.replace("PLANT", "")),
    "/signs-in": html(
        "<script>fetch('/login', {method: 'POST', body: 'password=s3cret-by-hand'})"
        ".then(() => location = '/members')</script>"
    ),
    "/in-members.png": Answer(
        headers=typed("image/png", ("Cache-Control", "max-age=600")), body=picture("members")
    ),
    "/leaver": html("<p>leaves</p><script>addEventListener('pagehide', () => navigator.sendBeacon('/left', 'x'))</script>"),
}  # fmt: skip


def frame(ask: Ask) -> Answer:
    """The frame of another site: one bright colour, to be found in a screenshot."""
    return html(
        "<body style='margin:0;background:rgb(250,10,120)'><p>other site پاختا</p>"
        "<img src=/in-frame.png><script>fetch('/from-frame').then(r => r.text())</script>",
        ("Set-Cookie", "frame=1; Path=/"),
        title="frame",
    )


def computed(ask: Ask, here: str, other: str, closed: str) -> Answer | None:
    """Answers that depend on the request."""
    path = ask.path
    if path == "/":
        return html(
            everything(here, other, closed),
            ("Set-Cookie", "first=1; Path=/"),
            ("Set-Cookie", "second=two words; Path=/; HttpOnly"),
            ("Set-Cookie", "third=3; Path=/; SameSite=Lax"),
        )
    if path == "/frame":
        return frame(ask)
    if path.startswith("/coded/"):
        return coded(path.removeprefix("/coded/"))
    if path.startswith("/moved/"):
        return moved(int(path[-3:]), "/arrived", ("Set-Cookie", f"moved=m{path[-3:]}; Path=/"))
    if path == "/hop1":
        return moved(301, "/hop2", ("Set-Cookie", "hop=1"))
    if path == "/hop2":
        return moved(302, other + "/hopped.png", ("Set-Cookie", "hop=2"))
    if path == "/login":
        return moved(303, "/members", ("Set-Cookie", "member=yes; Path=/; HttpOnly"))
    if path == "/members":
        inside = "member=yes" in ask.header("cookie")
        return html(
            "<p>members only: خوش كەلدىڭىز</p><img src=/in-members.png>"
            if inside
            else "<p>Please sign in.</p>"
        )
    if path == "/stale":
        if ask.header("if-none-match") == '"v1"':
            return Answer(304, (("ETag", '"v1"'), ("X-Said", "not modified")))
        return text("stale", ("ETag", '"v1"'), ("Cache-Control", "no-cache"))
    if path == "/cookies-again":
        return text(ask.header("cookie"), ("Set-Cookie", "fetched=1; Path=/"))
    if path == "/agent":
        return text(ask.header("user-agent") + "\n" + ask.header("sec-ch-ua"))
    return _sized(ask)


def _sized(ask: Ask) -> Answer | None:
    path = ask.path
    if path in {"/film.webm", "/huge.wav"}:
        whole, kind = (film(), "video/webm") if path == "/film.webm" else (_wav(), "audio/wav")
        return _ranged(ask, whole, kind)
    if path == "/part":
        return _ranged(ask, b"0123456789abcdefghijklmnopqrstuvwxyz", "text/plain")
    if path == "/font.ttf":
        return Answer(headers=typed("font/ttf"), body=font())
    if path == "/huge.bin":
        return Answer(headers=typed("application/octet-stream"), body=big(BIG))
    if path in {"/socket", "/worker-socket"}:
        return Answer(
            101,
            (("Set-Cookie", "socket=1"),),
            websocket=lambda d: [b"echo %d" % len(d), b"\x00\xff"],
        )
    if path.endswith((".png", ".webp")) and path not in {"/missing.png", *FIXED}:
        return image(path)
    if path == "/tick" or path == "/light.css":
        return text("tick")
    return None


def answer(ask: Ask, here: str, other: str, closed: str) -> Answer:
    """What this address says."""
    if ask.method == "OPTIONS":
        return Answer(204, (*CROSS, ("Access-Control-Max-Age", "0")))
    said = computed(ask, here, other, closed) or FIXED.get(ask.path)
    if said is not None:
        return said
    if ask.path == "/more":
        return text(f"page {ask.query} " + WORDS[:200])
    if ask.path in {"/missing.png", "/left-the-page"} or ask.path.startswith("/gone"):
        return replace(html("<p>Page not found</p>", title="404"), status=404)
    return text(f"{ask.method} {ask.path} {len(ask.body)}")


def _ranged(ask: Ask, whole: bytes, kind: str) -> Answer:
    asked = ask.header("range").removeprefix("bytes=")
    if not asked:
        return Answer(headers=typed(kind, ("Accept-Ranges", "bytes")), body=whole)
    first, _, last = asked.partition("-")
    start, end = int(first), min(int(last or len(whole) - 1), len(whole) - 1)
    where = ("Content-Range", f"bytes {start}-{end}/{len(whole)}")
    return Answer(206, typed(kind, ("Accept-Ranges", "bytes"), where), whole[start : end + 1])


def _wav() -> bytes:
    """Twelve megabytes of sound: more than is fed back in one command."""
    data = big(12_000_000)
    size = len(data)
    return (
        b"RIFF" + (size + 36).to_bytes(4, "little") + b"WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"
        b"\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data" + size.to_bytes(4, "little") + data
    )


__all__ = ["BIG", "answer", "picture"]

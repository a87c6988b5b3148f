"""A small crawl as a WARC: a page with pictures, styles, a frame, and two answers to POSTs."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path
from struct import pack

import warcs

HOME = "http://site.example/"
POSTS = (b'{"query":"{cotton}"}', b'{"query":"{railway}"}')
ANSWERS = (b'{"answer":"cotton: 41"}', b'{"answer":"railway: 7"}')
PAGE = """<!doctype html><html lang="ug"><head><meta charset="utf-8"><title>پاختا 棉花</title>
<link rel="stylesheet" href="/style.css"></head><body><h1>پاختا 棉花</h1>
<img id="plain" src="/red.png"><img id="set" src="/gone.png" srcset="/green.png 1x, /gone2.png 2x">
<img id="again" src="/again.png"><iframe src="/inner.html" width="300" height="100"></iframe>
<div id="answers"></div><script>
const asked = ['{"query":"{cotton}"}', '{"query":"{railway}"}'];
for (const body of asked) fetch('/graphql', {method: 'POST', headers: {'Content-Type': 'application/json'}, body})
  .then(r => r.json()).then(j => { document.getElementById('answers').append(j.answer + ' ') });
</script></body></html>"""


def png(red: int, green: int, blue: int, size: int = 20) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + name + data + pack(">I", zlib.crc32(name + data))

    rows = (b"\x00" + bytes((red, green, blue)) * size) * size
    head = pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def exchange(path: str, body: bytes, *, kind: str, asked: bytes = b"", **more: str) -> list[bytes]:
    url = HOME + path
    mine = f"<urn:uuid:{hashlib.md5(url.encode() + asked).hexdigest()}>"
    method = "POST" if asked else "GET"
    return [
        warcs.response(url, body, kind=kind, WARC_Record_ID=mine, **more),
        warcs.request(
            url,
            asked,
            method=method,
            WARC_Concurrent_To=mine,
            WARC_Record_ID=mine.replace("<urn", "<urn:q"),
            **more,
        ),
    ]


def records() -> list[bytes]:
    red = png(200, 0, 0)
    return [
        *exchange("", PAGE.encode(), kind="text/html; charset=utf-8"),
        *exchange("style.css", b"body{background:url(blue.png)} h1{color:rgb(1,2,3)} p{background:url(http://elsewhere.example/x.png)}", kind="text/css"),
        *exchange("red.png", red, kind="image/png"),
        *exchange("green.png", png(0, 200, 0), kind="image/png"),
        *exchange("blue.png", png(0, 0, 200), kind="image/png"),
        warcs.revisit(HOME + "again.png", warcs.sha1(red), "image/png", WARC_Refers_To_Target_URI=HOME + "red.png", WARC_Refers_To_Date="2020-05-01T00:00:00Z", WARC_Record_ID="<urn:uuid:again>"),
        *exchange("inner.html", b"<p>inside the frame</p><script>document.title='x'</script>", kind="text/html"),
        *(one for asked, answer in zip(POSTS, ANSWERS, strict=True) for one in exchange("graphql", answer, kind="application/json", asked=asked)),
    ]  # fmt: skip


def write(path: Path) -> Path:
    return warcs.write(path, *records())

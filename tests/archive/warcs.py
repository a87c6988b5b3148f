"""Small WARCs for tests, written record by record without the writer under test."""

from __future__ import annotations

import gzip
import hashlib
from base64 import b32encode
from pathlib import Path


def sha1(data: bytes) -> str:
    return "sha1:" + b32encode(hashlib.sha1(data).digest()).decode()


def record(
    kind: str, target: str, block: bytes, *, date: str = "2020-05-01T00:00:00Z", **more: str
) -> bytes:
    fields = {
        "WARC-Type": kind,
        "WARC-Target-URI": target,
        "WARC-Date": date,
        "Content-Length": str(len(block)),
    }
    fields |= {name.replace("_", "-"): value for name, value in more.items()}
    head = "WARC/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return gzip.compress(head.encode() + b"\r\n" + block + b"\r\n\r\n", mtime=0)


def response(target: str, body: bytes, *, kind: str = "text/html; charset=utf-8", status: str = "200 OK",
             headers: str = "", **more: str) -> bytes:  # fmt: skip
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    )
    more = {
        "Content_Type": "application/http; msgtype=response",
        "WARC_Payload_Digest": sha1(body),
        **more,
    }
    return record("response", target, head.encode() + body, **more)


def request(
    target: str,
    body: bytes = b"",
    *,
    method: str = "GET",
    kind: str = "application/json",
    **more: str,
) -> bytes:
    length = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n" if body else ""
    head = f"{method} / HTTP/1.1\r\nHost: example.org\r\n{length}\r\n"
    return record(
        "request",
        target,
        head.encode() + body,
        Content_Type="application/http; msgtype=request",
        **more,
    )


def revisit(target: str, digest: str, kind: str = "text/html", **more: str) -> bytes:
    profile = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
    return record("revisit", target, f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode(),
                  Content_Type="application/http; msgtype=response", WARC_Profile=profile,
                  WARC_Payload_Digest=digest, **more)  # fmt: skip


def write(path: Path, *records: bytes) -> Path:
    path.write_bytes(b"".join(records))
    return path

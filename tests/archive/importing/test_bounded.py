"""Files made to harm whoever reads them: a verdict on the file, never a crash of the reader's."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import pytest

from archive.digest import file_sha256
from archive.importing import bounded
from archive.importing.bounded import Limits, Progress, read_bounded
from archive.importing.derive import Original
from archive.importing.found import Summary

HEAD = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://s.example/\r\nWARC-Date: 2020-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:1>\r\nContent-Type: application/http; msgtype=response\r\n"


def response(body: bytes, head: bytes = b"") -> bytes:
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + head + b"\r\n" + body
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(http) + http + b"\r\n\r\n"


def read(tmp_path: Path, name: str, data: bytes, limits: Limits | None = None) -> Summary:
    path = tmp_path / "original"
    path.write_bytes(data)
    work = tmp_path / "work"
    work.mkdir()
    return read_bounded(Original(path, name, file_sha256(path)), work, limits or Limits(seconds=60))


def encoded(body: bytes) -> bytes:
    return gzip.compress(body, 9)


def stored_zip(name: str, size: int) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made,
        made.open(name, "w", force_zip64=True) as member,
    ):
        for _ in range(size // 1_000_000):
            member.write(bytes(1_000_000))
    return out.getvalue()


HOSTILE = {
    "header bomb.warc.gz": encoded(HEAD + b"X-A: " + b"a" * 200_000_000 + b"\r\nContent-Length: 0\r\n\r\n\r\n\r\n"),
    "many headers.warc.gz": encoded(HEAD + b"X-A: a\r\n" * 3_000_000 + b"Content-Length: 0\r\n\r\n\r\n\r\n"),
    "http header bomb.warc.gz": encoded(response(b"x", b"X: " + b"a" * 100_000_000 + b"\r\n")),
    "body bomb.warc": response(gzip.compress(gzip.compress(bytes(300_000_000), 9), 9), b"Content-Encoding: gzip, gzip\r\n"),
    "deep.warc": response(b"<div>" * 1_000_000),
    "deep attributes.html": b"<html>" + b"<a b=c " * 300_000,
    "deep.har": b'{"log": {"entries": ' + b"[" * 3_000_000,
    "long line.html": b"<html><p>" + b"a" * 30_000_000,
    "entities.html": b'<!DOCTYPE html [<!ENTITY a "' + b"b" * 1000 + b'">]><html>' + b"&a;" * 100_000,
    "parts.mhtml": b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n" + b"--b\r\nContent-Type: multipart/related; boundary=b\r\n\r\n" * 3_000,
    "claims a length.warc": HEAD + b"Content-Length: 99999999999999\r\n\r\nshort",
    "bomb.zip": stored_zip("page.html", 300_000_000),
    "bomb.xlsx.zip": stored_zip("archive/a.warc", 300_000_000),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_a_verdict(tmp_path: Path, name: str) -> None:
    summary = read(tmp_path, name, HOSTILE[name])
    assert summary.ended or summary.refused
    assert "breaks its reader" not in summary.refused, summary.refused


ENDLESS = ("<a b=c ", "<script ", "<!-- ", "<title ", "<style>", "<div a='")


@pytest.mark.parametrize("tag", ENDLESS)
def test_markup_that_never_ends_is_read_all_the_same(tmp_path: Path, tag: str) -> None:
    """Looked for from each beginning, the ends would cost hours of computing; ten seconds do."""
    page = "<html><div>" * 6000 + "棉花" + tag * 150_000
    summary = read(tmp_path, "endless.html", page.encode(), Limits(seconds=10))
    assert summary.ended
    assert not summary.refused


def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let the reading process do something it would never do."""
    package = tmp_path / "fake" / "archive" / "importing"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package / "child.py").write_text(textwrap.dedent(code))
    monkeypatch.setattr(bounded, "_CHECKOUT", tmp_path / "fake")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("raise ValueError('inside')", "ValueError: inside"),
        ("import os; os._exit(9)", "more memory"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "of computing"),
        ("import os; os._exit(10)", "unpacks to more"),
        ("import time; time.sleep(60)", "more than 4 seconds"),
        ("", "breaks its reader"),
    ],
)
def test_whatever_becomes_of_the_reader_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, told: str
) -> None:
    child(tmp_path, monkeypatch, code)
    assert told in read(tmp_path, "x.warc", b"x", Limits(seconds=1)).refused


def test_memory_is_limited(tmp_path: Path) -> None:
    big = json.dumps({"log": {"entries": ["x" * 1000] * 200_000}}).encode()
    summary = read(tmp_path, "big.har", big, Limits(memory=350_000_000, seconds=60))
    assert "needs more memory" in summary.refused


def test_the_reader_ends_with_who_asked(tmp_path: Path) -> None:
    path = tmp_path / "original"
    path.write_bytes(response(b"<p>x"))
    work = tmp_path / "work"
    work.mkdir()
    arguments = [str(path), "x.warc", "0", str(work), "1500000000", "60"]
    endless = (
        "import archive.importing.child as child, time\n"
        "child.read_original = lambda *_: time.sleep(100)\n"
        f"child.main(*{arguments!r})"
    )
    asking = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {endless!r}])\n"
        "print(child.pid, flush=True)\ntime.sleep(3)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", asking], stdout=subprocess.PIPE, text=True, timeout=60, check=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    process = int(done.stdout.split()[0])
    for _ in range(100):
        if (
            not Path(f"/proc/{process}").exists()
            or "Z" in Path(f"/proc/{process}/stat").read_text()
        ):
            return
        time.sleep(0.1)
    os.kill(process, 9)
    raise AssertionError("the reader goes on without anybody")


def test_progress_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child(tmp_path, monkeypatch, "import time; print('7 2', flush=True); time.sleep(1)")
    path = tmp_path / "original"
    path.write_bytes(b"x")
    (tmp_path / "work").mkdir()
    seen: list[Progress] = []
    read_bounded(Original(path, "x", "0"), tmp_path / "work", Limits(), seen.append)
    assert (seen[-1].records, seen[-1].pages) == (7, 2)

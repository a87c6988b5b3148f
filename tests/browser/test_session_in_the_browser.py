"""A capture session in a real browser: its cookies are sent, kept apart, and named by id alone."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.capture.browser.engine import BrowserEngine
from archive.capture.browsers import find_browser
from archive.capture.cookies import Cookie
from archive.capture.job import CaptureJob, CaptureResult
from archive.capture.network import GuardPolicy
from archive.capture.sessions import CaptureSession
from archive.identifiers import uuid7
from archive.urlkey import Address

pytestmark = pytest.mark.browser


class Site(http.server.BaseHTTPRequestHandler):
    """Greets whoever has the cookie; sets another one."""

    def do_GET(self) -> None:
        signed_in = "sid=value-4711" in (self.headers.get("Cookie") or "")
        body = ("<p>" + ("signed in" if signed_in else "a stranger")).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Set-Cookie", "visit=1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_cookies_go_with_one_capture_and_no_other(port: int, tmp_path: Path) -> None:
    binary = find_browser(None)
    assert binary is not None, "no Chromium that starts: make setup finds or installs one"
    session = CaptureSession(
        uuid7(), (Cookie("sid", "value-4711", "127.0.0.1", host_only=True, http_only=True),),
        ("Ana Person",),
    )  # fmt: skip

    def capture(engine: BrowserEngine, name: str, who: CaptureSession | None) -> CaptureResult:
        folder = tmp_path / name
        folder.mkdir()
        policy = GuardPolicy(frozenset({("127.0.0.1", port)}))
        address = Address.parse(f"http://127.0.0.1:{port}/")
        job = CaptureJob("id", address, folder, policy, "o", "i", "test", session=who)
        return engine.capture(job)

    with BrowserEngine(binary) as engine:
        made = capture(engine, "a", session)
        other = capture(engine, "b", None)
    assert (made.text, other.text) == ("signed in", "a stranger")
    assert made.warc is not None
    written = gzip.decompress(made.warc.path.read_bytes()).decode("utf-8", "replace")
    assert "sid=value-4711" in written
    assert f'"session": "{session.id}"' in written
    assert "Ana Person" not in written

"""The browser engine against a local server: what a script fetched is recorded too."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.capture.browser.engine import BrowserEngine
from archive.capture.browsers import find_browser
from archive.capture.job import CaptureJob, CaptureOptions, CaptureResult
from archive.capture.network import GuardPolicy
from archive.capture.outcome import Outcome
from archive.reader import walk
from archive.record import Record, RecordRef
from archive.replay import StaticView
from archive.urlkey import Address

pytestmark = pytest.mark.browser
PAGE = (
    "<!doctype html><html lang=ug><title>پاختا 棉花</title><body><p id=p>القطن</p><img src=/i.svg>"
    "<script>fetch('/words').then(a=>a.text()).then(t=>{p.textContent+=' '+t})</script></body></html>"
)


class Site(http.server.BaseHTTPRequestHandler):
    """Pages that behave, and pages that do not."""

    def do_GET(self) -> None:
        kinds = {"/i.svg": "image/svg+xml", "/words": "text/plain; charset=utf-8"}
        bodies = {
            "/": PAGE,
            "/i.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
            "/words": "хлопок",
            "/never": "<p>words<script>setInterval(()=>fetch('/words?'+Math.random()),50)</script>",
        }
        bodies["/film"] = "<p>words<video src=/film.mp4 preload=none></video>"
        path = self.path.partition("?")[0]
        if path == "/film.mp4":
            self.send_response(200)
            self.send_header("Content-Type", "video/mp4")
            self.end_headers()
            self.wfile.write(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(5000))
            return
        if path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = bodies.get(path, "not here").encode()
        self.send_response(200 if path in bodies else 404)
        self.send_header("Content-Type", kinds.get(path, "text/html; charset=utf-8"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def capture(url: str, port: int, folder: Path, **options: float) -> CaptureResult:
    binary = find_browser(None)
    assert binary is not None, "no Chromium that starts: make setup finds or installs one"
    folder.mkdir(exist_ok=True)
    policy = GuardPolicy(allowed=frozenset({("127.0.0.1", port)}))
    job = CaptureJob(
        "id",
        Address.parse(url),
        folder,
        policy,
        "op",
        "instance",
        "test",
        CaptureOptions(**options),
    )
    return BrowserEngine(binary).capture(job)


def test_a_page_and_what_its_script_fetched(port: int, tmp_path: Path) -> None:
    made = capture(f"http://127.0.0.1:{port}/moved", port, tmp_path / "c")
    assert (made.outcome, made.reason, made.status) == (Outcome.COMPLETE, "", 200)
    assert made.title == "پاختا 棉花"
    assert made.text == "القطن хлопок"
    assert made.final_url == f"http://127.0.0.1:{port}/"
    assert made.thumbnail_png is not None
    assert made.warc is not None
    targets = {
        (one.type, (one.target or "").partition("127")[0].partition("http")[0])
        for one in made.warc.record_list
    }
    for kind in ("urn:fullPage:", "urn:mhtml:", "urn:text:", "urn:pageinfo:"):
        assert ("resource", kind) in targets
    paths = [
        one.target.rpartition("/")[2]
        for one in made.warc.record_list
        if one.type == "response" and one.target
    ]
    assert {"moved", "", "i.svg", "words"} <= set(paths)
    tool = str(Path(sys.executable).with_name("warcio"))
    subprocess.run([tool, "check", "-v", str(made.warc.path)], check=True, capture_output=True)


def test_films_are_fetched_where_they_are_asked_for(port: int, tmp_path: Path) -> None:
    made = capture(f"http://127.0.0.1:{port}/film", port, tmp_path / "c", media=True)
    assert (made.outcome, made.media_files) == (Outcome.COMPLETE, 1), made.reason
    assert made.warc is not None
    url = f"http://127.0.0.1:{port}/film"
    assert f"urn:media:{url}#1" in {one.target for one in made.warc.record_list}


def test_its_static_view_shows_what_the_script_made(port: int, tmp_path: Path) -> None:
    made = capture(f"http://127.0.0.1:{port}/", port, tmp_path / "c")
    assert made.warc is not None
    records = {
        one.target: one.ref
        for one in walk(made.warc.path)
        if isinstance(one, Record) and one.type in {"response", "resource"}
    }
    snapshot: RecordRef = next(
        ref for target, ref in records.items() if target and target.startswith("urn:mhtml:")
    )
    view = StaticView(
        made.warc.path, records[made.final_url], made.final_url or "", records.get, snapshot
    )
    page = view.page("/c/id")
    assert "القطن хлопок" in page.body.decode()
    assert b"<script" not in page.body


@pytest.mark.parametrize(
    ("path", "outcome", "word"),
    [("/nowhere", Outcome.GONE, "404"), ("/never", Outcome.COMPLETE, "")],
)
def test_outcomes(port: int, tmp_path: Path, path: str, outcome: Outcome, word: str) -> None:
    made = capture(f"http://127.0.0.1:{port}{path}", port, tmp_path / "c")
    assert made.outcome is outcome, made.reason
    assert word in made.reason


def test_a_private_address_and_a_closed_port(port: int, tmp_path: Path) -> None:
    refused = capture("http://192.168.1.1/", port, tmp_path / "a")
    assert refused.outcome is Outcome.REFUSED
    assert "private" in refused.reason
    with_hole = GuardPolicy(allowed=frozenset({("127.0.0.1", 9)}))
    binary = find_browser(None)
    assert binary is not None
    job = CaptureJob("id", Address.parse("http://127.0.0.1:9/"), tmp_path, with_hole, "o", "i", "t")
    failed = BrowserEngine(binary).capture(job)
    assert (failed.outcome, failed.warc) == (Outcome.FAILED, None)
    assert not list(tmp_path.glob("*.warc*"))

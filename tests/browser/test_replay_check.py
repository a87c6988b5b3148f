"""The replay check: what a capture still says when it is shown from its bytes alone."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archive.capture.browser.engine import BrowserEngine
from archive.capture.browsers import find_browser
from archive.capture.job import CaptureJob, CaptureOptions, CaptureResult
from archive.capture.network import GuardPolicy
from archive.capture.outcome import Outcome
from archive.replay_check import ReplayCheck
from archive.urlkey import Address

pytestmark = pytest.mark.browser
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><rect width='9' height='9'/></svg>"
WHOLE = (
    "<!doctype html><title>棉花</title><link rel=stylesheet href=/s.css><p id=p>القطن 新疆棉花</p>"
    "<img src=/i.svg><p class=hidden>never seen</p>"
    "<script>fetch('/words').then(a=>a.text()).then(t=>{p.textContent+=' '+t})</script>"
)
PAGES = {
    "/whole": ("text/html; charset=utf-8", WHOLE),
    "/s.css": ("text/css", ".hidden { display: none } body { background: url(/i.svg) }"),
    "/words": ("text/plain; charset=utf-8", "хлопок"),
    "/gap": ("text/html", "<!doctype html><p>kept</p><img src=/nowhere.png><img src=/i.svg>"),
}


class Site(http.server.BaseHTTPRequestHandler):
    """The pages; everything else is 404. Counts what it is asked for."""

    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        kind, text = PAGES.get(self.path, ("text/plain", ""))
        body = text.encode()
        if self.path == "/i.svg":
            kind, body = "image/svg+xml", SVG
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[int, list[str]]]:
    handler = type("Handler", (Site,), {"asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port, handler.asked
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def engine() -> Iterator[BrowserEngine]:
    binary = find_browser(None)
    assert binary is not None, "no Chromium that starts: make setup finds or installs one"
    with BrowserEngine(binary) as made:
        yield made


def carry_out(
    path: str, site: tuple[int, list[str]], engine: BrowserEngine, folder: Path
) -> tuple[CaptureResult, ReplayCheck]:
    port, asked = site
    policy = GuardPolicy(frozenset({("127.0.0.1", port)}))
    address = Address.parse(f"http://127.0.0.1:{port}{path}")
    job = CaptureJob("id", address, folder, policy, "o", "i", "t", CaptureOptions(time_limit=30))
    made = engine.capture(job)
    before = list(asked)
    checked = engine.check_replay(made)
    assert asked == before, "the check asked the live site for something"
    return made, checked


def test_a_page_that_is_whole_says_the_same_words(
    site: tuple[int, list[str]], engine: BrowserEngine, tmp_path: Path
) -> None:
    made, checked = carry_out("/whole", site, engine, tmp_path)
    assert made.outcome is Outcome.COMPLETE, made.reason
    assert (checked.similarity, checked.problem) == (1000, "")
    assert (checked.missing, checked.outside) == ((), ())
    assert checked.words_live == checked.words_shown == 6


def test_words_that_only_the_live_page_showed_lower_the_score(
    site: tuple[int, list[str]], engine: BrowserEngine, tmp_path: Path
) -> None:
    made, _ = carry_out("/gap", site, engine, tmp_path)
    assert made.shown_text == "kept"
    checked = engine.check_replay(replace(made, shown_text="kept and three lost"))
    assert (checked.similarity, checked.words_live, checked.words_shown) == (400, 4, 1)


def test_a_missing_part_is_named(
    site: tuple[int, list[str]], engine: BrowserEngine, tmp_path: Path
) -> None:
    port, _ = site
    _, checked = carry_out("/gap", site, engine, tmp_path)
    assert checked.missing == (f"http://127.0.0.1:{port}/nowhere.png",)


def test_what_cannot_be_shown_is_a_sentence_and_no_error(
    site: tuple[int, list[str]], engine: BrowserEngine, tmp_path: Path
) -> None:
    made, _ = carry_out("/whole", site, engine, tmp_path)
    assert made.warc is not None
    made.warc.path.unlink()
    made.warc.path.write_bytes(b"not what it was")
    checked = engine.check_replay(made)
    assert checked.similarity is None
    assert checked.problem


def test_a_check_knows_nothing_of_the_one_before(
    site: tuple[int, list[str]], engine: BrowserEngine, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The tab is kept: neither words nor pictures of an earlier view may mend a later one."""
    port, _ = site
    page = "<!doctype html><p>{}</p><img src=/turn.svg>"
    found = []
    for word, there in (("first", True), ("second", False)):
        monkeypatch.setitem(PAGES, "/turn", ("text/html", page.format(word)))
        monkeypatch.setitem(PAGES, "/turn.svg", ("image/svg+xml", SVG.decode() if there else ""))
        folder = tmp_path / word
        folder.mkdir()
        _, checked = carry_out("/turn", site, engine, folder)
        found.append((checked.similarity, checked.words_shown, checked.missing))
    assert found == [(1000, 1, ()), (1000, 1, (f"http://127.0.0.1:{port}/turn.svg",))]

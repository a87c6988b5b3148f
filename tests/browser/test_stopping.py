"""A capture that nobody wants any more ends soon, leaves nothing, and asks for nothing more."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from archive.capture.browser.by_hand import ByHandEngine
from archive.capture.browser.engine import BrowserEngine
from archive.capture.http import HttpEngine
from archive.capture.job import CaptureJob
from archive.capture.network import GuardPolicy
from archive.capture.outcome import Outcome
from archive.capture.stopping import STOPPED
from archive.urlkey import Address
from tests.site.running import Site

pytestmark = pytest.mark.browser


def stop_when(job: CaptureJob, reached: Callable[[], bool]) -> threading.Thread:
    """Stop a capture from another thread, as its lease's keeper does."""

    def wait() -> None:
        ends = time.monotonic() + 30
        while not reached() and time.monotonic() < ends:
            time.sleep(0.01)
        job.stop.tell()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_browser_is_stopped_in_the_middle_and_can_go_on(
    engine: BrowserEngine, job: Callable[..., CaptureJob], site: Site
) -> None:
    site.log.clear()
    asked = job(f"{site.here}/never")  # it asks for /tick for ever
    stopping = stop_when(
        asked, lambda: sum(line.ask.path == "/tick" for line in site.log.lines()) > 1
    )
    made = engine.capture(asked)
    stopping.join()
    assert (made.outcome, made.reason, made.warc) == (Outcome.INTERRUPTED, STOPPED, None)
    assert not list(asked.folder.iterdir())
    process = engine._kept.process
    assert process is not None
    left = engine._kept.runner.run(process.cdp.send("Target.getBrowserContexts"))
    assert left["browserContextIds"] == []
    ticks = len(site.log.lines())
    after = engine.capture(job(f"{site.here}/light"))
    assert after.outcome is Outcome.COMPLETE, after.reason
    assert engine._kept.process is process
    assert not [line for line in site.log.lines()[ticks:] if line.ask.path == "/tick"]


def test_a_capture_stopped_before_it_began_asks_for_nothing(
    engine: BrowserEngine, job: Callable[..., CaptureJob], site: Site
) -> None:
    site.log.clear()
    for made_by in (engine, HttpEngine()):
        asked = job(f"{site.here}/light")
        asked.stop.tell()
        made = made_by.capture(asked)
        assert (made.outcome, made.warc) == (Outcome.INTERRUPTED, None)
        assert not list(asked.folder.iterdir())
    assert site.log.lines() == []


def test_an_answer_that_never_ends_is_cut_under_the_http_engine(
    job: Callable[..., CaptureJob], site: Site
) -> None:
    asked = job(f"{site.here}/light", time_limit=3600.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        asked = replace(
            asked, address=Address.parse(f"http://{host}:{port}/"),
            policy=GuardPolicy(frozenset({(host, port)})),
        )  # fmt: skip
        begun = threading.Event()

        def answer() -> None:
            stream, _ = server.accept()
            with stream:
                stream.recv(4096)
                stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun")
                begun.set()
                stream.recv(1)  # until the other side hangs up

        serving = threading.Thread(target=answer)
        serving.start()
        stopping = stop_when(asked, begun.is_set)
        made = HttpEngine().capture(asked)
        stopping.join()
        serving.join()
    assert (made.outcome, made.reason, made.warc) == (Outcome.INTERRUPTED, STOPPED, None)
    assert not list(asked.folder.iterdir())


def test_a_person_at_a_window_is_not_waited_for(
    binary: Path, job: Callable[..., CaptureJob], site: Site
) -> None:
    asked = job(f"{site.here}/light")
    site.log.clear()
    stopping = stop_when(asked, lambda: bool(site.log.lines()))

    def person(over: threading.Event) -> bool:
        over.wait()
        return False

    made = ByHandEngine(binary, person, visible=False).capture(asked)
    stopping.join()
    assert (made.outcome, made.warc) == (Outcome.INTERRUPTED, None)
    assert not list(asked.folder.iterdir())


@pytest.mark.parametrize(
    ("frozen", "outcome", "word"),
    [
        ("before", Outcome.INTERRUPTED, "does not answer"),
        ("in the middle", Outcome.PARTIAL, "the time limit of 2 seconds ran out"),
    ],
)
def test_a_browser_that_hangs_is_not_waited_for(
    frozen: str,
    outcome: Outcome,
    word: str,
    binary: Path,
    job: Callable[..., CaptureJob],
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("archive.capture.browser.cdp.ANSWER_SECONDS", 1.0)
    with BrowserEngine(binary, trusted_keys=[site.spki]) as engine:
        assert engine.capture(job(f"{site.here}/light")).outcome is Outcome.COMPLETE
        first = engine._kept.process
        site.log.clear()
        asked = job(f"{site.here}/never", time_limit=2.0)
        if frozen == "before":
            freeze(engine)
            made = engine.capture(asked)
        else:
            freezing = threading.Thread(target=lambda: (seen(site, "/tick"), freeze(engine)))
            freezing.start()
            made = engine.capture(asked)
            freezing.join()
        assert made.outcome is outcome, made.reason
        assert word in made.reason
        after = engine.capture(job(f"{site.here}/light"))
        assert after.outcome is Outcome.COMPLETE, after.reason
        assert engine._kept.process is not first


def seen(site: Site, path: str) -> None:
    ends = time.monotonic() + 30
    while time.monotonic() < ends and not any(line.ask.path == path for line in site.log.lines()):
        time.sleep(0.01)


def freeze(engine: BrowserEngine) -> None:
    """Stop every process of its browser, as a machine out of memory does."""
    process = engine._kept.process
    assert process is not None
    assert process._keeper is not None
    keeper = process._keeper.pid
    for child in Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split():
        os.killpg(int(child), signal.SIGSTOP)

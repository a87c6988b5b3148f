"""One browser for many captures: nothing of one is there in the next."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive.capture.browser.engine import BrowserEngine
from archive.capture.browser.process import BrowserProcess
from archive.capture.job import CaptureJob, CaptureResult
from tests.site.running import Site

pytestmark = pytest.mark.browser
Capture = Callable[..., CaptureResult]


def found(made: CaptureResult) -> dict[str, Any]:
    return dict(json.loads(made.text))


def test_what_one_capture_plants_no_other_finds(capture: Capture, site: Site) -> None:
    planted = found(capture(f"{site.here}/plant"))
    assert planted == {
        "cookie": "planted=1", "local": "1", "session": "1", "databases": ["planted"],
        "caches": ["planted"], "workers": 1, "directory": ["planted"], "granted": "yes",
    }  # fmt: skip
    first = [line.ask.path for line in site.log.lines()]
    assert first.count("/cached") == 1
    after = found(capture(f"{site.here}/look"))
    assert after == {
        "cookie": "", "local": None, "session": None, "databases": [], "caches": [],
        "workers": 0, "directory": [], "granted": "yes",
    }  # fmt: skip
    again = [line for line in site.log.lines() if line.ask.path == "/cached"]
    assert len(again) == 1  # the server is asked anew: no HTTP cache crosses
    assert "if-none-match" not in {key.lower() for key, _value in again[0].ask.headers}
    assert again[0].ask.header("cookie") == ""


def test_one_browser_carried_both_out(engine: BrowserEngine, capture: Capture, site: Site) -> None:
    first = engine.browser_started_at
    capture(f"{site.here}/light")
    second = engine.browser_started_at
    capture(f"{site.here}/light")
    assert first is not None
    assert first == second == engine.browser_started_at


def test_a_tab_brings_no_page_of_the_browsers_own(binary: Path) -> None:
    """Each costs a process: boxes of an address line that nobody sees were two of three."""

    async def opened() -> list[str]:
        async with BrowserProcess(binary) as process:
            kinds: list[str] = []
            process.cdp.on(
                "Target.targetCreated", lambda told, _s: kinds.append(told["targetInfo"]["type"])
            )
            await process.cdp.send("Target.setDiscoverTargets", discover=True, filter=[{}])
            kinds.clear()
            made = await process.cdp.send("Target.createBrowserContext")
            await process.cdp.send(
                "Target.createTarget", url="about:blank",
                browserContextId=made["browserContextId"],
            )  # fmt: skip
            await asyncio.sleep(1)
            return sorted(kinds)

    assert asyncio.run(opened()) == ["page", "tab"]


def test_each_capture_looks_names_up_itself_and_connects_anew(
    engine: BrowserEngine, job: Callable[..., CaptureJob], site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked: list[str] = []
    real = socket.getaddrinfo

    def told(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        asked.append(str(host))
        return real("127.0.0.1" if host == "localhost" else host, port, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", told)
    peers: list[set[tuple[str, int]]] = []
    for number in (1, 2):
        site.log.clear()
        made = engine.capture(job(f"{site.other}/light"))
        assert made.warc is not None, made.reason
        assert asked.count("localhost") == number  # the guard's own look-up, once a capture
        peers.append({line.ask.peer for line in site.log.lines()})
    assert peers[0]
    assert peers[1]
    assert not peers[0] & peers[1]


def test_another_proxy_is_no_way_out_of_a_context(capture: Capture, site: Site) -> None:
    """The browser as a whole has a proxy that leads nowhere: every request came by the guard."""
    made = capture(f"{site.here}/")
    hosts = {(entry.host, entry.port) for entry in made.guard}
    asked = {tuple(line.ask.origin.partition("://")[2].split(":")) for line in site.log.lines()}
    assert {(host, int(port)) for host, port in asked} <= hosts

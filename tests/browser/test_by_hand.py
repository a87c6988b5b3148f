"""Capturing by hand: the person's sign-in opens the page and is not in the WARC."""

from __future__ import annotations

import gzip
import json
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from annotate.cli import main
from annotate.commands import by_hand as command
from archive.capture.browser.by_hand import ByHandEngine
from archive.capture.browser.cdp import CdpError
from archive.capture.job import CaptureJob
from archive.capture.outcome import Outcome
from archive.errors import BrowserMissingError
from tests.site.running import Site
from tests.site.written import Written

pytestmark = pytest.mark.browser


def signed_in(site: Site, over: threading.Event) -> bool:
    """A person who signs in (the page's own script does the typing) and then says capture."""
    ends = time.monotonic() + 20
    while time.monotonic() < ends and not over.is_set():
        lines = site.log.lines()
        if any(line.ask.path == "/in-members.png" and line.sent for line in lines):
            return True
        time.sleep(0.05)
    return False


def test_the_page_behind_a_sign_in_is_captured_and_the_password_is_not(
    binary: Path, job: Callable[..., CaptureJob], site: Site
) -> None:
    site.log.clear()
    engine = ByHandEngine(binary, partial(signed_in, site), visible=False)
    made = engine.capture(job(f"{site.here}/signs-in"))
    assert made.outcome is Outcome.COMPLETE, made.reason
    assert made.final_url == f"{site.here}/members"
    assert "members only" in made.text
    assert made.warc is not None
    stored = gzip.decompress(made.warc.path.read_bytes())
    assert b"s3cret-by-hand" not in stored
    assert b"s3cret-by-hand" in b"".join(line.ask.body for line in site.log.lines())
    written = Written(made.warc.path)
    paths = [one.target.removeprefix(site.here) for one in written.of("response")]
    assert {"/members", "/in-members.png"} <= set(paths)  # asked for again, though cached
    assert not {"/login", "/signs-in"} & set(paths)
    assert written.provenance["by_hand"] is True
    assert written.provenance["requested_url"] == f"{site.here}/signs-in"


def test_giving_up_captures_nothing(
    binary: Path, job: Callable[..., CaptureJob], site: Site
) -> None:
    asked = job(f"{site.here}/light")
    made = ByHandEngine(binary, lambda _over: False, visible=False).capture(asked)
    assert (made.outcome, made.warc) == (Outcome.REFUSED, None)
    assert "given up" in made.reason
    assert not list(asked.folder.iterdir())


def test_without_a_screen_it_says_so(binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BrowserMissingError, match="no screen"):
        ByHandEngine(binary, lambda _over: True)


def test_the_command_writes_the_capture_into_the_project(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The same door as a person's, but for the window and the Enter key."""
    allowed = ",".join(f"{ip}:{port}" for ip, port in sorted(site.policy.allowed))
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOLDFAST_GUARD_ALLOW", allowed)
    monkeypatch.setattr(command, "ByHandEngine", partial(ByHandEngine, visible=False))
    monkeypatch.setattr(command, "at_the_terminal", partial(signed_in, site))
    assert holdfast(monkeypatch, "init") == 0
    assert holdfast(monkeypatch, "project", "add", "study", "--owner", "admin") == 0
    site.log.clear()
    assert holdfast(monkeypatch, "--json", "capture", "--by-hand", f"{site.here}/signs-in") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["outcome"], told["address"]) == ("complete", f"{site.here}/signs-in")
    assert holdfast(monkeypatch, "search", "members") == 0
    assert "/signs-in" in capsys.readouterr().out
    (warc,) = (tmp_path / "home" / "captures").rglob("*.warc.gz")
    assert b"s3cret-by-hand" not in gzip.decompress(warc.read_bytes())


def holdfast(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["holdfast", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_browser_that_breaks_off_is_an_outcome(
    binary: Path, job: Callable[..., CaptureJob], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_given: object) -> None:
        raise CdpError("the browser is gone")

    monkeypatch.setattr("archive.capture.browser.by_hand._show_buttons", gone)
    asked = job(f"{site.here}/light")
    made = ByHandEngine(binary, lambda _over: True, visible=False).capture(asked)
    assert (made.outcome, made.warc) == (Outcome.INTERRUPTED, None)
    assert "the browser is gone" in made.reason
    assert not list(asked.folder.iterdir())

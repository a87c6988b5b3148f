"""Capturing by hand in a real window: the button is pressed with a mouse, on a screen of its own."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageGrab

from archive.capture.browser.by_hand import ByHandEngine
from archive.capture.job import CaptureJob
from archive.capture.outcome import Outcome
from tests.site.running import Site
from tests.site.written import Written

pytestmark = pytest.mark.browser
BUTTON = (239, 239, 239)  # what Chromium paints a button with
SECONDS = 40.0


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A screen that nobody sees; gives its DISPLAY."""
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        pytest.skip("no Xvfb or no xdotool is installed: sh scripts/screen.sh")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x1000x24", "-nolisten", "tcp"],
        pass_fds=(write,), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    with open(read, "rb") as told:
        display = f":{told.readline().decode().strip()}"
    monkeypatch.setenv("DISPLAY", display)
    yield display
    server.terminate()
    server.wait()


class Hand:
    """A person before the screen: sees windows and pixels, has a mouse."""

    def __init__(self, display: str, button: int) -> None:
        """:param button: which of the two is pressed, from the left"""
        self._display = display
        self._button = button
        self.windows: list[str] = []
        self.pressed = False

    def __call__(self, over: threading.Event, ready: Callable[[], bool]) -> bool:
        """Wait until the page is there, press the button, and leave the rest to it."""
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends and not (self.pressed and over.is_set()):
            if not self.pressed and ready() and (place := self._find()) is not None:
                found = self._do("search", "--onlyvisible", "--name", "Chromium").split()
                self.windows = sorted(self._do("getwindowname", one) for one in found)
                self._do("mousemove", *map(str, place))
                self._do("click", "1")
                self.pressed = True
            over.wait(0.1)
        return False

    def _do(self, *words: str) -> str:
        done = subprocess.run(["xdotool", *words], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def _find(self) -> tuple[int, int] | None:
        """Where the button stands on the screen, as soon as its window is painted."""
        window = self._do("search", "--onlyvisible", "--name", "^Holdfast")
        if not window:
            return None
        told = dict(
            line.split("=") for line in self._do("getwindowgeometry", "--shell", window).split()
        )
        left, top = int(told["X"]), int(told["Y"])
        right, bottom = left + int(told["WIDTH"]), top + int(told["HEIGHT"])
        picture = ImageGrab.grab(xdisplay=self._display)
        buttons = _runs(picture, (left, top + 100, right, bottom))
        return buttons[self._button] if len(buttons) == 2 else None


def _runs(picture: Image.Image, area: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    """The middles of the stretches of a button's colour on the first line that has two."""
    left, top, right, bottom = area
    for y in range(top, bottom):
        runs: list[list[int]] = []
        for x in range(left, right):
            if picture.getpixel((x, y)) != BUTTON:
                continue
            if runs and runs[-1][1] == x - 1:
                runs[-1][1] = x
            else:
                runs.append([x, x])
        wide = [run for run in runs if run[1] - run[0] > 40]
        if len(wide) == 2:
            return [((run[0] + run[1]) // 2, y + 4) for run in wide]
    return []


def signed_in(site: Site) -> bool:
    return any(line.ask.path == "/in-members.png" and line.sent for line in site.log.lines())


def test_the_button_in_the_window_captures_the_page_in_the_other(
    binary: Path, job: Callable[..., CaptureJob], site: Site, screen: str
) -> None:
    site.log.clear()
    hand = Hand(screen, button=0)
    engine = ByHandEngine(binary, lambda over: hand(over, lambda: signed_in(site)))
    made = engine.capture(job(f"{site.here}/signs-in"))
    assert hand.pressed
    assert len(hand.windows) == 2, hand.windows  # the page and the buttons: no third to mistake
    assert (made.outcome, made.final_url) == (Outcome.COMPLETE, f"{site.here}/members"), made.reason
    assert made.warc is not None
    assert b"s3cret-by-hand" not in gzip.decompress(made.warc.path.read_bytes())
    written = Written(made.warc.path)
    assert written.provenance["by_hand"] is True
    assert written.attachments("view")
    assert written.attachments("fullPage")


def test_give_up_in_the_window_captures_nothing(
    binary: Path, job: Callable[..., CaptureJob], site: Site, screen: str
) -> None:
    site.log.clear()
    asked = job(f"{site.here}/light")
    hand = Hand(screen, button=1)
    engine = ByHandEngine(binary, lambda over: hand(over, lambda: bool(site.log.lines())))
    made = engine.capture(asked)
    assert hand.pressed
    assert (made.outcome, made.warc) == (Outcome.REFUSED, None)
    assert "given up" in made.reason
    assert not list(asked.folder.iterdir())

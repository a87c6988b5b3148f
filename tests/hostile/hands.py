"""Real browsers at a real zoom, with a mouse: Chromium and Firefox by the same few words."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from firefox import Firefox
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, sync_playwright

Point = tuple[float, float]
_PATIENCE = 60  # seconds


class Hand(Protocol):
    """What a person does; places in CSS pixels of the window."""

    def open(self, url: str) -> None:
        """Go to an address."""

    def run(self, expression: str) -> Any:
        """Return what an expression says in the page, as JSON."""

    def drag(self, *points: Point) -> None:
        """Press the mouse at the first point, move over the others, let go at the last."""


def until(hand: Hand, expression: str) -> Any:
    """Wait until an expression is true in the page; return its value."""
    ends = time.monotonic() + _PATIENCE
    while not (value := hand.run(expression)):
        assert time.monotonic() < ends, f"never: {expression}"
        time.sleep(0.1)
    return value


def click(hand: Hand, selector: str) -> None:
    """Click in the middle of an element."""
    at = hand.run(
        f"(() => {{ const one = document.querySelector({json.dumps(selector)});"
        " one.scrollIntoView({block: 'center'}); const box = one.getBoundingClientRect();"
        " return [box.left + box.width / 2, box.top + box.height / 2]; })()"
    )
    hand.drag((at[0], at[1]))


class ChromiumHand:
    """A Chromium whose profile has the zoom that Ctrl + and Ctrl - set."""

    def __init__(self, page: Page) -> None:
        self.page = page
        # Playwright's own mouse waits for a script of its own in each frame before it moves with
        # the button down, and in the frame of an archived page none ever runs.
        self._mouse = page.context.new_cdp_session(page)

    def open(self, url: str) -> None:
        self.page.goto(url)

    def run(self, expression: str) -> Any:
        try:
            return json.loads(self.page.evaluate(f"JSON.stringify(({expression}) ?? null)"))
        except PlaywrightError as error:
            if "context was destroyed" not in str(error):
                raise
            self.page.wait_for_load_state()  # the page went on to another just now
            return None

    def drag(self, *points: Point) -> None:
        self._send("mouseMoved", points[0], 0)
        self._send("mousePressed", points[0], 1)
        for point in points[1:]:
            self._send("mouseMoved", point, 1)
        self._send("mouseReleased", points[-1], 0)

    def _send(self, kind: str, point: Point, buttons: int) -> None:
        button = "none" if kind == "mouseMoved" and not buttons else "left"
        event = {"type": kind, "x": point[0], "y": point[1], "button": button,
                 "buttons": buttons, "clickCount": 1}  # fmt: skip
        self._mouse.send("Input.dispatchMouseEvent", event)


@contextmanager
def chromium(binary: str, profile: Path, zoom: float) -> Iterator[ChromiumHand]:
    """Start a Chromium at a zoom of 0.25 to 5, in a window of 1280 by 900 pixels of the screen."""
    level = math.log(zoom) / math.log(1.2)  # Chromium: content/public/common/page_zoom.h
    (profile / "Default").mkdir(parents=True)
    settings = {"partition": {"default_zoom_level": {"x": level}}}
    (profile / "Default" / "Preferences").write_text(json.dumps(settings), "utf-8")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=binary,
            no_viewport=True,
            args=["--no-sandbox", "--disable-gpu", "--window-size=1280,900"],
        )
        context.set_default_timeout(30_000)
        yield ChromiumHand(context.pages[0])
        context.close()


class FirefoxHand:
    """A Firefox, driven from outside."""

    def __init__(self, firefox: Firefox, runner: asyncio.Runner) -> None:
        self._firefox = firefox
        self._run = runner.run

    def open(self, url: str) -> None:
        self._run(self._firefox.open(url))

    def run(self, expression: str) -> Any:
        asked = f"JSON.stringify(({expression}) ?? null)"
        return json.loads(self._run(self._firefox.evaluate(asked, None)))

    def drag(self, *points: Point) -> None:
        self._run(self._firefox.drag(points))


@contextmanager
def firefox(binary: str, profile: Path, zoom: float) -> Iterator[FirefoxHand]:
    """Start a Firefox whose CSS pixels are so many pixels of the screen."""
    with asyncio.Runner() as runner:
        held = Firefox(binary, profile, {"layout.css.devPixelsPerPx": str(zoom)})
        runner.run(held.__aenter__())
        try:
            yield FirefoxHand(held, runner)
        finally:
            runner.run(held.__aexit__())

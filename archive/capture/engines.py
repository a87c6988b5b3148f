"""The engines by name: the one place that knows them all."""

from __future__ import annotations

from pathlib import Path

from archive.capture.browser.engine import BrowserEngine
from archive.capture.browsers import find_browser
from archive.capture.http import HttpEngine
from archive.capture.job import CaptureEngine
from archive.errors import BrowserMissingError


def make_engine(name: str, browser_path: Path | None) -> CaptureEngine:
    """Return the engine of this name; "auto" is the browser where one starts, else http.

    :raises BrowserMissingError: the browser was asked for by name and none starts
    """
    if name == "http":
        return HttpEngine()
    binary = find_browser(browser_path)
    if binary is not None:
        return BrowserEngine(binary)
    if name == "auto":
        return HttpEngine()
    named = f"{browser_path} does not start" if browser_path else "none is installed"
    raise BrowserMissingError(
        f"No browser that starts was found ({named}). Install Chromium, or capture with http."
    )

"""The engines by name: the one place that knows them all."""

from __future__ import annotations

from pathlib import Path

from archive.capture.http import HttpEngine
from archive.capture.job import CaptureEngine
from archive.errors import BrowserMissingError


def make_engine(name: str, browser_path: Path | None) -> CaptureEngine:
    """Return the engine of this name; "auto" takes the best one that works here.

    :raises BrowserMissingError: a browser was asked for and none starts
    """
    if name in {"http", "auto"}:
        return HttpEngine()
    raise BrowserMissingError(f"no browser that starts was found ({browser_path or 'none named'})")

"""Finding a browser. One counts only if it answers --version and opens a page (decisions 26)."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from archive.capture.browser.cdp import CdpError
from archive.capture.browser.process import BrowserProcess
from archive.errors import BrowserMissingError

# The wrapper in /usr/bin adds flags of its own, so the real binary comes first.
_KNOWN: Final = (
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/opt/google/chrome/chrome",
    "/usr/lib64/chromium-browser/chromium-browser",
)
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_SECONDS: Final = 30
_MARK: Final = "holdfast-page-opened"


def find_browser(explicit: Path | None) -> Path | None:
    """Return a Chromium that starts: the one named, else the first that is known to work."""
    candidates = [explicit] if explicit is not None else list(_candidates())
    return next((path for path in candidates if opens_a_page(path)), None)


@lru_cache(maxsize=16)
def opens_a_page(binary: Path) -> bool:
    """Tell whether a browser answers for itself and opens a page."""
    if not os.access(binary, os.X_OK) or not binary.is_file():
        return False
    try:
        told = subprocess.run(
            [str(binary), "--version"], capture_output=True, timeout=_SECONDS, check=False
        )
        return told.returncode == 0 and asyncio.run(asyncio.wait_for(_opens(binary), _SECONDS))
    except (OSError, subprocess.TimeoutExpired, TimeoutError, CdpError, BrowserMissingError):
        return False


async def _opens(binary: Path) -> bool:
    """Start it as a capture does, so that being killed here leaves nothing behind either."""
    async with BrowserProcess(binary) as process:
        made = await process.cdp.send("Target.createTarget", url=f"data:text/html,<p>{_MARK}</p>")
        attached = await process.cdp.send(
            "Target.attachToTarget", targetId=made["targetId"], flatten=True
        )
        while True:
            answer = await process.cdp.send(
                "Runtime.evaluate", attached["sessionId"],
                expression="document.body ? document.body.innerText : ''", returnByValue=True,
            )  # fmt: skip
            if answer.get("result", {}).get("value") == _MARK:
                return True
            await asyncio.sleep(0.02)


def _candidates() -> Iterator[Path]:
    yield from (Path(path) for path in _KNOWN if Path(path).exists())
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            yield Path(found)
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "~/.cache/ms-playwright")).expanduser()
    yield from sorted(cache.glob("chromium-*/chrome-linux*/chrome"), reverse=True)

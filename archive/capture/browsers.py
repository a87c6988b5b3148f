"""Finding a browser. One counts only if it answers --version and opens a page (decisions 26)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

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
    with tempfile.TemporaryDirectory(prefix="holdfast-browser-") as profile:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        common = [str(binary), *sandbox, "--headless=new", "--disable-gpu", "--no-first-run"]
        page = f"data:text/html,<p>{_MARK}</p>"
        commands = (
            [str(binary), "--version"],
            [*common, f"--user-data-dir={profile}", "--dump-dom", page],
        )
        try:
            answers = [
                subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
                for command in commands
            ]
        except (OSError, subprocess.TimeoutExpired):
            return False
    return answers[0].returncode == 0 and _MARK.encode() in answers[1].stdout


def _candidates() -> Iterator[Path]:
    yield from (Path(path) for path in _KNOWN if Path(path).exists())
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            yield Path(found)
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "~/.cache/ms-playwright")).expanduser()
    yield from sorted(cache.glob("chromium-*/chrome-linux*/chrome"), reverse=True)

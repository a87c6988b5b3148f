"""Where indexes stand: the one in use, one being made beside it, and what is known of them.

::

    index/current       name of the folder in use, one line; replaced in one step
    index/g000003/      an index; the number counts the times it was made
    index/damaged       why the one in use is to be made again; anyone who meets damage writes it
    index/wanted        somebody asks for a rebuild
    index/progress      JSON: how far a rebuild is
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from pathlib import Path
from typing import Final

from search.engine import Progress
from search.whoosh_codec import sync_folder

_NAME: Final = re.compile(r"g(\d{6})")
_log = logging.getLogger(__name__)


class Shelf:
    """The folder of indexes of one home."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def current(self) -> Path | None:
        """Return the folder in use; None where there is none yet."""
        try:
            name = (self.root / "current").read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        return self.root / name if _NAME.fullmatch(name) else None

    @staticmethod
    def generation(folder: Path | None) -> int:
        """Return the number in a folder's name; 0 for none."""
        match = _NAME.fullmatch(folder.name) if folder is not None else None
        return int(match[1]) if match else 0

    def beside(self) -> Path:
        """Return the folder a rebuild goes on in, or a new one: the number after the current."""
        return self.root / f"g{self.generation(self.current()) + 1:06d}"

    def use(self, folder: Path) -> None:
        """Put a folder in use, durably; forget what was said of the one before, and remove it.

        A crash before the replacing leaves the old one in use and the new one to go on with.
        """
        self._write("current", folder.name)
        for name in ("damaged", "wanted", "progress"):
            (self.root / name).unlink(missing_ok=True)
        self.clear(keep=folder)

    def clear(self, keep: Path | None = None) -> None:
        """Remove everything that is neither in use nor to be kept."""
        kept = {path.name for path in (self.current(), keep) if path is not None}
        kept |= {"current", "damaged", "wanted", "progress"}
        for path in self.root.iterdir():
            if path.name in kept:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def forget(self) -> None:
        """Take everything away: an index is derived and can be made again."""
        shutil.rmtree(self.root, ignore_errors=True)

    def report_damage(self, reason: str) -> None:
        """Say that the index in use is to be made again. Never fails: a reader may not write."""
        if self.damage() is not None:
            return
        _log.error("the search index is damaged: %s", reason)
        try:
            self._write("damaged", reason)
        except OSError as error:
            _log.warning("this could not be written down: %s", error)

    def damage(self) -> str | None:
        """Return what was reported, or None."""
        return self._read("damaged")

    def want_rebuild(self) -> None:
        """Ask the process that writes the index to make it anew."""
        self._write("wanted", "")

    def rebuild_wanted(self) -> bool:
        """Tell whether a rebuild was asked for or damage reported."""
        return (self.root / "wanted").exists() or (self.root / "damaged").exists()

    def say_progress(self, progress: Progress) -> None:
        """Write down how far a rebuild is."""
        self._write("progress", json.dumps([progress.position, progress.head, progress.items]))

    def progress(self) -> Progress | None:
        """Return how far a rebuild is; None where none is under way."""
        text = self._read("progress")
        try:
            position, head, items = json.loads(text or "")
        except ValueError:
            return None
        return Progress(int(position), int(head), int(items))

    def _read(self, name: str) -> str | None:
        try:
            return (self.root / name).read_text("utf-8", errors="replace")
        except OSError:
            return None

    def _write(self, name: str, text: str) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        part = self.root / f".{name}.{os.getpid()}"
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.root / name)
        sync_folder(self.root)

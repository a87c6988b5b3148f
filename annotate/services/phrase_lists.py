"""The home's own lists of what pages say, read again when one of them changes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from archive.capture.phrases import PACKAGED, PhraseList, read_list
from archive.errors import PhraseListError


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists that hold now, and what is wrong with those that cannot be read."""

    together: PhraseList
    own: tuple[tuple[str, PhraseList], ...]
    faults: tuple[str, ...]


class PhraseBook:
    """The lists of one home's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._stamp: tuple[tuple[str, int, int], ...] | None = None
        self._lists = Lists(PACKAGED, (), ())

    def current(self) -> Lists:
        """Return the lists as they stand in the folder now."""
        paths = sorted(self._folder.glob("*.toml")) if self._folder.is_dir() else []
        stamp = tuple((one.name, one.stat().st_mtime_ns, one.stat().st_size) for one in paths)
        with self._lock:
            if stamp != self._stamp:
                self._lists, self._stamp = _read(paths), stamp
            return self._lists


def _read(paths: list[Path]) -> Lists:
    together = PACKAGED
    own: list[tuple[str, PhraseList]] = []
    faults: list[str] = []
    for path in paths:
        try:
            found = read_list(path.name, path.read_bytes())
        except (PhraseListError, OSError) as error:
            faults.append(str(error))
            continue
        own.append((path.name, found))
        together = found.over(together)
    return Lists(together, tuple(own), tuple(faults))

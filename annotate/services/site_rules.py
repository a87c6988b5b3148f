"""The home's own rules of what is done on pages, read again when the file changes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from archive.capture.sites import PACKAGED_RULES, SiteRules, load_rules
from archive.errors import SiteRulesError


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that hold now, and what is wrong with the home's own file where it is not used."""

    rules: SiteRules
    fault: str = ""


class SiteBook:
    """One home's sites.toml."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._rules = Rules(PACKAGED_RULES)

    def current(self) -> Rules:
        """Return the rules as the file says now; a file that cannot be read changes nothing."""
        try:
            told = self._file.stat()
            stamp: tuple[int, int] | None = (told.st_mtime_ns, told.st_size)
        except OSError:
            stamp = None
        with self._lock:
            if stamp != self._stamp:
                self._rules, self._stamp = _read(self._file), stamp
            return self._rules


def _read(file: Path) -> Rules:
    try:
        return Rules(load_rules(file))
    except SiteRulesError as error:
        return Rules(PACKAGED_RULES, str(error))

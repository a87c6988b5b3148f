"""What the readers of all kinds share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_SPACE: Final = re.compile(r"[^\S\n\f]+")
_LINES: Final = re.compile(r" *\n[ \n]*")


@dataclass(frozen=True, slots=True)
class Words:
    """What a reader found: a form feed stands between pages, slides and sheets."""

    title: str
    text: str
    note: str = ""


def tidy(text: str) -> str:
    """Collapse spaces and empty lines, as page renditions have them; form feeds stay."""
    plain = _SPACE.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _LINES.sub("\n", plain).strip(" \n")

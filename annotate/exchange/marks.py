"""An annotation of another program, as far as it has a place here; and where its words stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from annotate.selectors import text as selectors
from annotate.selectors.anchoring import anchor
from annotate.selectors.media import MediaMark
from annotate.selectors.text import TextSelector

_SPACES: Final = re.compile(r"\s+")


class Standing(StrEnum):
    """What becomes of a foreign annotation."""

    MATCHED = "matched"
    """Its words stand in our text as they are."""
    FUZZY = "fuzzy"
    """Words alike stand there; the score says how sure that is."""
    ORPHAN = "orphan"
    """Its words are not in our text, or what it marks is not here; it is listed, and put
    nowhere."""
    NOTE = "note on the whole page"
    """It marks no words."""
    REPLY = "reply"
    """It answers another annotation; replies are listed and not taken."""
    NO_ITEM = "no item"
    """The project has no item of its address."""
    KNOWN = "here already"


TAKEN = frozenset({Standing.MATCHED, Standing.FUZZY, Standing.NOTE})


@dataclass(frozen=True, slots=True)
class Mark:
    """One annotation, as its file has it."""

    name: str
    """Its id there: an address or a word that names it alone."""
    source: str
    """Address of the page it is about."""
    exact: str = ""
    prefix: str = ""
    suffix: str = ""
    start: int | None = None
    """In code points of the text its program saw, which may be another than ours."""
    end: int | None = None
    fragment: str = ""
    """The rectangle or time it marks, as `xywh=…` or `t=…`; "" where it marks none."""
    scope: str = ""
    """Address of the page what it marks stands in, where it says so."""
    body: str = ""
    tags: tuple[str, ...] = ()
    maker: str = ""
    made_at: datetime | None = None
    is_reply: bool = False

    @property
    def words(self) -> str:
        """What it says, with its tags below."""
        tags = f"Tags: {', '.join(self.tags)}" if self.tags else ""
        return "\n\n".join(filter(None, (self.body, tags)))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mark stands in our text, or on a picture or in a film; 0 to 1 sure."""

    standing: Standing
    score: float = 0.0
    selector: TextSelector | None = None
    media: MediaMark | None = None
    reason: str = ""
    """Why it stands nowhere."""


def place(text: str, mark: Mark) -> Place:
    """Find a mark's words in a text: at their place, in the only place, or in one alike."""
    if not mark.exact:
        return Place(Standing.NOTE, 1.0)
    at, to = mark.start, mark.end
    if at is not None and to is not None and 0 <= at < to and text[at:to] == mark.exact:
        return Place(Standing.MATCHED, 1.0, selectors.select(text, at, to))
    only = selectors.find(text, mark.exact)
    if only is not None:
        return Place(Standing.MATCHED, 1.0, only)
    asked = TextSelector(
        mark.exact, _folded(mark.prefix)[-selectors.CONTEXT :],
        _folded(mark.suffix)[: selectors.CONTEXT],
        at or 0, to or len(mark.exact),
    )  # fmt: skip
    found = anchor(text, asked)
    if found is None:
        return Place(Standing.ORPHAN)
    same = found.selector.exact == mark.exact
    return Place(Standing.MATCHED if same else Standing.FUZZY, found.score, found.selector)


def _folded(text: str) -> str:
    """Return the words around a quote without the white space of their markup, which ours lacks."""
    return _SPACES.sub(" ", text).strip()

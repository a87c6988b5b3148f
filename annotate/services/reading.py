"""Reading an item's text with the words of a search marked, from one mark to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from search.errors import QuerySyntaxError
from search.query import parse_query
from search.results import SCAN, find_spans, mark_all

_MARKS: Final = 5000  # marks painted in one text


@dataclass(frozen=True, slots=True)
class Reading:
    """A text in pieces, each with the 1-based number of its mark or 0; `at` is the one shown."""

    find: str
    pieces: tuple[tuple[str, int], ...]
    count: int
    at: int
    fault: str = ""
    note: str = ""

    @property
    def previous(self) -> int:
        """The mark before the one shown; before the first comes the last."""
        return self.at - 1 if self.at > 1 else self.count

    @property
    def following(self) -> int:
        """The mark after the one shown; after the last comes the first."""
        return self.at + 1 if self.at < self.count else 1


def read(text: str, find: str, mark: int = 1) -> Reading:
    """Mark the words of a query in a text; a query that cannot be read marks nothing.

    :param mark: 1-based number of the mark to show; one that is not there shows the nearest
    """
    plain = ((text, 0),) if text else ()
    if not find:
        return Reading("", plain, 0, 0)
    try:
        spans = find_spans(text, parse_query(find))
    except QuerySyntaxError as error:
        return Reading(find, plain, 0, 0, fault=str(error))
    note = f"Marks are looked for in the first {SCAN} characters." if len(text) > SCAN else ""
    if len(spans) > _MARKS:
        note = f"The first {_MARKS} of {len(spans)} marks are shown."
    spans = spans[:_MARKS]
    at = min(max(mark, 1), len(spans))
    return Reading(find, tuple(mark_all(text, spans)), len(spans), at, note=note)

"""Evidence of an answer: its quote anchored in the text, its regions and ranges of time checked.

An answer whose evidence is not there is refused, of a coder as of whoever settles: so there is no
final answer whose evidence cannot be found again (annotate.md 1, S13).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.instrument.answers import Given
from annotate.models import Rendition
from annotate.selectors import text as selectors
from annotate.selectors.media import read_mark
from annotate.selectors.text import TextSelector
from annotate.services.annotation_json import fragment_selector
from annotate.services.sources import Source, check_mark

MOST: Final = 20  # regions and ranges of one answer
_SPACES: Final = re.compile(r"\s+")
Selectors = dict[str, dict[str, Any]]
"""By variable: the quote's place (TextQuote and TextPosition, code points), and `marks`."""


def anchored(
    session: Session,
    capture_id: str | None,
    given: Mapping[str, Given],
    sources: Sequence[Source] = (),
) -> Selectors:
    """Return where the evidence of each answer stands.

    :param sources: the pictures and films of the capture (sources.py)
    :raises UsageError: a quote does not stand in the text, or a mark not on the capture
    """
    found: Selectors = {}
    for key, one in given.items():
        held: dict[str, Any] = {}
        if one.quote:
            held |= _quoted(_rendition(session, capture_id), key, one)
        if one.marks:
            held["marks"] = _marked(key, one, sources)
        if held:
            found[key] = held
    return found


def _rendition(session: Session, capture_id: str | None) -> Rendition:
    rendition = session.get(Rendition, capture_id) if capture_id else None
    if rendition is None:
        raise UsageError("This unit has no text to quote from; leave the quotes empty.")
    return rendition


def _quoted(rendition: Rendition, key: str, given: Given) -> dict[str, Any]:
    place = _place(rendition.text, given)
    if place is None:
        raise UsageError(
            f"{key}: the words “{given.quote[:80]}” do not stand in the text of the page like "
            "this. Mark them in the text and take them over."
        )
    return {
        "exact": place.exact,
        "prefix": place.prefix,
        "suffix": place.suffix,
        "start": place.start,
        "end": place.end,
        "rendition_sha256": rendition.sha256,
    }


def _place(text: str, given: Given) -> TextSelector | None:
    """Find a quote where it was marked, else where it stands first, whatever its spaces."""
    quote = given.quote
    start = given.start if given.start is not None else text.find(quote)
    if start >= 0 and text[start : start + len(quote)] == quote:
        return selectors.select(text, start, start + len(quote))
    if given.start is not None:
        # The quote was changed by hand since: its place is clear only where it stands once.
        return selectors.find(text, quote)
    for form in (quote, unicodedata.normalize("NFC", quote)):
        parts = [re.escape(part) for part in _SPACES.split(form) if part]
        found = re.search(r"\s+".join(parts), text)
        if found is not None and found.end() > found.start():
            return selectors.select(text, *found.span())
    return None


def _marked(key: str, given: Given, sources: Sequence[Source]) -> list[dict[str, Any]]:
    if len(given.marks) > MOST:
        raise UsageError(f"{key}: at most {MOST} regions and ranges of time support one answer.")
    found = []
    for uri in given.marks:
        try:
            mark = read_mark(uri)
            source = check_mark(sources, mark)
        except (ValueError, UsageError) as error:
            raise UsageError(f"{key}: {error}") from error
        found.append(
            {
                "source": mark.source,
                "source_digest": source.digest,
                "selector": fragment_selector(str(mark.place)),
            }
        )
    return found

"""Text quote and position selectors over a text rendition, in Unicode code points.

W3C Web Annotation Data Model, sections 4.2.4 (TextQuoteSelector) and 4.2.5
(TextPositionSelector); the model counts in code points, as Python does and browsers do not.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

CONTEXT: Final = 32  # code points of prefix and suffix
_JOINER: Final = "\u200d"
_SPACES: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class TextSelector:
    """A stretch of a text, with what stands around it."""

    exact: str
    prefix: str
    suffix: str
    start: int
    """In code points, from 0."""
    end: int
    """In code points, exclusive."""


def select(text: str, start: int, end: int) -> TextSelector:
    """Return the selector of a stretch, widened so that no visible character is cut in two.

    :raises ValueError: it is empty or not within the text
    """
    if not 0 <= start < end <= len(text):
        raise ValueError(f"no stretch of a text of {len(text)} characters: {start} to {end}")
    while start > 0 and _belongs_to_earlier(text, start):
        start -= 1
    while end < len(text) and _belongs_to_earlier(text, end):
        end += 1
    return TextSelector(
        exact=text[start:end],
        prefix=text[max(0, start - CONTEXT) : start],
        suffix=text[end : end + CONTEXT],
        start=start,
        end=end,
    )


def find(text: str, quote: str) -> TextSelector | None:
    """Find words that were marked elsewhere on the page, whatever its line ends and spaces.

    None where they do not stand in the text, or in more than one place.
    """
    parts = [re.escape(part) for part in _SPACES.split(quote.strip()) if part]
    if not parts:
        return None
    for wanted in (r"\s+".join(parts), r"\s+".join(unicodedata.normalize("NFC", p) for p in parts)):
        places = [match.span() for match in re.finditer(wanted, text)]
        if len(places) == 1:
            return select(text, *places[0])
    return None


def _belongs_to_earlier(text: str, place: int) -> bool:
    """Tell whether the character at `place` continues the one before it (UAX 29, in short)."""
    character, before = text[place], text[place - 1]
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Mc"}:
        return True
    if _JOINER in {character, before}:
        return True
    if 0x1F3FB <= ord(character) <= 0x1F3FF:  # skin tones
        return True
    if before == "\r" and character == "\n":
        return True
    return _is_flag_half(character) and _flags_before(text, place) % 2 == 1


def _is_flag_half(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


def _flags_before(text: str, place: int) -> int:
    number = 0
    while place - number > 0 and _is_flag_half(text[place - number - 1]):
        number += 1
    return number

"""Archived markup before and beside the parser: what would stall it, and sets of pictures."""

from __future__ import annotations

import re
from typing import Final

_DEEP_MARKUP: Final = 3000  # open tags within one another before the parser is spared the rest
_MOST_ATTRIBUTES: Final = 1000  # of one element; the parser's time grows with their square
# An attribute as the tokenizer reads it (HTML, 13.2.5.32 and on).
_ATTRIBUTE: Final = (
    r"""[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)?+"""
)
# A tag as the tokenizer reads it (HTML, 13.2.5.6 and on); possessive, so that it never goes back.
_TAG: Final = re.compile(
    rf"<(/?)([A-Za-z][^\s/>]*+)(?:{_ATTRIBUTE}){{0,{_MOST_ATTRIBUTES}}}+[\s/]*+(>?)"
)
_CROWDED: Final = 5000  # attributes of one element, above which lexbor is spared the rest
_BEGIN: Final = r"<[A-Za-z][^\s/>]*+"
# Possessive throughout, so that it stops where an element has too many, and never goes back. Most
# tags have a few plain attributes; looking for those first takes two thirds of the time.
_PLAIN: Final = r"""(?: [a-z-]++="[^"]*+"){0,100}+>"""
_UNCROWDED: Final = re.compile(
    (
        rf"(?:[^<]*+<(?:/|{_BEGIN[1:]}(?:{_PLAIN}|(?:{_ATTRIBUTE}){{0,{_CROWDED}}}+"
        rf"(?![\s/]*+[^\s/>]))|(?![A-Za-z])))*+[^<]*+"
    ).encode()
)
_KEPT: Final = re.compile(rf"{_BEGIN}(?:{_ATTRIBUTE}){{0,{_CROWDED}}}+".encode())
_SURPLUS: Final = re.compile(rf"(?:{_ATTRIBUTE})*+".encode())
_SMALL_PAGE: Final = 20_000  # characters or bytes, too few to be harmful
_UNCOUNTED: Final = frozenset(
    "br col hr img input link source track wbr p li dd dt td th tr tbody thead tfoot option "
    "optgroup area base embed meta param".split()
)
_CANDIDATE: Final = re.compile(r"\s*(\S*[^,\s])(?:\s+([^,()]*))?\s*(?:,|$)")

# Marks, embeddings, overrides and isolates of the Unicode bidirectional algorithm.
_TURNING: Final = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F])


def straight(text: str) -> str:
    """Take out what turns the direction of writing, for places that isolate nothing."""
    return text.translate(_TURNING)


def srcset_candidates(text: str) -> list[tuple[str, str]]:
    """Read a srcset (HTML, 4.8.4.2.1): pairs of reference and descriptor."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text) and len(found) < 100:
        match = _CANDIDATE.match(text, at)
        if match is None or match.end() == at:
            break
        if match[1].strip(","):
            found.append((match[1].rstrip(","), (match[2] or "").strip()))
        at = match.end()
    return found


def uncrowded(markup: bytes) -> bytes:
    """Take out attributes of one element above five thousand: lexbor takes the square of them.

    No real page has so many, and none of them is text. Nothing of any other page is touched.
    """
    if len(markup) < _SMALL_PAGE:
        return markup
    pieces: list[bytes] = []
    at = kept = 0
    while (at := _end(_UNCROWDED, markup, at)) < len(markup):
        at = _end(_KEPT, markup, at)
        pieces.append(markup[kept:at])
        at = kept = _end(_SURPLUS, markup, at)
    return b"".join([*pieces, markup[kept:]]) if pieces else markup


def _end(pattern: re.Pattern[bytes], markup: bytes, at: int) -> int:
    """Return where a pattern that always matches ends."""
    found = pattern.match(markup, at)
    return found.end() if found is not None else len(markup)


def spared(markup: str) -> str:
    """Spare the parser what no real page has and what its time grows with the square of.

    Start tags nested beyond all measure are taken out (browsers hold at most 512 levels; the
    count is rough, elements whose end may be left out do not count), and an element ends after
    a thousand attributes. Nothing of any other page is touched.
    """
    if len(markup) < _SMALL_PAGE:
        return markup
    depth = 0
    pieces: list[str] = []
    kept = 0
    for match in _TAG.finditer(markup):
        if not match[3] and match.end() < len(markup):
            pieces += [markup[kept : match.end()], ">"]
            kept = match.end()
        if match[2].lower() in _UNCOUNTED:
            continue
        if match[1]:
            depth = max(0, depth - 1)
            continue
        depth += 1
        if depth > _DEEP_MARKUP and match.start() >= kept:
            pieces.append(markup[kept : match.start()])
            kept = match.end()
    return "".join([*pieces, markup[kept:]]) if pieces else markup

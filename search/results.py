"""Where the words of a query stand in a text, and the stretch of it that a list shows.

Marks are made on the stored rendition, by the same analysis that indexed it, so a mark is
always a whole word of the script it stands in: Arabic letters keep their joins, marks above and
below letters stay with them, and Han characters that belong together are one mark.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from operator import contains
from typing import Final

from search.analysis import laid_out, same_related, words
from search.query import And, Fuzzy, Node, Or, Phrase, Prefix, Term, TextField

SCAN: Final = 2_000_000  # characters of a text in which all marks are found
_SNIPPET_SCAN: Final = 200_000  # characters looked through for a snippet
_CHUNK: Final = 8_000  # characters taken up at once
_OVERLAP: Final = 400  # characters a phrase may reach over the end of a chunk
_FURTHER: Final = 4  # chunks looked through for more of the words once some are found

Leaf = Term | Phrase | Prefix | Fuzzy


@dataclass(frozen=True, slots=True)
class Span:
    """One place where a query's words stand, in code points; `leaf` numbers the query's part."""

    start: int
    end: int
    leaf: int = 0


@dataclass(frozen=True, slots=True)
class Snippet:
    """Pieces of text; True where a piece is something found."""

    parts: tuple[tuple[str, bool], ...]

    @property
    def found(self) -> bool:
        """Tell whether anything is marked."""
        return any(marked for _text, marked in self.parts)

    def __str__(self) -> str:
        return "".join(text for text, _marked in self.parts)


def find_spans(
    text: str, query: Node, field: TextField = TextField.TEXT, *, limit: int = SCAN
) -> list[Span]:
    """Return every place where the query's words stand, in order, none within another."""
    leaves = _leaves(query, field)
    return _merged(_spans(text[:limit], leaves), text) if leaves else []


def mark_all(text: str, spans: Sequence[Span]) -> Iterator[tuple[str, int]]:
    """Cut a text into pieces; each with the 1-based number of its mark, 0 where it has none."""
    at = 0
    for number, span in enumerate(spans, start=1):
        if span.start > at:
            yield text[at : span.start], 0
        yield text[span.start : span.end], number
        at = span.end
    if at < len(text):
        yield text[at:], 0


def marked_title(title: str, query: Node) -> Snippet:
    """Return a whole title, with the words found in it marked."""
    spans = find_spans(title, query, TextField.TITLE, limit=_CHUNK)
    return Snippet(tuple((piece, number > 0) for piece, number in mark_all(title, spans)))


def snippet(
    text: str, query: Node, *, width: int = 240, field: TextField = TextField.TEXT
) -> Snippet:
    """Cut about `width` characters where most of the words found stand, else the beginning."""
    spans = _best(text[:_SNIPPET_SCAN], _leaves(query, field))
    start = _window_start(text, spans, width)
    end = _whole(text, min(len(text), start + width))
    parts: list[tuple[str, bool]] = [("… ", False)] if start else []
    at = start
    for span in spans:
        if span.start >= at and span.end <= end:
            parts += [(text[at : span.start], False), (text[span.start : span.end], True)]
            at = span.end
    parts.append((text[at:end] + (" …" if end < len(text) else ""), False))
    return Snippet(tuple((piece, found) for piece, found in parts if piece))


def _window_start(text: str, spans: Sequence[Span], width: int) -> int:
    """Begin where the window holds the most different words; at a word's beginning."""
    if not spans:
        return 0
    best, most = spans[0], 0
    for at, span in enumerate(spans):
        within = {one.leaf for one in spans[at:] if one.end <= span.start + width * 2 // 3}
        if len(within) > most:
            best, most = span, len(within)
    start = max(0, best.start - width // 3)
    while start > 0 and best.start - start < width // 2 and not text[start - 1].isspace():
        start -= 1
    return _whole(text, start)


def _whole(text: str, at: int) -> int:
    """Move a cut forward until it splits no character from its marks."""
    while 0 < at < len(text) and (unicodedata.combining(text[at]) or text[at] in "\u200d\ufe0f"):
        at += 1
    return at


def _leaves(node: Node, field: TextField) -> list[Leaf]:
    """Return what is looked for in one field; what stands under NOT is looked for nowhere."""
    if isinstance(node, And | Or):
        return [leaf for part in node.parts for leaf in _leaves(part, field)]
    if isinstance(node, Term | Phrase | Prefix | Fuzzy) and node.field in {None, field}:
        return [node]
    return []


def _best(text: str, leaves: Sequence[Leaf]) -> list[Span]:
    """Return the spans of the first chunk that holds all words, else of the one with most."""
    if not leaves:
        return []
    best: list[Span] = []
    looked_further = 0
    at = _first_chance(text, leaves)
    while at is not None and at < len(text) and looked_further <= _FURTHER:
        piece = text[at : at + _CHUNK + _OVERLAP]
        found = [Span(span.start + at, span.end + at, span.leaf) for span in _spans(piece, leaves)]
        if len({span.leaf for span in found}) > len({span.leaf for span in best}):
            best = found
        if len({span.leaf for span in best}) == len(leaves):
            break
        looked_further += bool(best)
        at += _CHUNK
    return _merged(best, text)


def _first_chance(text: str, leaves: Sequence[Leaf]) -> int | None:
    """Return where looking begins; None where none of the words can be in the text.

    A cheap look over the whole text, so that long pages are not taken apart in vain.
    """
    if any(isinstance(leaf, Fuzzy) or _is_related(leaf) for leaf in leaves):
        return 0
    plain = unicodedata.normalize("NFKC", text).casefold()
    places = []
    for leaf in leaves:
        wanted = words(leaf.text)
        place = plain.find(wanted[0]) if wanted else -1
        if place >= 0:
            places.append(place)
        elif wanted and not wanted[0].isascii():
            return 0  # marks that the analysis drops may stand between its letters
    if not places:
        return None
    scaled = min(places) * len(text) // max(1, len(plain))
    return max(0, scaled - _OVERLAP - abs(len(plain) - len(text)))


def _spans(text: str, leaves: Sequence[Leaf]) -> list[Span]:
    found = laid_out(text)
    return [
        Span(found.start(first), found.end(last), number)
        for number, leaf in enumerate(leaves)
        for first, last in _runs(found.words, leaf)
    ]


def _runs(found: Sequence[str], leaf: Leaf) -> Iterator[tuple[int, int]]:
    """Yield the first and last word of every place where one leaf stands."""
    wanted = words(leaf.text)
    if not wanted:
        return
    different = set(found)
    fitting = [_fitting(word, leaf, different) for word in wanted]
    if isinstance(leaf, Prefix):
        fitting[-1] = {word for word in different if word.startswith(wanted[-1])}
    if not all(fitting):
        return
    if isinstance(leaf, Phrase) and leaf.slop and len(wanted) > 1:
        yield from _near(found, fitting, leaf.slop)
        return
    first, length = fitting[0], len(fitting)
    for at in [at for at, word in enumerate(found) if word in first]:
        following = found[at : at + length]
        if len(following) == length and all(map(contains, fitting, following)):
            yield at, at + length - 1


def _near(
    found: Sequence[str], fitting: Sequence[Set[str]], slop: int
) -> Iterator[tuple[int, int]]:
    """Yield each word of every place where all stand near one another, in either order."""
    reach = len(fitting) + slop
    any_of = set().union(*fitting)
    marked: set[int] = set()
    for at, word in enumerate(found):
        if word not in any_of:
            continue
        window = found[at : at + reach]
        if not any(one.isdisjoint(window) for one in fitting):
            marked.update(at + step for step, one in enumerate(window) if one in any_of)
    yield from ((one, one) for one in sorted(marked))


def _fitting(wanted: str, leaf: Leaf, different: Set[str]) -> Set[str]:
    """Return which of the different words of a text fit one that is asked for."""
    if isinstance(leaf, Fuzzy):
        return {word for word in different if _within_edits(word, wanted, leaf.distance)}
    if _is_related(leaf):
        return {word for word in different if word == wanted or same_related(word, wanted)}
    return different & {wanted}


def _is_related(leaf: Leaf) -> bool:
    return isinstance(leaf, Term | Phrase) and leaf.related


def _within_edits(word: str, wanted: str, distance: int) -> bool:
    """Tell whether two words are at most `distance` insertions, deletions or changes apart."""
    if abs(len(word) - len(wanted)) > distance:
        return False
    row = list(range(len(wanted) + 1))
    for number, letter in enumerate(word, start=1):
        left = row
        row = [number]
        for at, other in enumerate(wanted, start=1):
            row.append(min(left[at] + 1, row[-1] + 1, left[at - 1] + (letter != other)))
        if min(row) > distance:
            return False
    return row[-1] <= distance


def _merged(spans: Sequence[Span], text: str) -> list[Span]:
    """Put spans in order; those that overlap, or touch as Han characters do, become one."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        last = merged[-1] if merged else None
        if last is not None and (
            span.start < last.end or (span.start == last.end and span.leaf == last.leaf)
        ):
            merged[-1] = Span(last.start, max(last.end, span.end), last.leaf)
        else:
            merged.append(span)
    return [span for span in merged if text[span.start : span.end].strip()]

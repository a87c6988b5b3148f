"""Finding an annotation again in another text: of a later capture, or of an import.

The score weighs the quote 50, prefix and suffix 20 each, the place 2, as the open annotators do;
below `GOOD` a proposal is not made, and the annotation is an orphan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from annotate.selectors.text import TextSelector, select

GOOD: Final = 0.75
_WEIGHTS: Final = (50, 20, 20, 2)
_SEED: Final = 8  # code points that have to stand unchanged for a place to be looked at
_MOST_SEEDS: Final = 64
_MOST_PLACES: Final = 200


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where an annotation could stand in another text, and how sure that is, 0 to 1."""

    selector: TextSelector
    score: float


def anchor(text: str, old: TextSelector) -> Proposal | None:
    """Return the best place of `old` in `text`; None where none is good enough."""
    best: Proposal | None = None
    for start, end in _places(text, old):
        selector = select(text, start, end)
        score = _score(text, old, selector)
        if best is None or score > best.score:
            best = Proposal(selector, score)
    return best if best is not None and best.score >= GOOD else None


def _places(text: str, old: TextSelector) -> Iterator[tuple[int, int]]:
    """Yield stretches worth scoring: the quote as it was, else around pieces of it."""
    exact = list(_occurrences(text, old.exact))
    if exact:
        yield from ((place, place + len(old.exact)) for place in exact[:_MOST_PLACES])
        return
    seen: set[int] = set()
    length = len(old.exact)
    size = min(_SEED, max(2, length // 3))
    step = max(1, (length - size) // _MOST_SEEDS)
    for offset in range(0, max(1, length - size + 1), step):
        for place in _occurrences(text, old.exact[offset : offset + size]):
            start = max(0, place - offset)
            if start not in seen and len(seen) < _MOST_PLACES:
                seen.add(start)
                yield _fitted(text, old.exact, start)


def _fitted(text: str, quote: str, start: int) -> tuple[int, int]:
    """Trim a window around a guessed start to what of it matches the quote."""
    slack = max(8, len(quote) // 4)
    low = max(0, start - slack)
    window = text[low : start + len(quote) + slack]
    blocks = [
        block
        for block in SequenceMatcher(None, quote, window, autojunk=False).get_matching_blocks()
        if block.size >= 2
    ]
    if not blocks:
        return start, min(len(text), start + max(1, len(quote)))
    first, last = blocks[0], blocks[-1]
    begin = low + max(0, first.b - first.a)
    end = low + last.b + last.size + (len(quote) - last.a - last.size)
    return begin, max(begin + 1, min(len(text), end))


def _score(text: str, old: TextSelector, new: TextSelector) -> float:
    place = 1 - abs(new.start - old.start) / max(1, len(text))
    parts = (
        _alike(old.exact, new.exact),
        _alike(old.prefix, new.prefix) if old.prefix else 1.0,
        _alike(old.suffix, new.suffix) if old.suffix else 1.0,
        max(0.0, place),
    )
    return sum(w * part for w, part in zip(_WEIGHTS, parts, strict=True)) / sum(_WEIGHTS)


def _alike(one: str, other: str) -> float:
    return 1.0 if one == other else SequenceMatcher(None, one, other, autojunk=False).ratio()


def _occurrences(text: str, piece: str) -> Iterator[int]:
    place = text.find(piece) if piece else -1
    while place >= 0:
        yield place
        place = text.find(piece, place + 1)

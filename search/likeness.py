"""Which texts are nearly the same: sketches of their words (MinHash), compared by the thousand.

A sketch estimates the share of short word sequences two texts have in common (Jaccard; Broder
1997). Words are those of the search, and every character of a script without spaces is one, so it
serves Chinese as it does Arabic. 128 slots: a share comes out within 0.09 in 19 of 20 cases.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from search.analysis import words

LIKENESS_VERSION: Final = "holdfast-likeness/1"
SLOTS: Final = 128
_SEQUENCE: Final = 4  # words of one sequence
_FEWEST: Final = 8  # sequences below which two texts are alike by chance
_LOOKED_AT: Final = 20_000  # characters
_BANDS: Final = 32  # of 4 slots: texts that share 0.8 meet in one of them all but surely
_AT_ONCE: Final = 10_000  # pairs compared at once: some megabytes
_CROWD: Final = 40  # texts in one band beyond which each is paired with its neighbours alone
_chance = np.random.default_rng(8128)
_FACTORS: Final = _chance.integers(1, 2**63, SLOTS, dtype=np.uint64) | np.uint64(1)
_SHIFTS: Final = _chance.integers(0, 2**63, SLOTS, dtype=np.uint64)
Array = NDArray[Any]


def sketch(text: str) -> bytes:
    """Return the sketch of a text; b"" where it has too few words to say anything."""
    found = words(text[:_LOOKED_AT])
    sequences = {
        zlib.crc32("\x1f".join(found[at : at + _SEQUENCE]).encode())
        for at in range(len(found) - _SEQUENCE + 1)
    }
    if len(sequences) < _FEWEST:
        return b""
    numbers = np.fromiter(sequences, np.uint64, len(sequences))
    # Multiply and shift, in arithmetic modulo 2^64 (Dietzfelbinger 1997).
    spread = (numbers[:, None] * _FACTORS + _SHIFTS) >> np.uint64(32)
    slots: Array = spread.min(axis=0)
    return bytes(slots.astype("<u4").tobytes())


def stacked(sketches: Sequence[bytes]) -> Array:
    """Return sketches as rows of one array; one of no words is a row of noughts."""
    blank = bytes(4 * SLOTS)
    return np.frombuffer(b"".join(one or blank for one in sketches), "<u4").reshape(-1, SLOTS)


def shares(one: Array, many: Array) -> Array:
    """Return how much each text has in common with one, from 0 to 1; nothing with no words."""
    same: Array = (many == one).mean(axis=1)
    return np.where(many.any(axis=1) & one.any(), same, 0.0)


def close_pairs(sketches: Array, least: float) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of rows that have at least a share in common, each once, the lower row first.

    Of a crowd of like texts each is paired with the next and with the first, so that the pairs
    stay as few as the texts.
    """
    seen: set[tuple[int, int]] = set()
    filled = np.flatnonzero(sketches.any(axis=1))
    width = SLOTS // _BANDS
    for band in range(_BANDS):
        part = sketches[filled, band * width : (band + 1) * width]
        met = {pair for rows in alike(part.T, filled) for pair in paired(rows)}
        fresh = sorted(met - seen)
        seen |= met
        for at in range(0, len(fresh), _AT_ONCE):
            some = fresh[at : at + _AT_ONCE]
            first, second = np.array(some).T
            common = (sketches[first] == sketches[second]).mean(axis=1)
            for pair, share in zip(some, common.tolist(), strict=True):
                if share >= least:
                    yield (*pair, share)


def alike(keys: Sequence[Array] | Array, rows: Array) -> Iterator[list[int]]:
    """Yield the rows that have every key in common, in groups of two or more, each rising.

    :param keys: arrays of one number for each row
    :param rows: their own numbers, rising
    """
    order = np.lexsort(keys)
    differs = np.zeros(max(0, len(order) - 1), bool)
    for key in keys:
        differs |= key[order][1:] != key[order][:-1]
    edges = np.concatenate(([0], np.flatnonzero(differs) + 1, [len(order)]))
    for group in np.flatnonzero(np.diff(edges) > 1).tolist():
        yield rows[order[edges[group] : edges[group + 1]]].tolist()


def paired(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of a group; of a crowd only neighbours, and each with the first."""
    if len(rows) <= _CROWD:
        for at, first in enumerate(rows):
            for second in rows[at + 1 :]:
                yield first, second
        return
    for first, second in pairwise(rows):
        yield first, second
        if first != rows[0]:
            yield rows[0], second

"""Words spelt much alike, found among all words of a segment at once."""

from __future__ import annotations

from typing import Final

import numpy as np

from search.segments import Array, FieldData, distinct

_FAR: Final = np.uint8(99)
_AT_ONCE: Final = 100_000  # words compared in one go; bounds the memory


def numbers_near(field: FieldData, word: str, distance: int) -> list[int]:
    """Return the numbers of the words at most `distance` edits away.

    An edit is a letter added, left out, changed, or swapped with its neighbour
    (optimal string alignment).
    """
    return [number for number, _edits in near(field, word, distance)]


def near(field: FieldData, word: str, distance: int) -> list[tuple[int, int]]:
    """Return number and edits of each word at most `distance` edits away."""
    if not len(field):
        return []
    wanted = np.array([ord(character) for character in word], np.uint32)
    possible = _possible(field, word, distance)
    points, starts, lengths = field.letters(possible)
    found: list[tuple[int, int]] = []
    for length in range(max(1, len(word) - distance), len(word) + distance + 1):
        some_at = np.flatnonzero(lengths == length)
        for begin in range(0, len(some_at), _AT_ONCE):
            some = some_at[begin : begin + _AT_ONCE]
            letters = points[starts[some][:, None] + np.arange(length)]
            edits = _edits(wanted, letters)
            close = edits <= distance
            found += zip(possible[some[close]].tolist(), edits[close].tolist(), strict=True)
    return found


def _possible(field: FieldData, word: str, distance: int) -> Array:
    """Return the numbers of the words worth comparing.

    One edit touches one letter, or two neighbours: not both the first and the last (n - 1) // 2.
    """
    kept = (len(word) - 1) // 2
    if distance > 1 or not kept:
        return np.arange(len(field))
    start, end = field.range_of(word[:kept])
    return distinct(np.concatenate([np.arange(start, end), field.ending(word[-kept:])]))


def _edits(wanted: Array, letters: Array) -> Array:
    """Return the edits between one word and each row of letters, all rows in step."""
    rows, width = letters.shape
    before: list[Array] = []
    row = [np.full(rows, min(at, 99), np.uint8) for at in range(width + 1)]
    for at, letter in enumerate(wanted):
        fresh = [np.full(rows, min(at + 1, 99), np.uint8)]
        for column in range(width):
            same = letters[:, column] == letter
            best = np.minimum(row[column] + ~same, np.minimum(row[column + 1], fresh[column]) + 1)
            if at and column:
                swapped = (letters[:, column - 1] == letter) & (
                    letters[:, column] == wanted[at - 1]
                )
                best = np.where(swapped, np.minimum(best, before[column - 1] + 1), best)
            fresh.append(np.minimum(best, _FAR).astype(np.uint8))
        before, row = row, fresh
    return row[width]

"""The reliability matrix: who gave which value to which unit, packed for counting.

Units with the same row of values count alike, so they are kept once with a weight. A bootstrap
then draws weights instead of units, which makes a thousand of them a matter of milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Value = Hashable
Row = tuple[Value | None, ...]
"""The values of one unit in the order of the coders; None where a coder gave none."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Units by coders, packed.

    `counts[p, k]`: how many coders gave category k in pattern p; `cells[p, c]`: the category
    index coder c gave in pattern p, or -1; `weights[p]`: how many units show pattern p.
    """

    categories: tuple[Value, ...]
    counts: NDArray[np.float64]
    cells: NDArray[np.int64]
    weights: NDArray[np.float64]

    @property
    def units(self) -> int:
        """How many units there are, also those with fewer than two values."""
        return int(self.weights.sum())

    @property
    def coders(self) -> int:
        """How many columns the matrix has."""
        return int(self.cells.shape[1])

    @property
    def pairable(self) -> int:
        """How many units have at least two values: only these tell of agreement."""
        return int(self.weights[self.counts.sum(axis=1) >= 2].sum())


def pack(rows: Sequence[Row], categories: Sequence[Value] | None = None) -> Matrix:
    """Pack rows of values.

    :param categories: all categories there are, in their order (it matters to ordinal
        measures); without it, those that occur, sorted
    :raises ValueError: the rows differ in length, or a value is no category
    """
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise ValueError(f"rows of different lengths: {sorted(widths)}")
    occurring = {value for row in rows for value in row if value is not None}
    ordered = tuple(categories) if categories is not None else tuple(_sorted(occurring))
    index = {value: number for number, value in enumerate(ordered)}
    unknown = occurring - index.keys()
    if unknown:
        raise ValueError(f"values outside the categories: {_sorted(unknown)}")
    patterns = Counter(tuple(-1 if v is None else index[v] for v in row) for row in rows)
    cells = np.array(list(patterns), dtype=np.int64).reshape(
        len(patterns), widths.pop() if widths else 0
    )
    counts = np.zeros((len(patterns), len(ordered)))
    for number in range(len(ordered)):
        counts[:, number] = (cells == number).sum(axis=1)
    return Matrix(ordered, counts, cells, np.array(list(patterns.values()), dtype=np.float64))


def _sorted(values: set[Value]) -> list[Value]:
    try:
        return sorted(values)  # type: ignore[type-var]  # mixed types fall through
    except TypeError:
        return sorted(values, key=lambda value: (type(value).__name__, str(value)))

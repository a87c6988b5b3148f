"""One variable's agreement: every coefficient with its n, its interval, and words for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from annotate.agreement import coefficients
from annotate.agreement.coefficients import Level
from annotate.agreement.matrix import Matrix, Row, Value, pack

BOOTSTRAPS: Final = 1000
SEED: Final = 20_110_125  # fixed: the same answers give the same interval
TENTATIVE: Final = 0.8  # Krippendorff 2004, p. 241: below, tentative conclusions only
UNFIT: Final = 0.667  # below, not for conclusions
FITNESS_LABELS: Final = {
    "one category": "undefined: one category",
    "no pairs": "undefined: no pairs",
    "unfit": "not for conclusions",
    "tentative": "tentative",
    "reliable": "reliable",
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the coders of one variable agree on. None stands for "undefined"."""

    units: int
    """Units with at least two values; the others say nothing of agreement."""
    values: int
    """Values given to those units."""
    percent: float | None
    alpha: float | None
    alpha_low: float | None
    """Lower end of the 95% percentile interval, units drawn with replacement."""
    alpha_high: float | None
    ac: float | None
    """Gwet's AC1, or AC2 with quadratic weights where the level is not nominal."""
    cohen: float | None
    """Cohen's kappa; None with other than two coders."""
    fleiss: float | None
    level: Level
    one_category: bool
    """Only one category was used: chance cannot be told, alpha is undefined."""
    marginals: tuple[tuple[Value, tuple[int, ...]], ...]
    """Of each category: how often each coder gave it."""
    confusion: tuple[tuple[int, ...], ...]
    """Pairs of values, first coder's category by second's, over all pairs of columns."""

    @property
    def words(self) -> str:
        """Say what the alpha allows (Krippendorff 2004)."""
        if self.alpha is None:
            return FITNESS_LABELS["one category" if self.one_category else "no pairs"]
        if self.alpha < UNFIT:
            return FITNESS_LABELS["unfit"]
        return FITNESS_LABELS["tentative" if self.alpha < TENTATIVE else "reliable"]


def assess(
    rows: Sequence[Row],
    level: Level = Level.NOMINAL,
    categories: Sequence[Value] | None = None,
    *,
    bootstraps: int = BOOTSTRAPS,
) -> Agreement:
    """Compute every coefficient of a reliability matrix.

    :param rows: one row per unit, one value per coder, None where there is none
    :param categories: every category of the variable, in order; without it, those used
    """
    matrix = pack(rows, categories)
    once = matrix.weights[None, :]
    nominal = level is Level.NOMINAL
    credit = None if nominal else coefficients.quadratic_agreement(coefficients.numeric(matrix))
    low, high = _interval(matrix, level, bootstraps)
    pairable = matrix.counts.sum(axis=1) >= 2
    used = int(((matrix.weights * pairable) @ matrix.counts > 0).sum())
    return Agreement(
        units=matrix.pairable,
        values=int((matrix.weights * pairable) @ matrix.counts.sum(axis=1)),
        percent=_one(coefficients.percent_agreement(matrix, once)),
        alpha=_one(coefficients.krippendorff_alpha(matrix, once, level)),
        alpha_low=low,
        alpha_high=high,
        ac=_one(coefficients.gwet_ac(matrix, once, credit)) if used else None,
        cohen=_one(coefficients.cohen_kappa(matrix, once)) if matrix.coders == 2 else None,
        fleiss=_one(coefficients.fleiss_kappa(matrix, once)),
        level=level,
        one_category=used == 1,
        marginals=_marginals(matrix),
        confusion=_confusion(matrix),
    )


def draw(matrix: Matrix, number: int, seed: int = SEED) -> NDArray[np.float64]:
    """Draw `number` samples of the units with replacement, as weights of the patterns."""
    if not matrix.units:
        return np.zeros((number, 0))
    random = np.random.default_rng(seed)
    shares = matrix.weights / matrix.weights.sum()
    return random.multinomial(matrix.units, shares, size=number).astype(np.float64)


def _interval(matrix: Matrix, level: Level, number: int) -> tuple[float | None, float | None]:
    if number < 1 or not matrix.pairable:
        return None, None
    alphas = coefficients.krippendorff_alpha(matrix, draw(matrix, number), level)
    # A sample in which one category is left has no alpha; it says "all agree" and counts as 1.
    alphas = np.where(np.isnan(alphas), 1.0, alphas)
    if _one(coefficients.krippendorff_alpha(matrix, matrix.weights[None, :], level)) is None:
        return None, None
    low, high = np.quantile(alphas, [0.025, 0.975])
    return float(low), float(high)


def _marginals(matrix: Matrix) -> tuple[tuple[Value, tuple[int, ...]], ...]:
    columns = [matrix.weights @ (matrix.cells == k) for k in range(len(matrix.categories))]
    return tuple(
        (category, tuple(int(number) for number in column))
        for category, column in zip(matrix.categories, columns, strict=True)
    )


def _confusion(matrix: Matrix) -> tuple[tuple[int, ...], ...]:
    size = len(matrix.categories)
    table = np.zeros((size, size), dtype=np.int64)
    for left in range(matrix.coders):
        for right in range(left + 1, matrix.coders):
            both = (matrix.cells[:, left] >= 0) & (matrix.cells[:, right] >= 0)
            first, second = matrix.cells[both, left], matrix.cells[both, right]
            np.add.at(table, (first, second), matrix.weights[both].astype(np.int64))
    return tuple(tuple(int(number) for number in row) for row in table)


def _one(numbers: NDArray[np.float64]) -> float | None:
    return None if not len(numbers) or math.isnan(numbers[0]) else float(numbers[0])

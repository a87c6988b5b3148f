"""Coefficients of agreement over a packed matrix.

Every function takes `weights` of shape (B, P), B drawn samples over P patterns, and returns B
numbers; NaN where the coefficient is undefined, as when only one category was used.

Sources:
- Krippendorff, K. (2011) Computing Krippendorff's Alpha-Reliability (coincidences, metrics).
- Cohen, J. (1960) A coefficient of agreement for nominal scales, EPM 20(1), eq. 1.
- Fleiss, J. L. (1971) Measuring nominal scale agreement, Psych. Bulletin 76(5), eq. 1-7.
- Gwet, K. L. (2014) Handbook of Inter-Rater Reliability, 4th ed., ch. 2-4: AC1, AC2 with
  missing ratings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from annotate.agreement.matrix import Matrix

Numbers = NDArray[np.float64]


class Level(StrEnum):
    """How far apart two different values are."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"
    RATIO = "ratio"


def percent_agreement(matrix: Matrix, weights: Numbers) -> Numbers:
    """Return the share of agreeing pairs among all pairs of values given to the same unit.

    With two coders this is the share of units on which they agree. Units count alike, however
    many values they have.
    """
    return _ratio(*_observed(matrix, weights, np.eye(len(matrix.categories))))


def krippendorff_alpha(
    matrix: Matrix, weights: Numbers, level: Level, distances: Numbers | None = None
) -> Numbers:
    """Return Krippendorff's alpha; missing values are left out pair by pair.

    :param distances: squared differences between categories, (K, K), instead of the level's
    """
    coincidences = _coincidences(matrix, weights)
    marginals = coincidences.sum(axis=2)
    total = marginals.sum(axis=1)
    if distances is None:
        delta = _metric(level)(matrix, marginals)
    else:
        delta = np.broadcast_to(distances, coincidences.shape)
    observed = (coincidences * delta).sum(axis=(1, 2)) / _some(total)
    products = marginals[:, :, None] * marginals[:, None, :]
    expected = (products * delta).sum(axis=(1, 2)) / _some(total * (total - 1))
    return 1 - _ratio(observed, expected)


def cohen_kappa(matrix: Matrix, weights: Numbers) -> Numbers:
    """Return Cohen's kappa of the first two columns, over units both valued.

    Expected agreement is the sum over categories of the product of the two marginals
    (Cohen 1960, p. 38): multiplied within a category, added across them.
    """
    size = len(matrix.categories)
    first, second = matrix.cells[:, 0], matrix.cells[:, 1]
    both = (first >= 0) & (second >= 0)
    tables = np.zeros((len(first), size, size))
    tables[np.flatnonzero(both), first[both], second[both]] = 1
    table = np.einsum("bp,pij->bij", weights, tables)
    total = _some(table.sum(axis=(1, 2)))
    observed = np.einsum("bii->b", table) / total
    expected = (table.sum(axis=2) * table.sum(axis=1)).sum(axis=1) / total**2
    return _chance_corrected(observed, expected)


def fleiss_kappa(matrix: Matrix, weights: Numbers) -> Numbers:
    """Return Fleiss' kappa over units that every coder valued (it knows no missing values)."""
    whole = matrix.counts.sum(axis=1) == matrix.coders
    kept = weights * whole
    agreeing, pairs = _observed(matrix, kept, np.eye(len(matrix.categories)))
    shares = kept @ matrix.counts
    shares = shares / _some(shares.sum(axis=1))[:, None]
    return _chance_corrected(_ratio(agreeing, pairs), (shares**2).sum(axis=1))


def gwet_ac(matrix: Matrix, weights: Numbers, agreement: Numbers | None = None) -> Numbers:
    """Return Gwet's AC1, or AC2 where `agreement` gives partial credit between categories.

    :param agreement: (K, K), 1 on the diagonal; `quadratic_agreement` is the usual one
    """
    size = len(matrix.categories)
    credit = np.eye(size) if agreement is None else agreement
    agreeing, pairs = _observed(matrix, weights, credit)
    given = matrix.counts.sum(axis=1)
    shares = matrix.counts / _some(given)[:, None]
    valued = weights * (given >= 1)
    prevalence = (valued @ shares) / _some(valued.sum(axis=1))[:, None]
    if size < 2:
        return np.full(len(weights), np.nan)
    spread = (prevalence * (1 - prevalence)).sum(axis=1)
    expected = credit.sum() / (size * (size - 1)) * spread
    return _chance_corrected(_ratio(agreeing, pairs), expected)


def quadratic_agreement(values: Numbers) -> Numbers:
    """Return AC2's quadratic weights: 1 minus the squared share of the widest difference."""
    differences = (values[:, None] - values[None, :]) ** 2
    widest = differences.max(initial=0)
    return np.ones_like(differences) if widest == 0 else 1 - differences / widest


def numeric(matrix: Matrix) -> Numbers:
    """Return the categories as numbers, or their ranks from 1 where they are none."""
    try:
        return np.array([float(str(value)) for value in matrix.categories])
    except ValueError:
        return np.arange(1, len(matrix.categories) + 1, dtype=np.float64)


def _observed(matrix: Matrix, weights: Numbers, credit: Numbers) -> tuple[Numbers, Numbers]:
    """Sum over units of the mean credit of their pairs, and the number of units with pairs."""
    given = matrix.counts.sum(axis=1)
    pairable = given >= 2
    credited = (matrix.counts * (matrix.counts @ credit - 1)).sum(axis=1)
    shares = np.where(pairable, credited / _some(given * (given - 1)), 0)
    return weights @ shares, weights @ pairable.astype(np.float64)


def _coincidences(matrix: Matrix, weights: Numbers) -> Numbers:
    """Krippendorff 2011, step 2: o_ck sums the pairs of a unit divided by its values less one."""
    given = matrix.counts.sum(axis=1)
    pairs = matrix.counts[:, :, None] * matrix.counts[:, None, :]
    size = len(matrix.categories)
    pairs[:, np.arange(size), np.arange(size)] -= matrix.counts
    per_unit = np.where((given >= 2)[:, None, None], pairs / _some(given - 1)[:, None, None], 0)
    found: Numbers = np.einsum("bp,pij->bij", weights, per_unit)
    return found


def _metric(level: Level) -> Callable[[Matrix, Numbers], Numbers]:
    return _METRICS[level]


def _nominal(_matrix: Matrix, marginals: Numbers) -> Numbers:
    size = marginals.shape[1]
    return np.broadcast_to(1 - np.eye(size), (len(marginals), size, size))


def _ordinal(_matrix: Matrix, marginals: Numbers) -> Numbers:
    """Krippendorff 2011, metric for ordinal data: what lies between c and k, ends by half."""
    middle = np.cumsum(marginals, axis=1) - marginals / 2
    differences: Numbers = (middle[:, :, None] - middle[:, None, :]) ** 2
    return differences


def _interval(matrix: Matrix, marginals: Numbers) -> Numbers:
    values = numeric(matrix)
    differences = (values[:, None] - values[None, :]) ** 2
    return np.broadcast_to(differences, (len(marginals), *differences.shape))


def _ratio_metric(matrix: Matrix, marginals: Numbers) -> Numbers:
    values = numeric(matrix)
    sums = values[:, None] + values[None, :]
    relative = np.where(sums == 0, 0, (values[:, None] - values[None, :]) / _some(sums)) ** 2
    return np.broadcast_to(relative, (len(marginals), *relative.shape))


_METRICS: Final[Mapping[Level, Callable[[Matrix, Numbers], Numbers]]] = {
    Level.NOMINAL: _nominal,
    Level.ORDINAL: _ordinal,
    Level.INTERVAL: _interval,
    Level.RATIO: _ratio_metric,
}


def _some(values: Numbers) -> Numbers:
    """Zeros become NaN, so that what is divided by nothing is undefined, not infinite."""
    return np.where(values == 0, np.nan, values)


def _ratio(above: Numbers, below: Numbers) -> Numbers:
    return above / _some(below)


def _chance_corrected(observed: Numbers, expected: Numbers) -> Numbers:
    return (observed - expected) / _some(1 - expected)

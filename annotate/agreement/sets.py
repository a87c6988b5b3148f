"""Agreement on answers that are several codes at once: code by code, and by MASI distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from annotate.agreement import coefficients
from annotate.agreement.coefficients import Level
from annotate.agreement.matrix import pack
from annotate.agreement.report import Agreement, assess

Answer = frozenset[str]
SetRow = tuple[Answer | None, ...]


def masi_distance(one: Answer, other: Answer) -> float:
    """Return the distance of two sets: 0 where equal, 1 where nothing is shared.

    Passonneau, R. (2006) Measuring Agreement on Set-valued Items, LREC: one minus Jaccard
    times a factor for monotonicity: 1 equal, 2/3 one inside the other, 1/3 overlapping.
    """
    if one == other:
        return 0.0
    shared = one & other
    if not shared:
        return 1.0
    inside = one <= other or other <= one
    return 1 - len(shared) / len(one | other) * (2 / 3 if inside else 1 / 3)


def masi_alpha(rows: Sequence[SetRow]) -> float | None:
    """Return Krippendorff's alpha over sets with MASI distances; None where undefined.

    Krippendorff's formula takes squared differences; MASI's distance takes that place as it
    is, as Passonneau (2006, section 4) does.
    """
    keyed = [tuple(None if cell is None else _key(cell) for cell in row) for row in rows]
    matrix = pack(keyed)
    sets = [frozenset(str(category).split("\x00")) - {""} for category in matrix.categories]
    if not sets:
        return None
    distances = np.array([[masi_distance(one, other) for other in sets] for one in sets])
    alpha = coefficients.krippendorff_alpha(
        matrix, matrix.weights[None, :], Level.NOMINAL, distances
    )
    return None if np.isnan(alpha[0]) else float(alpha[0])


def assess_by_code(rows: Sequence[SetRow], codes: Sequence[str]) -> dict[str, Agreement]:
    """Return the agreement on each code: was it given to the unit, yes or no."""
    return {
        code: assess(
            [
                tuple(None if cell is None else ("yes" if code in cell else "no") for cell in row)
                for row in rows
            ],
            categories=("no", "yes"),
        )
        for code in codes
    }


def _key(cell: Answer) -> str:
    return "\x00".join(sorted(cell))

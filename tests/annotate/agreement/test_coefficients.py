"""The coefficients equal published values, and another implementation's, to 1e-9."""

from __future__ import annotations

import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.agreement import coefficients
from annotate.agreement.coefficients import Level
from annotate.agreement.matrix import pack
from annotate.agreement.report import assess, draw
from annotate.agreement.sets import assess_by_code, masi_alpha, masi_distance

ONE = 1e-9


def slow_alpha(rows, delta):
    """Krippendorff's alpha pair by pair, as defined: no packing, no arrays."""
    units = [[value for value in row if value is not None] for row in rows]
    units = [unit for unit in units if len(unit) > 1]
    everything = [value for unit in units for value in unit]
    n = len(everything)
    observed = (
        sum(
            2 * sum(delta(a, b, everything) for a, b in combinations(unit, 2)) / (len(unit) - 1)
            for unit in units
        )
        / n
    )
    expected = 2 * sum(delta(a, b, everything) for a, b in combinations(everything, 2))
    expected /= n * (n - 1)
    return 1 - observed / expected


def ordinal(a, b, everything):
    low, high = min(a, b), max(a, b)
    between = sum(low <= value <= high for value in everything)
    ends = (everything.count(low) + everything.count(high)) / 2
    return 0 if a == b else (between - ends) ** 2


DELTAS = {
    Level.NOMINAL: lambda a, b, _all: float(a != b),
    Level.ORDINAL: ordinal,
    Level.INTERVAL: lambda a, b, _all: (a - b) ** 2,
    Level.RATIO: lambda a, b, _all: ((a - b) / (a + b)) ** 2 if a + b else 0,
}


def known(shared):
    path = shared / "corpora/annotation/agreement/known_values.json"
    return {case["name"]: case for case in json.loads(path.read_text())}


@pytest.mark.parametrize("level", list(Level))
def test_alpha_of_krippendorffs_example(shared, level):
    case = known(shared)["krippendorff-2011"]
    found = assess([tuple(unit) for unit in case["units"]], level).alpha
    assert round(found, 3) == case["published"][f"alpha_{level.value}"]


def test_every_known_value(shared):
    for case in known(shared).values():
        rows = [tuple(unit) for unit in case["units"]]
        expected = case["recomputed_here"]
        found = {f"alpha_{level.value}": assess(rows, level).alpha for level in Level}
        found |= {"cohen_kappa": assess(rows).cohen, "fleiss_kappa": assess(rows).fleiss}
        for name, value in expected.items():
            if name in found:
                assert round(found[name], 4) == value, (case["name"], name)
        observed = case["published"].get("percentage_agreement")
        if observed is not None:
            assert round(assess(rows).percent, 3) == observed


def test_gwets_coefficients_equal_irrcac(shared):
    for path in sorted((shared / "corpora/annotation/gwet").glob("*.json")):
        case = json.loads(path.read_text())
        rows = [
            (case["categories"][i], case["categories"][j])
            for i, line in enumerate(case["table"])
            for j, number in enumerate(line)
            for _ in range(number)
        ]
        for one in case["cases"]:
            level = Level.NOMINAL if one["measure"] == "AC1" else Level.INTERVAL
            assert round(assess(rows, level, case["categories"]).ac, 5) == pytest.approx(
                one["coefficient"], abs=6e-6
            ), (Path(path).name, one["measure"])


values = st.one_of(st.none(), st.integers(1, 5))
matrices = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.tuples(*[values] * width), min_size=2, max_size=25)
)


@settings(max_examples=150, deadline=None)
@given(matrices, st.sampled_from(list(Level)))
def test_alpha_equals_its_definition(rows, level):
    pairable = [row for row in rows if sum(v is not None for v in row) > 1]
    used = {value for row in pairable for value in row if value is not None}
    found = assess(rows, level, bootstraps=0).alpha
    if len(used) < 2:
        assert found is None
        return
    assert math.isclose(found, slow_alpha(rows, DELTAS[level]), abs_tol=ONE)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=2, max_size=40))
def test_cohen_and_fleiss_equal_their_definitions(rows):
    n = len(rows)
    observed = sum(a == b for a, b in rows) / n
    first, second = [a for a, _ in rows], [b for _, b in rows]
    expected = sum(first.count(k) * second.count(k) for k in range(1, 5)) / n**2
    pooled = sum(((first + second).count(k) / (2 * n)) ** 2 for k in range(1, 5))
    found = assess(rows, bootstraps=0)
    for value, chance in ((found.cohen, expected), (found.fleiss, pooled)):
        if chance == 1:
            assert value is None
        else:
            assert math.isclose(value, (observed - chance) / (1 - chance), abs_tol=ONE)


def test_skew_is_shown_beside_alpha():
    rows = [("no", "no")] * 95 + [("no", "yes")] * 2 + [("yes", "no")] * 3
    found = assess(rows)
    assert found.percent == pytest.approx(0.95)
    assert found.alpha < 0 < 0.9 < found.ac
    assert found.words == "not for conclusions"


def test_one_category_is_undefined_and_says_so():
    found = assess([("yes", "yes")] * 10, categories=("no", "yes"))
    assert (found.alpha, found.alpha_low, found.percent) == (None, None, 1.0)
    assert found.words == "undefined: one category"


def test_nothing_to_compare_is_undefined():
    found = assess([("yes", None), (None, "no")])
    assert (found.units, found.percent, found.alpha, found.ac) == (0, None, None, None)
    assert assess([]).words == "undefined: no pairs"


def test_a_bootstrap_draws_as_many_units_as_there_are():
    matrix = pack([("a", "a")] * 30 + [("a", "b")] * 10)
    weights = draw(matrix, 200)
    assert set(weights.sum(axis=1)) == {40}
    assert np.array_equal(weights, draw(matrix, 200))


def test_the_interval_holds_the_alpha_and_narrows_with_units():
    few = assess([("a", "a")] * 12 + [("b", "b")] * 12 + [("a", "b")] * 4)
    many = assess(([("a", "a")] * 12 + [("b", "b")] * 12 + [("a", "b")] * 4) * 40)
    assert few.alpha_low < few.alpha < few.alpha_high
    assert many.alpha_high - many.alpha_low < (few.alpha_high - few.alpha_low) / 4


def test_confusion_and_marginals_add_up():
    found = assess([("a", "a"), ("a", "b"), ("b", "b"), ("b", None)])
    assert found.confusion == ((1, 1), (0, 1))
    assert dict(found.marginals) == {"a": (2, 1), "b": (2, 2)}


def test_masi():
    a, b, c = frozenset("xy"), frozenset("x"), frozenset("yz")
    assert masi_distance(a, a) == 0
    assert masi_distance(a, frozenset("q")) == 1
    assert masi_distance(a, b) == pytest.approx(1 - 1 / 2 * 2 / 3)
    assert masi_distance(a, c) == pytest.approx(1 - 1 / 3 * 1 / 3)
    assert masi_alpha([(a, a), (b, b), (c, c)]) == 1
    assert masi_alpha([(a, a), (a, a)]) is None
    assert masi_distance(frozenset(), frozenset()) == 0


def test_sets_code_by_code():
    found = assess_by_code(
        [(frozenset("x"), frozenset("xy")), (frozenset("y"), frozenset("y"))], ["x", "y"]
    )
    assert found["x"].percent == 1
    assert found["y"].percent == 0.5


def test_a_value_outside_the_categories_is_refused():
    with pytest.raises(ValueError, match="outside"):
        pack([("a", "q")], categories=("a", "b"))


def test_categories_of_mixed_types_have_an_order():
    assert pack([(1, "a"), (None, 2)]).categories == (1, 2, "a")


def test_coefficients_take_ranks_where_values_are_words():
    matrix = pack([("low", "high")], categories=("low", "middle", "high"))
    assert list(coefficients.numeric(matrix)) == [1, 2, 3]

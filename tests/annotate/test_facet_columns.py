"""Facets are counted by columns: the same numbers as asking each item by itself."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np

from annotate.services.facet_columns import column_of, rows_of
from annotate.services.held_labels import ItemFacts, Labels


def _labels(*ids: str) -> Labels:
    facts = ItemFacts("https://a.example/", "a.example", None, None, None, None, None)
    return Labels(items=dict.fromkeys(ids, facts))


def test_counts_are_those_of_every_item_asked_by_itself() -> None:
    chance = random.Random(4)
    ids = [f"item-{number}" for number in range(300)]
    held = {one: chance.choices("abcdef", k=chance.randrange(4)) for one in ids[::2]}
    labels = _labels(*ids)
    column = column_of(held.items(), {one: at for at, one in enumerate(ids)})
    for _turn in range(50):
        asked = chance.sample(ids, chance.randrange(301))
        counts, having = column.count(rows_of(labels, asked))
        expected = Counter(value for one in asked for value in held.get(one, ()))
        assert dict(zip(column.names, counts.tolist(), strict=True)) == {
            name: expected[name] for name in column.names
        }
        assert having == sum(bool(held.get(one)) for one in asked)


def test_an_item_that_has_gone_has_no_value() -> None:
    labels = _labels("one", "two")
    column = column_of([("one", ["a"]), ("gone", ["b"])], {"one": 0, "two": 1})
    counts, having = column.count(rows_of(labels, ["one", "gone", "two"]))
    assert (column.names, counts.tolist(), having) == (("a",), [1], 1)


def test_a_facet_nobody_has_a_value_of_counts_nothing() -> None:
    counts, having = column_of([], {"one": 0}).count(np.array([0, 1]))
    assert (len(counts), having) == (0, 0)

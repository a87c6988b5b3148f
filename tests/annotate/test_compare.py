"""The difference of two texts is by words, in every script, and loses no character."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.services.compare import Change, Comparison, compare, tokens


def rebuilt(comparison: Comparison, *, without: Change) -> str:
    """Return one of the two texts, but for its line breaks."""
    return "".join(
        text
        for stretch in comparison.stretches
        for line in stretch.lines
        for change, text in line.pieces
        if change is not without
    )


def changed(old: str, new: str) -> list[tuple[str, str]]:
    found = compare(old, new)
    return [
        (change.value, text)
        for stretch in found.stretches
        for line in stretch.lines
        for change, text in line.pieces
        if change is not Change.SAME
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("The harvest was good.", "The harvest was bad.", [("removed", "good"), ("added", "bad")]),
        ("新疆的棉花很好", "新疆的棉花不好", [("removed", "很"), ("added", "不")]),
        ("زرنا حقول القطن", "زرنا مصانع القطن", [("removed", "حقول"), ("added", "مصانع")]),
        ("پاختا ئېتىزى چوڭ", "پاختا ئېتىزى كىچىك", [("removed", "چوڭ"), ("added", "كىچىك")]),
        ("كَتَبَ الدرس", "كُتِبَ الدرس", [("removed", "كَتَبَ"), ("added", "كُتِبَ")]),
        ("می‌رود", "می‌آید", [("removed", "می‌رود"), ("added", "می‌آید")]),
        ("12 killed", "15 killed", [("removed", "12"), ("added", "15")]),
        ("caf\u00e9", "cafe\u0301", [("removed", "caf\u00e9"), ("added", "cafe\u0301")]),
        ("one two three", "one three", [("removed", "two ")]),
        ("a\nb\nc", "a\nc", [("removed", "b")]),
        ("a\nc", "a\nb 吃\nc", [("added", "b 吃")]),
        ("red big car", "blue small car", [("removed", "red big"), ("added", "blue small")]),
        ("👩‍🌾 works", "👨‍🌾 works", [("removed", "👩‍🌾"), ("added", "👨‍🌾")]),
    ],
)  # fmt: skip
def test_words(old: str, new: str, expected: list[tuple[str, str]]) -> None:
    assert changed(old, new) == expected


def test_equal_texts_are_the_same_and_folded() -> None:
    text = "\n".join(f"line {n}" for n in range(50))
    found = compare(text, text)
    assert found.same
    assert [stretch.folded for stretch in found.stretches] == [True]
    found = compare(text, text.replace("line 25", "line twenty-five"))
    assert [stretch.folded for stretch in found.stretches] == [True, False, True]
    assert (found.removed, found.added) == (1, 1)
    assert len(found.stretches[1].lines) == 5


@given(st.text(max_size=60))
def test_tokens_put_together_are_the_text(text: str) -> None:
    assert "".join(tokens(text)) == text


WORDS = "   cotton 棉花 القطن пахта پاختا 12 . , \n \n".split(" ")


def test_both_texts_can_be_read_back() -> None:
    chance = random.Random(5)
    for _ in range(200):
        old, new = (
            "".join(chance.choice(WORDS) for _ in range(chance.randrange(30))) for _ in range(2)
        )
        found = compare(old, new)
        for text, other in ((old, Change.ADDED), (new, Change.REMOVED)):
            assert rebuilt(found, without=other) == text.replace("\n", "")


def test_a_huge_change_ends_soon() -> None:
    chance = random.Random(1)
    old, new = (" ".join(str(chance.random()) for _ in range(20_000)) for _ in range(2))
    assert not compare(old, new).same
    old, new = ("\n".join(str(chance.random()) for _ in range(20_000)) for _ in range(2))
    assert not compare(old, new).same

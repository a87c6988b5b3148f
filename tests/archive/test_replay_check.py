"""Words compared as people read them."""

from __future__ import annotations

import pytest

from archive.replay_check import ReplayCheck, similarity, words


@pytest.mark.parametrize(
    ("live", "shown", "score"),
    [
        ("", "", None),
        ("words", "", 0),
        ("Some WORDS here", "here: some words", 1000),
        ("新疆棉花", "棉花新疆", 1000),
        ("新疆棉花", "新疆", 666),
        ("a b c d", "a b", 666),
        ("a a a a", "a", 400),
        ("الكتاب", "الكتاب", 1000),
        ("ｗｏｒｄ", "word", 1000),
        ("ไทย", "ไทย", 1000),
    ],
)
def test_similarity(live: str, shown: str, score: int | None) -> None:
    assert similarity(words(live), words(shown)) == score


def test_a_long_list_is_cut_and_its_length_told() -> None:
    told = ReplayCheck(1, missing=tuple(map(str, range(500)))).as_json()
    assert told["missing_count"] == 500
    assert len(told["missing"]) == 200  # type: ignore[arg-type]

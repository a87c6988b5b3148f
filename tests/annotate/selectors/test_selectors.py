"""Places in texts of every script, and finding them again."""

from __future__ import annotations

import random

import pytest

from annotate.selectors.anchoring import GOOD, anchor
from annotate.selectors.text import find, select

FLAG = "\U0001f1f9\U0001f1f7"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("text", "start", "end", "exact"),
    [
        ("新疆棉花丰收", 2, 4, "棉花"),
        ("القُطْن في كاشغر", 0, 3, "القُ"),
        ("cafe\u0301 noir", 0, 4, "cafe\u0301"),
        (f"a{FLAG}{FLAG}b", 1, 2, FLAG),
        (f"a{FLAG}{FLAG}b", 2, 4, FLAG + FLAG),
        (f"x{FAMILY}y", 3, 4, FAMILY),
        ("👍\U0001f3fd!", 0, 1, "👍\U0001f3fd"),
        ("پاختا تېرىش", 6, 11, "تېرىش"),
    ],
)
def test_no_visible_character_is_cut(text: str, start: int, end: int, exact: str) -> None:
    found = select(text, start, end)
    assert found.exact == exact == text[found.start : found.end]
    assert text.endswith(found.suffix) or found.suffix in text


@pytest.mark.parametrize("place", [(3, 3), (-1, 2), (0, 99), (5, 2)])
def test_a_place_outside_is_refused(place: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no stretch"):
        select("text", *place)


def test_words_of_the_page_are_found_across_its_lines() -> None:
    text = "One\n  cotton   harvest\nin Kashgar"
    assert find(text, "cotton harvest in").exact == "cotton   harvest\nin"
    assert find(text, "not there") is None
    assert find("twice twice", "twice") is None
    assert find(text, "  ") is None


def words(seed: int) -> str:
    source = random.Random(seed)
    letters = "abcdefgh 棉花新疆 القطن тлахпок"
    return "".join(source.choice(letters) for _ in range(3000))


def mutated(quote: str, source: random.Random) -> str:
    """One edit for every twelve characters."""
    made = list(quote)
    for _ in range(max(1, len(quote) // 12)):
        at = source.randrange(len(made))
        made[at : at + 1] = source.choice([[], ["x"], [made[at], "y"]])
    return "".join(made)


def test_mutated_quotes_are_found_again_and_others_never() -> None:
    source = random.Random(4)
    found = 0
    for number in range(200):
        text = words(number)
        at = source.randrange(100, 2800)
        old = select(text, at, at + source.randrange(12, 90))
        changed = text[: old.start] + mutated(old.exact, source) + text[old.end :]
        got = anchor("A new paragraph. " + changed, old)
        found += got is not None and abs(got.selector.start - old.start - 17) <= 3
    assert found >= 196
    for number in range(60):
        old = select(words(number), 500, 560)
        assert anchor(words(number + 1000), old) is None
    assert GOOD == 0.75

"""Sketches of texts: near copies meet, in every script; others do not."""

from __future__ import annotations

import random

import numpy as np
import pytest

from search.likeness import SLOTS, alike, close_pairs, paired, shares, sketch, stacked

ENGLISH = (
    "Workers in the cotton fields near Kashgar said that the harvest began early this year. "
    "Buses brought them from villages in the south, and they slept in a school for six weeks. "
    "Nobody had told them what they would be paid, or when they could go home again."
)
CHINESE = (
    "喀什附近棉田的工人说今年的收获开始得很早。公共汽车把他们从南部的村庄接来，他们在一所学校里睡了六个星期。"
    "没有人告诉他们会得到多少报酬，也没有人告诉他们什么时候可以回家。"
)
ARABIC = (
    "قال العمال في حقول القطن قرب كاشغر إن الحصاد بدأ مبكرا هذا العام. نقلتهم الحافلات من قرى في "
    "الجنوب وناموا في مدرسة ستة أسابيع. لم يخبرهم أحد كم سيتقاضون ولا متى يعودون إلى بيوتهم."
)
UYGHUR = (
    "قەشقەر ئەتراپىدىكى پاختا ئېتىزلىرىدا ئىشلەيدىغان ئىشچىلار بۇ يىل ھوسۇلنىڭ بالدۇر باشلانغانلىقىنى "
    "ئېيتتى. ئۇلار جەنۇبتىكى كەنتلەردىن ئاپتوبۇس بىلەن كەلدى ۋە مەكتەپتە ئالتە ھەپتە ياتتى."
)
TEXTS = [ENGLISH, CHINESE, ARABIC, UYGHUR]


@pytest.mark.parametrize("text", TEXTS)
def test_a_copy_with_a_word_more_is_nearly_the_same(text: str) -> None:
    same, more, other = stacked([sketch(text), sketch(f"Shared again. {text}"), sketch(text[::-1])])
    assert shares(same, stacked([sketch(text)]))[0] == 1
    assert shares(same, more[None])[0] > 0.8
    assert shares(same, other[None])[0] < 0.2


def test_spelling_that_the_search_takes_for_one_is_one() -> None:
    vowelled = ARABIC.replace("القطن", "القُطْن").replace("كاشغر", "كـاشغر")
    assert sketch(ARABIC) == sketch(vowelled)
    assert sketch(ENGLISH) == sketch(ENGLISH.upper())


def test_the_share_comes_out_as_it_is() -> None:
    chance = random.Random(8)
    words = [f"w{number}" for number in range(4000)]
    for wanted in (0.2, 0.5, 0.8, 0.95):
        errors = []
        for _ in range(20):
            text = chance.sample(words, 400)
            kept = round(400 * 2 * wanted / (1 + wanted))
            copy = text[:kept] + chance.sample(words, 400 - kept)
            first, second = stacked([sketch(" ".join(text)), sketch(" ".join(copy))])
            errors.append(abs(float(shares(first, second[None])[0]) - wanted))
        assert sum(errors) / len(errors) < 0.06, wanted


def test_what_is_too_short_says_nothing() -> None:
    assert sketch("") == sketch("棉花 cotton") == b""
    rows = stacked([b"", sketch(ENGLISH), b""])
    assert rows.shape == (3, SLOTS)
    assert shares(rows[0], rows).tolist() == [0, 0, 0]
    assert list(close_pairs(rows, 0.5)) == []


def test_every_near_copy_among_many_is_found() -> None:
    chance = random.Random(9)
    words = [f"w{number}" for number in range(3000)]
    texts = [" ".join(chance.sample(words, 120)) for _ in range(300)]
    texts += [f"{texts[at]} and one more" for at in range(0, 300, 10)]
    pairs = {(first, second) for first, second, _share in
             close_pairs(stacked([sketch(one) for one in texts]), 0.8)}  # fmt: skip
    assert pairs == {(at * 10, 300 + at) for at in range(30)}


def test_of_a_crowd_the_pairs_are_as_few_as_the_texts() -> None:
    rows = stacked([sketch(ENGLISH)] * 500)
    pairs = list(close_pairs(rows, 0.8))
    assert len(pairs) < 2 * 500
    linked = {0}
    for first, second, _share in pairs:
        linked |= {first, second}
    assert linked == set(range(500))
    assert len(list(paired(range(10)))) == 45


def test_rows_that_agree_in_every_key_meet_and_no_others() -> None:
    chance = random.Random(11)
    first = np.array([chance.randrange(4) for _ in range(60)])
    second = np.array([chance.randrange(4) for _ in range(60)])
    rows = np.arange(100, 160)
    held: dict[tuple[int, int], list[int]] = {}
    for at, row in enumerate(rows.tolist()):
        held.setdefault((int(first[at]), int(second[at])), []).append(row)
    expected = sorted(group for group in held.values() if len(group) > 1)
    assert sorted(alike([first, second], rows)) == expected
    assert list(alike([np.zeros(0)], np.zeros(0, int))) == []


def test_close_pairs_are_those_found_by_comparing_all_with_all() -> None:
    chance = random.Random(12)
    words = [f"w{number}" for number in range(900)]
    texts = []
    for _ in range(30):
        text = chance.sample(words, 60)
        texts += [" ".join(text), " ".join([*text[:57], *chance.sample(words, 3)])]
    sketches = stacked([*map(sketch, texts), b""])
    every = {
        (first, second)
        for first in range(len(sketches))
        for second in range(first + 1, len(sketches))
        if shares(sketches[first], sketches[second][None])[0] >= 0.8
    }
    assert len(every) >= 15
    assert {(first, second) for first, second, _share in close_pairs(sketches, 0.8)} == every

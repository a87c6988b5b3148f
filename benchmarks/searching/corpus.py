"""Documents and queries from the corpora's texts, by a seeded generator: the same on every run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

LANGUAGES = {
    "en": ("src.eng", 30), "zh": ("ref.zho-CN", 25), "ru": ("ref.rus", 12), "ar": ("ref.arb", 8),
    "tr": ("ref.tur", 8), "ug": ("ref.uig", 7), "fa": ("ref.fas", 4), "kk": ("ref.kaz", 3),
    "bo": ("ref.bod", 3),
}  # fmt: skip
LINES = (3, 9)  # sentences of a document, from and to
OUTCOMES = ("complete", "partial", "blocked", "gone")


@dataclass(frozen=True)
class Made:
    """One made document, with the labels that queries join."""

    item_id: str
    language: str
    title: str
    text: str
    day: date
    outcome: str
    site: str


def documents(shared: Path, count: int, *, seed: int = 5) -> Iterator[Made]:
    """Yield `count` documents: sentences of one language, and rare words as handles are."""
    chance = random.Random(seed)
    lines = {
        code: (shared / f"corpora/text/ntrex/newstest2019-{name}.txt")
        .read_text("utf-8")
        .split("\n")
        for code, (name, _share) in LANGUAGES.items()
    }
    codes = list(lines)
    shares = [share for _name, share in LANGUAGES.values()]
    for number in range(count):
        code = chance.choices(codes, shares)[0]
        some = [chance.choice(lines[code]) for _ in range(chance.randint(*LINES))]
        rare = " ".join(f"user{chance.randrange(count * 3):x}" for _ in range(3))
        yield Made(
            item_id=f"{number:08d}-0000-7000-8000-000000000000",
            language=code,
            title=some[0][:60],
            text="\n".join([*some, rare]),
            day=date(2020, 1, 1) + timedelta(days=chance.randrange(730)),
            outcome=chance.choices(OUTCOMES, (80, 10, 6, 4))[0],
            site=f"site{chance.randrange(40)}.example",
        )


def queries(shared: Path) -> dict[str, list[str]]:
    """Return twenty queries of each kind, as people type them."""
    chance = random.Random(11)
    english = (shared / "corpora/text/ntrex/newstest2019-src.eng.txt").read_text("utf-8")
    words = [word for word in english.lower().split() if word.isalpha() and len(word) > 3]
    common = sorted({word for word in words if words.count(word) > 60})
    lines = [line.split() for line in english.split("\n")]
    phrases = [line[at : at + 2] for line in lines for at in range(0, len(line) - 2, 7)]
    phrases = [pair for pair in phrases if all(word.isalpha() for word in pair)]
    chinese = (shared / "corpora/text/ntrex/newstest2019-ref.zho-CN.txt").read_text("utf-8")
    arabic = (shared / "corpora/text/ntrex/newstest2019-ref.arb.txt").read_text("utf-8").split()
    han = ["".join(pair) for pair in pairwise(chinese)
           if all("\u4e00" <= one <= "\u9fff" for one in pair)]  # fmt: skip
    term = lambda: chance.choice(common)  # noqa: E731
    return {
        "common term": [term() for _ in range(20)],
        "two-term AND": [f"{term()} {term()}" for _ in range(20)],
        "phrase": ['"' + " ".join(chance.choice(phrases)) + '"' for _ in range(20)],
        "prefix": [chance.choice(common)[:3] + "*" for _ in range(20)],
        "Chinese": [chance.choice(han) for _ in range(20)],
        "Arabic": [word for word in chance.sample(arabic, 60) if word.isalpha()][:20],
        "date range + term": [f"{term()} after:2020-03 before:2020-09" for _ in range(20)],
        "facets": [term() for _ in range(20)],
        "highlight of ten": [term() for _ in range(20)],
        "sort by date": [term() for _ in range(20)],
        "fuzzy": [chance.choice(common)[:-1] + "q~1" for _ in range(20)],
        "related": ["~" + term() for _ in range(20)],
    }

"""NTREX in nine languages: a word finds all and only the lines that hold it, in the exact form."""

from __future__ import annotations

import os
import random
import re
import unicodedata
from pathlib import Path

import pytest

from search.documents import Document
from search.query import Term
from search.whoosh_engine import WhooshEngine

LANGUAGES = {
    "en": "src.eng", "zh": "ref.zho-CN", "ug": "ref.uig", "ar": "ref.arb", "fa": "ref.fas",
    "ru": "ref.rus", "tr": "ref.tur", "kk": "ref.kaz", "bo": "ref.bod",
}  # fmt: skip
# Written apart from search/analysis.py: what decisions.md 15 says, and no more.
DROPPED = {chr(point) for point in (*range(0x64B, 0x660), 0x670, 0x640, 0x200C, 0x200D, 0xAD,
                                    *range(0x6D6, 0x6DD), *range(0x6DF, 0x6E9), *range(0x6EA, 0x6EE))}  # fmt: skip
HAN = re.compile("[\u3007\u3400-\u9fff]")


def plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", "".join(one for one in folded if one not in DROPPED))


def in_word(character: str) -> bool:
    """Tell whether a character is part of a word: letters, marks, digits, the low line."""
    return character == "_" or unicodedata.category(character)[0] in "LN" or (
        unicodedata.category(character) in {"Mn", "Mc"})  # fmt: skip


def holds(line: str, word: str) -> bool:
    """Tell whether a word stands in a line by itself; in Han anywhere."""
    at = line.find(word)
    while at >= 0:
        end = at + len(word)
        if HAN.match(word):
            return True
        before = at > 0 and in_word(line[at - 1]) and not HAN.match(line[at - 1])
        after = end < len(line) and in_word(line[end]) and not HAN.match(line[end])
        if not before and not after:
            return True
        at = line.find(word, at + 1)
    return False


def some_words(lines: list[str], language: str, chance: random.Random, count: int) -> list[str]:
    found: set[str] = set()
    while len(found) < count:
        line = chance.choice(lines)
        if language == "zh":
            at = chance.randrange(max(1, len(line) - 1))
            if all(HAN.match(one) for one in line[at : at + 2]) and len(line[at : at + 2]) == 2:
                found.add(line[at : at + 2])
            continue
        words = [one for one in "".join(c if in_word(c) else " " for c in line).split()
                 if not HAN.search(one)]  # fmt: skip
        if words:
            found.add(chance.choice(words))
    return sorted(found)


def check(shared: Path, tmp_path: Path, language: str, count: int) -> None:
    name = f"corpora/text/ntrex/newstest2019-{LANGUAGES[language]}.txt"
    raw = (shared / name).read_text("utf-8").splitlines()
    lines = [plain(line) for line in raw]
    engine = WhooshEngine(tmp_path / "index")
    documents = [Document(str(at), "p", "", line, "", "", language) for at, line in enumerate(raw)]
    engine.apply(documents, [], 1)
    for word in some_words(lines, language, random.Random(2019), count):
        found = {int(item_id) for item_id in engine.find(Term(word)).scores}
        related = {int(item_id) for item_id in engine.find(Term(word, related=True)).scores}
        expected = {at for at, line in enumerate(lines) if holds(line, word)}
        assert found == expected, (language, word)
        assert found <= related, (language, word)
    engine.close()


@pytest.mark.parametrize("language", ["zh", "ug", "bo"])
def test_a_word_finds_all_and_only_its_lines(shared: Path, tmp_path: Path, language: str) -> None:
    check(shared, tmp_path, language, 60)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_500_words_of_each_language_find_all_and_only_their_lines(
    shared: Path, tmp_path: Path, language: str
) -> None:
    check(shared, tmp_path, language, 30 if os.environ.get("HOLDFAST_BOUNDED") else 500)

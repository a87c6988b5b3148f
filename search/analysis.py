"""Words, in every script, in one place (decisions 15).

A word matches exactly after NFKC, case folding and dropping of Arabic harakat and tatweel.
Scripts written without spaces are indexed character by character, so that a query in them
matches as a substring.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from whoosh.lang.porter import stem as stem_english
from whoosh.lang.snowball.russian import RussianStemmer

ANALYSIS_VERSION: Final = 1
_JOINERS: Final = "\u200c\u200d"  # inside words of Persian and Uyghur; not part of the spelling
_DROPPED: Final = dict.fromkeys(
    [
        *range(0x064B, 0x0660),
        0x0670,
        *range(0x06D6, 0x06DD),
        *range(0x06DF, 0x06E9),
        *range(0x06EA, 0x06EE),
        0x0640,
        0x200C,
        0x200D,
        0x00AD,
    ]
)
# Han, kana, bopomofo, Thai, Lao, Myanmar, Khmer: written without spaces between words.
_UNSPACED: Final = (
    "\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff\U00020000-\U0003ffff"
)
_UNSPACED_CHARACTER: Final = re.compile(f"[{_UNSPACED}]")
_MARKS: Final = "".join(
    re.escape(chr(point))
    for point in range(0x300, 0x10000)
    if unicodedata.category(chr(point)) in {"Mn", "Mc"}
)
_WORD: Final = re.compile(f"[\\w{_MARKS}{_JOINERS}\u00ad]+")
_RUNS: Final = re.compile(f"[{_UNSPACED}]|[^{_UNSPACED}]+")
# Letters that Arabic-script keyboards and typists use for one another; for related forms only.
_ARABIC_VARIANTS: Final = str.maketrans("أإآٱىیيكةۀئؤ", "ااااييي\u0643ههيو")
_CYRILLIC: Final = re.compile(r"[\u0400-\u04ff]+")
_LATIN: Final = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Token:
    """One indexed word, and where it stands in the text, in code points."""

    word: str
    start: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    """Yield the words of a text in order."""
    for match in _WORD.finditer(text):
        for run in _RUNS.finditer(match[0]):
            start, end = match.start() + run.start(), match.start() + run.end()
            for word in normalise(run[0]):
                yield Token(word, start, end)


@lru_cache(maxsize=65536)
def normalise(run: str) -> tuple[str, ...]:
    """Bring one run of letters to its indexed form: usually one word, none if nothing is left."""
    plain = unicodedata.normalize("NFKC", run).casefold().translate(_DROPPED)
    plain = unicodedata.normalize("NFKC", plain)
    return tuple(part for word in _WORD.findall(plain) for part in _RUNS.findall(word))


def words(text: str) -> list[str]:
    """Return the indexed forms of a text's words."""
    return [token.word for token in tokens(text)]


def is_unspaced(word: str) -> bool:
    """Tell whether a word is a character of a script written without spaces."""
    return len(word) == 1 and _UNSPACED_CHARACTER.match(word) is not None


@lru_cache(maxsize=65536)
def related(word: str) -> str:
    """Return the form under which related spellings and inflections meet.

    Diacritics and Arabic letter variants are folded; English and Russian endings are cut.
    """
    bare = "".join(
        character
        for character in unicodedata.normalize("NFD", word)
        if not unicodedata.combining(character)
    )
    folded = unicodedata.normalize("NFC", bare).translate(_ARABIC_VARIANTS)
    folded = folded.replace("ı", "i")
    if _LATIN.fullmatch(folded):
        return str(stem_english(folded))
    if _CYRILLIC.fullmatch(folded):
        return str(RussianStemmer().stem(folded))
    return folded


def same_related(word: str, wanted: str) -> bool:
    """Tell whether two words meet in a related form: what `~wanted` finds."""
    return related(word) == related(wanted)

"""The lists of what pages say when something is not there: data, versioned, to be extended.

The list that comes with Holdfast stands in data/phrases.toml; the format is documented in
docs/outcomes.md. A folder of further lists in the same format is laid over it. The versions of
all lists together name what a capture was judged by.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from archive.capture.outcome import Sign
from archive.errors import PhraseListError

LIST_FILE: Final = Path(__file__).parent / "data" / "phrases.toml"
MOST_TEXT: Final = 2000  # characters of a page a platform's words speak of, unless it says more
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_HOST: Final = re.compile(r"[a-z0-9.-]+\.[a-z0-9-]+|localhost")
_SHORTEST: Final = 4  # characters of a phrase; a shorter one stands on too many pages
# Letters that people and platforms write for one another, and marks that say nothing here:
# quotation marks, Turkish i, Russian yo, Arabic and Persian yeh, kaf and alef, joiners.
_SPELLINGS: Final = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "…": "...", "ı": "i", "İ": "i", "ё": "е", "Ё": "е",
     "ي": "ی", "ى": "ی", "ك": "ک", "أ": "ا", "إ": "ا", "آ": "ا"}
    | dict.fromkeys("ـ\u200c\u200d\u200e\u200f\u00ad")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that are a sign."""

    text: str
    """In the form `plain` gives them; pages are compared with that."""
    shown: str
    """As the list has them."""
    sign: Sign
    language: str


@dataclass(frozen=True, slots=True)
class Platform:
    """A sign on the pages of one host: every condition that is there must hold."""

    host: str
    sign: Sign
    path: re.Pattern[str] | None = None
    words: tuple[tuple[str, str], ...] = ()
    """Each in the form `plain` gives it, and as the list has it."""
    html: re.Pattern[str] | None = None
    most: int = MOST_TEXT

    def fits(self, host: str) -> bool:
        """Tell whether the rule speaks of pages of `host`."""
        return host == self.host or host.endswith(f".{self.host}")


@dataclass(frozen=True)
class PhraseList:
    """One or several lists together."""

    version: str
    phrases: tuple[Phrase, ...]
    platforms: tuple[Platform, ...]
    without: frozenset[str] = field(default=frozenset())
    """Phrases of lists below this one that it takes away."""

    @cached_property
    def of_sign(self) -> Mapping[Sign, tuple[Phrase, ...]]:
        """Return the phrases by sign; of two that fit, the longer says more and comes first."""
        ordered = sorted(self.phrases, key=lambda one: -len(one.text))
        return {sign: tuple(one for one in ordered if one.sign is sign) for sign in Sign}

    def over(self, below: PhraseList) -> PhraseList:
        """Lay this list over another."""
        kept = tuple(one for one in below.phrases if one.text not in self.without)
        return PhraseList(
            version=f"{below.version}+{self.version}",
            phrases=(*kept, *self.phrases),
            platforms=(*self.platforms, *below.platforms),
        )


def plain(text: str) -> str:
    """Bring words to the form in which spellings of a phrase meet.

    >>> plain("This  page isn’t…")
    "this page isn't..."
    """
    folded = unicodedata.normalize("NFKC", text).translate(_SPELLINGS).casefold()
    kept = (one for one in folded if not "\u064b" <= one <= "\u0652")  # Arabic vowel signs
    return " ".join("".join(kept).split())


def read_list(name: str, data: bytes) -> PhraseList:
    """Read one list.

    :raises PhraseListError: it is not of the format; the message says what is wrong where
    """
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PhraseListError(f"{name} is no TOML in UTF-8: {error}") from error
    version = document.pop("version", None)
    if not isinstance(version, str) or not re.fullmatch(r"[\w.:-]{1,60}", version):
        raise PhraseListError(f"{name}: `version` must be a word, such as a day")
    rules = document.pop("platform", [])
    without = document.pop("without", [])
    phrases = [one for sign, words in document.items() for one in _phrases(name, sign, words)]
    if not isinstance(rules, list):
        raise PhraseListError(f"{name}: platforms are written as [[platform]]")
    return PhraseList(
        version=version,
        phrases=tuple(phrases),
        platforms=tuple(_platform(name, number, one) for number, one in enumerate(rules, 1)),
        without=frozenset(plain(one) for one in _texts(f"{name}: without", without)),
    )


def load_lists(folder: Path | None) -> PhraseList:
    """Return the packaged list, with the lists of a folder laid over it in order of name.

    :raises PhraseListError: one cannot be read
    """
    found = PACKAGED
    for path in sorted(folder.glob("*.toml")) if folder is not None and folder.is_dir() else ():
        try:
            data = path.read_bytes()
        except OSError as error:
            raise PhraseListError(f"{path.name} cannot be read: {error.strerror}") from error
        found = read_list(path.name, data).over(found)
    return found


def _phrases(name: str, sign: str, words: object) -> Iterable[Phrase]:
    if sign not in {one.value for one in Sign}:
        known = ", ".join(Sign)
        raise PhraseListError(f"{name}: there is no sign [{sign}]; there are {known}")
    if not isinstance(words, dict):
        raise PhraseListError(f"{name}, [{sign}]: one list of phrases a language is wanted")
    for language, phrases in words.items():
        where = f"{name}, [{sign}], {language}"
        if not _LANGUAGE.fullmatch(language):
            raise PhraseListError(f"{where}: {language!r} is no language such as ug")
        for phrase in _texts(where, phrases):
            if len(plain(phrase)) < _SHORTEST:
                raise PhraseListError(f"{where}: {phrase!r} is too short to be a sign")
            yield Phrase(plain(phrase), phrase, Sign(sign), language)


def _platform(name: str, number: int, rule: Any) -> Platform:
    where = f"{name}, platform {number}"
    if not isinstance(rule, dict):
        raise PhraseListError(f"{where}: written as [[platform]]")
    unknown = set(rule) - {"host", "sign", "path", "words", "html", "most"}
    if unknown:
        raise PhraseListError(f"{where}: {', '.join(sorted(unknown))} is not known")
    host, sign, most = rule.get("host"), rule.get("sign"), rule.get("most", MOST_TEXT)
    if not isinstance(host, str) or not _HOST.fullmatch(host):
        raise PhraseListError(f"{where}: `host` must be a host in small letters")
    if sign not in {one.value for one in Sign}:
        raise PhraseListError(f"{where}: `sign` must be one of {', '.join(Sign)}")
    if not isinstance(most, int) or most < 1:
        raise PhraseListError(f"{where}: `most` must be a number of characters")
    if not {"path", "words", "html"} & set(rule):
        raise PhraseListError(f"{where}: at least one of path, words, html is wanted")
    return Platform(
        host=host,
        sign=Sign(sign),
        path=_pattern(f"{where}, path", rule.get("path")),
        words=tuple((plain(one), one) for one in _texts(f"{where}, words", rule.get("words", []))),
        html=_pattern(f"{where}, html", rule.get("html")),
        most=most,
    )


def _pattern(where: str, text: object) -> re.Pattern[str] | None:
    if text is None:
        return None
    if not isinstance(text, str) or not text:
        raise PhraseListError(f"{where}: a regular expression is wanted")
    try:
        return re.compile(text)
    except re.error as error:
        raise PhraseListError(f"{where}: {error}") from error


def _texts(where: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise PhraseListError(f"{where}: a list of phrases is wanted")
    return value


PACKAGED: Final = read_list(LIST_FILE.name, LIST_FILE.read_bytes())

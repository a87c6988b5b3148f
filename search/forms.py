"""Related forms: the spellings and inflections that `~word` takes for one another.

Which endings are cut depends on the language, so the form of a word carries the language whose
rules made it; a text is indexed under its own language, a query asks in all of them. Two words
that match exactly always meet in a related form too, whatever language was told or guessed.

Latin and Greek lose their diacritics; Arabic letter variants meet, except in words spelt as
Uyghur; traditional Han meets simplified; hiragana meets katakana; hangul is read by syllable, so
that a word is found with its particles. Endings are cut by Snowball's rules.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import snowballstemmer

_ARABIC: Final = re.compile("[\u0600-\u06ff\u0750-\u077f\ufb50-\ufeff]")
_CYRILLIC: Final = re.compile("[\u0400-\u052f]")
_LATIN: Final = re.compile("[a-z\u00df-\u024f\u1e00-\u1eff]")
_GREEK: Final = re.compile("[\u0370-\u03ff\u1f00-\u1fff]")
_HANGUL: Final = re.compile("[\uac00-\ud7a3]+")
_KANA: Final = re.compile("[\u30a1-\u30f6]")
_HAN: Final = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_UNSPACED_OTHERS: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u31ff]")
_NIQQUD: Final = re.compile("[\u0591-\u05c7]")
# Letters only Uyghur (and Kazakh in Arabic letters) uses, yeh without dots inside a word, and a
# hamza seat that opens a word before a vowel: their variants are letters of their own there.
_UYGHUR: Final = re.compile("[ېۆۈۋەڭۇ]|ى(?=.)|^ئ[اەوۇۆۈېى]")
# Letters that Arabic-script keyboards and typists use for one another.
_ARABIC_VARIANTS: Final = str.maketrans("أإآٱىیيكةۀئؤھۂےڪ", "ااااييي\u0643ههيوههي\u0643")
_TO_PERSIAN: Final = str.maketrans("\u0643يىئ", "کییی")
_LETTERS: Final = str.maketrans(
    {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ə": "e"}
)
_ONLY_RUSSIAN: Final = re.compile("[а-яё]+")

# ISO 639-1 codes with Snowball's names, by script; the first of a script serves texts whose
# language is not among them.
_BY_SCRIPT: Final[dict[re.Pattern[str], dict[str, str]]] = {
    _LATIN: {
        "en": "english", "tr": "turkish", "de": "german", "fr": "french", "es": "spanish",
        "pt": "portuguese", "it": "italian", "nl": "dutch", "sv": "swedish", "no": "norwegian",
        "da": "danish", "fi": "finnish", "hu": "hungarian", "ro": "romanian", "pl": "polish",
        "cs": "czech", "id": "indonesian", "ca": "catalan", "eu": "basque", "et": "estonian",
        "ga": "irish", "lt": "lithuanian", "eo": "esperanto",
    },
    _CYRILLIC: {"ru": "russian"},
    _ARABIC: {"ar": "arabic", "fa": "persian"},
    _GREEK: {"el": "greek"},
    re.compile("[\u0900-\u097f]"): {"hi": "hindi", "ne": "nepali"},
    re.compile("[\u0b80-\u0bff]"): {"ta": "tamil"},
    re.compile("[\u0530-\u058f]"): {"hy": "armenian"},
}  # fmt: skip
# Languages whose endings nobody's rules here cut: spellings meet, endings stay.
_UNSTEMMED: Final = frozenset(
    "az be bg bs ckb hr kk ky mk mn ps sd sk sl sq sr sw tg tl tt uk ur uz vi".split()
)
_ALIASES: Final = {"nb": "no", "nn": "no", "ms": "id"}
_stemming = threading.local()


def forms_of(word: str, language: str | None) -> tuple[str, ...]:
    """Return the forms under which a word of a text in `language` (ISO 639-1) is indexed."""
    return _forms_of(word, _ALIASES.get(language or "", language or ""))


@lru_cache(maxsize=131072)
def _forms_of(word: str, language: str) -> tuple[str, ...]:
    if language == "ug" and _ARABIC.match(word):
        return (word,)
    stemmers = _stemmers_for(word)
    if not stemmers or language in _UNSTEMMED:
        return (fold(word),)
    if language not in stemmers:
        language = next(iter(stemmers))
    return _in_language(word, language)


@lru_cache(maxsize=65536)
def forms_everywhere(word: str) -> tuple[str, ...]:
    """Return the forms a query asks for: those of every language of the word's script."""
    found = [form for language in _stemmers_for(word) for form in _in_language(word, language)]
    return tuple(dict.fromkeys([*found, fold(word), word]))


@lru_cache(maxsize=65536)
def _in_language(word: str, language: str) -> tuple[str, ...]:
    """Return the marked forms of a word: with its diacritics stemmed, and without them stemmed."""
    stem = _stemmer(language)
    plain = fold(word)
    if language == "fa":
        return (f"{fold(stem(plain.translate(_TO_PERSIAN)))}\x1ffa",)
    first = f"{fold(stem(word))}\x1f{language}"
    second = f"{fold(stem(plain))}\x1f{language}" if plain != word else first
    return (first,) if first == second else (first, second)


def _stemmers_for(word: str) -> dict[str, str]:
    if _CYRILLIC.match(word) and not _ONLY_RUSSIAN.fullmatch(word):
        return {}  # Kazakh, Ukrainian, Serbian: no endings of theirs are Russian's
    if _ARABIC.match(word) and _UYGHUR.search(word):
        return {}
    for script, stemmers in _BY_SCRIPT.items():
        if script.match(word):
            return stemmers
    return {}


def fold(word: str) -> str:
    """Return a word without the signs that typists leave out or take for one another."""
    if _ARABIC.search(word):
        return word if _UYGHUR.search(word) else word.translate(_ARABIC_VARIANTS)
    if _LATIN.search(word) or _GREEK.search(word):
        bare = "".join(
            character
            for character in unicodedata.normalize("NFD", word)
            if not unicodedata.combining(character)
        )
        return unicodedata.normalize("NFC", bare).translate(_LETTERS)
    return _NIQQUD.sub("", word.replace("ё", "е"))


def related_characters(word: str) -> list[str]:
    """Return the characters a word is read by, in related form; none if it is read whole."""
    if len(word) == 1:
        if _HAN.match(word):
            return [_simplified().get(word, word)]
        if _KANA.match(word):
            return [chr(ord(word) - 0x60)]
        if _UNSPACED_OTHERS.match(word):
            return [word]
    if _HANGUL.fullmatch(word):
        return list(word)
    return []


@cache
def _simplified() -> dict[str, str]:
    """Traditional to simplified characters, from OpenCC's table; the first choice where several."""
    table = files("opencc").joinpath("dictionary/TSCharacters.txt").read_text("utf-8")
    pairs = (line.split("\t") for line in table.splitlines() if "\t" in line)
    return {pair[0]: pair[1].split()[0] for pair in pairs if len(pair[0]) == 1}


def _stemmer(language: str) -> Callable[[str], str]:
    """Return a language's stemmer; each thread has its own, for they keep the word in hand."""
    held: dict[str, Callable[[str], str]] | None = getattr(_stemming, "held", None)
    if held is None:
        held = _stemming.held = {}
    if language not in held:
        names = {code: name for stemmers in _BY_SCRIPT.values() for code, name in stemmers.items()}
        held[language] = snowballstemmer.stemmer(names[language]).stemWord
    return held[language]

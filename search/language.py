"""Telling the language of a text: by its letters where they decide, else by statistics."""

from __future__ import annotations

import re
import threading
from typing import Final

from py3langid.langid import MODEL_FILE, LanguageIdentifier

_ENOUGH: Final = 3  # letters below which nothing is said
_LOOKED_AT: Final = 5000  # characters
_NOISE: Final = re.compile(r"https?://\S+|[@#]\w+|\d+")
_UYGHUR: Final = re.compile("[ېۆۈۋەڭۇ]")
_URDU: Final = re.compile("[ٹڈڑںےہھ]")
_PERSIAN: Final = re.compile("[پچژگ]")
_ARABIC: Final = re.compile("[\u0600-\u06ff]")
_HAN: Final = re.compile("[\u3400-\u9fff]")
_KANA: Final = re.compile("[\u3040-\u30ff]")
_HANGUL: Final = re.compile("[\uac00-\ud7af]")
_CANDIDATES: Final = [
    "ar",
    "az",
    "bg",
    "cs",
    "da",
    "de",
    "el",
    "en",
    "es",
    "fa",
    "fi",
    "fr",
    "he",
    "hi",
    "hu",
    "id",
    "it",
    "ja",
    "kk",
    "ko",
    "ky",
    "ms",
    "nl",
    "no",
    "pl",
    "ps",
    "pt",
    "ro",
    "ru",
    "sr",
    "sv",
    "sw",
    "th",
    "tr",
    "uk",
    "ug",
    "ur",
    "vi",
    "zh",
]
_lock = threading.Lock()
_identifiers: list[LanguageIdentifier] = []


def detect_language(text: str) -> str | None:
    """Return the ISO 639-1 code of the text's language; None where there is too little."""
    plain = _NOISE.sub(" ", text[:_LOOKED_AT])
    letters = sum(character.isalpha() for character in plain)
    if letters < _ENOUGH:
        return None
    by_letters = _by_letters(plain, letters)
    if by_letters is not None:
        return by_letters
    code, _score = _identifier().classify(plain)
    return str(code)


def _by_letters(plain: str, letters: int) -> str | None:
    if len(_KANA.findall(plain)) * 10 > letters:
        return "ja"
    if len(_HANGUL.findall(plain)) * 2 > letters:
        return "ko"
    if len(_HAN.findall(plain)) * 4 > letters:
        return "zh"
    arabic = len(_ARABIC.findall(plain))
    if arabic * 2 <= letters:
        return None
    if len(_UYGHUR.findall(plain)) * 12 > arabic:
        return "ug"
    if len(_URDU.findall(plain)) * 20 > arabic:
        return "ur"
    if len(_PERSIAN.findall(plain)) * 50 > arabic:
        return "fa"
    return "ar"


def _identifier() -> LanguageIdentifier:
    with _lock:
        if not _identifiers:
            identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
            known = set(identifier.labels)
            identifier.set_languages([code for code in _CANDIDATES if code in known])
            _identifiers.append(identifier)
        return _identifiers[0]

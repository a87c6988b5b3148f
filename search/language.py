"""Telling the language of a text: by its letters where they decide, else by statistics."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Final

from search.language_model import Identifier, read_identifier

_ENOUGH: Final = 3  # letters below which nothing is said
_LOOKED_AT: Final = 5000  # characters
_NOISE: Final = re.compile(r"https?://\S+|[@#]\w+|\d+")
_UYGHUR: Final = re.compile("[ېۆۈۋەڭۇ]")
_URDU: Final = re.compile("[ٹڈڑںےہ]")
_ARABIC: Final = re.compile("[\u0600-\u06ff]")
_HAN: Final = re.compile("[\u3400-\u9fff]")
_KANA: Final = re.compile("[\u3040-\u30ff]")
_HANGUL: Final = re.compile("[\uac00-\ud7af]")
_CANDIDATES: Final = frozenset(
    "ar az bg cs da de el en es fa fi fr he hi hu id it ja kk ko ky ms nl no "
    "pl ps pt ro ru sr sv sw th tr uk ug ur vi zh".split()
)
_ARABIC_SCRIPT: Final = frozenset({"ar", "fa", "ps", "ug", "ur"})
_lock = threading.Lock()
_held: list[Identifier] = []
LIKELY: Final = 0.7
"""From here on a language is said without "perhaps": of what is below, one in three is wrong, of
what is above, one in a hundred (lines of eight languages cut to 15 letters; see docs)."""


@dataclass(frozen=True, slots=True)
class Told:
    """The language of a text (ISO 639-1; None where there is too little) and how sure that is.

    `sure` goes from 0 to 1; it is comparable between texts, and no promise.
    """

    language: str | None
    sure: float

    @property
    def thousandths(self) -> int:
        """How sure, in whole thousandths."""
        return round(self.sure * 1000)


def detect_language(text: str) -> str | None:
    """Return the ISO 639-1 code of the text's language; None where there is too little."""
    return tell_language(text).language


def tell_language(text: str) -> Told:
    """Return the language of a text, and how sure that is."""
    plain = _NOISE.sub(" ", text[:_LOOKED_AT])
    letters = sum(character.isalpha() for character in plain)
    if letters < _ENOUGH:
        return Told(None, 0.0)
    by_letters = _by_letters(plain, letters)
    if by_letters is not None:
        return by_letters
    is_arabic = len(_ARABIC.findall(plain)) * 2 > letters
    code, share = _likeliest(plain, _ARABIC_SCRIPT if is_arabic else _CANDIDATES)
    return Told(code, min(1.0, share))


def _likeliest(plain: str, languages: frozenset[str]) -> tuple[str, float]:
    """Return the likeliest of some languages, and its share among them.

    Shares of a part of the languages are those of all, made to add up to one again.
    """
    ranked = [
        (str(code), float(share)) for code, share in _identifier().rank(plain) if code in languages
    ]
    total = sum(share for _code, share in ranked)
    code, share = max(ranked, key=lambda one: one[1])
    return code, share / total if total else 0.0


def _by_letters(plain: str, letters: int) -> Told | None:
    kana, hangul, han = (len(one.findall(plain)) for one in (_KANA, _HANGUL, _HAN))
    if kana * 10 > letters:
        return Told("ja", _of_share(kana + han, letters))
    if hangul * 2 > letters:
        return Told("ko", _of_share(hangul, letters))
    if han * 4 > letters:
        return Told("zh", _of_share(han, letters))
    arabic = len(_ARABIC.findall(plain))
    uyghur, urdu = len(_UYGHUR.findall(plain)), len(_URDU.findall(plain))
    if uyghur > 1 and uyghur * 8 >= arabic:
        return Told("ug", _of_share(arabic, letters))
    if urdu > 1 and urdu * 16 >= arabic and urdu > uyghur:
        return Told("ur", _of_share(arabic, letters))
    return None


def _of_share(own: int, letters: int) -> float:
    """Return how sure letters make us: a few of them, or a half of a mixed text, are no proof."""
    return min(1.0, own / letters) * min(1.0, 0.4 + own / 10)


def _identifier() -> Identifier:
    with _lock:
        if not _held:
            _held.append(read_identifier())
        return _held[0]

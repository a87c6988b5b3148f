"""Telling in which encoding a list was saved that does not say so.

UTF-8 proves itself: text in another encoding is hardly ever valid UTF-8. Of the others the one
is taken under which the letters make the likeliest words; a person can say another.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

_SAMPLE: Final = 400_000  # bytes looked at
_LETTERS: Final = 6000  # letters beyond ASCII that are weighed
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WORDS: Final = re.compile(r"[^\W\d_]+")
_ARABIC_COMMON: Final = frozenset("اليمونترسبدعهكقفجحصخشذضةطغظزثئءأإآؤىپچگژ")
_LATIN_COMMON: Final = frozenset("áàâäãåçéèêëíìîïñóòôöõøúùûüýÿæœßışğİŞĞÁÀÂÄÃÅÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØÚÙÛÜ")
_TURKISH: Final = frozenset("ışğİŞĞ")

LABELS: Final[Mapping[str, str]] = {
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "gb18030": "Chinese (GB18030, GBK)",
    "big5": "Chinese, traditional (Big5)",
    "windows-1256": "Arabic, Persian, Uyghur (Windows-1256)",
    "windows-1251": "Cyrillic (Windows-1251)",
    "koi8-r": "Cyrillic (KOI8-R)",
    "shift_jis": "Japanese (Shift JIS)",
    "euc-jp": "Japanese (EUC-JP)",
    "euc-kr": "Korean (EUC-KR)",
    "windows-1254": "Turkish (Windows-1254)",
    "windows-1252": "Western European (Windows-1252)",
}
"""The encodings a person can choose, and what they are called."""

_CODECS: Final[Mapping[str, str]] = {"shift_jis": "cp932", "euc-kr": "cp949", "big5": "cp950"}


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, and the encoding it was read in; `sure`: the bytes prove it."""

    text: str
    encoding: str
    sure: bool


def decode(data: bytes, encoding: str = "") -> Decoded:
    """Turn the bytes of a list into text.

    :param encoding: a key of LABELS; empty lets the bytes tell
    :raises UnicodeDecodeError: they are not in the encoding named
    """
    if encoding:
        return Decoded(data.decode(_CODECS.get(encoding, encoding)).removeprefix("\ufeff"),
                       encoding, True)  # fmt: skip
    for mark, name in _BOMS:
        if data.startswith(mark):
            return Decoded(data.decode(name), "utf-16" if name == "utf-32" else name, True)
    unmarked = _utf16(data)
    if unmarked:
        return Decoded(data.decode(unmarked), "utf-16", True)
    try:
        return Decoded(data.decode("utf-8"), "utf-8-sig", True)
    except UnicodeDecodeError:
        pass
    best = guess(data)
    return Decoded(data.decode(_CODECS.get(best, best), "replace"), best, False)


def guess(data: bytes) -> str:
    """Return the likeliest encoding of text that is no UTF-8; a key of LABELS."""
    sample = data[:_SAMPLE]
    cut = sample.rfind(b"\n")
    sample = sample[:cut] if len(data) > _SAMPLE and cut > 0 else sample
    scores = {name: _score(sample, name, weigh) for name, weigh in _WEIGH.items()}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > 0 else "windows-1252"


def _utf16(data: bytes) -> str:
    """Tell UTF-16 without a mark: ASCII in it has a zero byte every second place."""
    head = data[:2000]
    if len(head) < 8 or head.count(0) < len(head) // 4:
        return ""
    return "utf-16-le" if head[1::2].count(0) > head[0::2].count(0) else "utf-16-be"


def _score(sample: bytes, name: str, weigh: Callable[[str], float]) -> float:
    try:
        text = sample.decode(_CODECS.get(name, name))
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 4:
            return 0.0
        text = sample[: error.start].decode(_CODECS.get(name, name))
    return weigh(text)


def _far(text: str) -> Iterator[str]:
    return islice((letter for letter in text if letter > "\x7f"), _LETTERS)


def _share(text: str, test: Callable[[str], bool]) -> float:
    letters = list(_far(text))
    return sum(map(test, letters)) / len(letters) if letters else 0.0


def _lead(encoding: str, low: int, high: int) -> Callable[[str], bool]:
    def common(letter: str) -> bool:
        if "\u3000" <= letter <= "\u303f" or "\uff00" <= letter <= "\uff60":
            return True
        try:
            raw = letter.encode(encoding)
        except UnicodeEncodeError:
            return False
        return len(raw) == 2 and low <= raw[0] <= high

    return common


def _gb(text: str) -> float:
    return _share(text, _lead("gb2312", 0xB0, 0xD7))  # level 1: the 3,755 commonest


def _big5(text: str) -> float:
    return _share(text, _lead("big5", 0xA4, 0xC6))  # level 1: the 5,401 commonest


def _japanese(text: str) -> float:
    kana = _share(text, lambda letter: "\u3041" <= letter <= "\u30fe")
    han = _share(
        text, lambda letter: "\u4e00" <= letter <= "\u9fff" or "\u3000" <= letter < "\u3040"
    )
    return kana + han if kana > 0.15 else 0.0


def _korean(text: str) -> float:
    common = _lead("euc-kr", 0xB0, 0xC8)
    return _share(text, lambda letter: "\uac00" <= letter <= "\ud7a3" and common(letter))


def _cyrillic(text: str) -> float:
    """Weigh words of Cyrillic letters only, and in the case that words have."""
    good = whole = 0
    for word in islice(_WORDS.findall(text), _LETTERS):
        far = sum(letter > "\x7f" for letter in word)
        whole += far
        inside = all("\u0400" <= letter <= "\u045f" for letter in word)
        if far and inside and (word[1:].islower() or word.isupper() or len(word) == 1):
            good += far
    return good / max(1, sum(1 for _ in _far(text)), whole)


def _arabic(text: str) -> float:
    return 0.98 * _share(
        text, lambda letter: letter in _ARABIC_COMMON or letter in "،؛؟ـًٌٍَُِّْ\u200c\u200d\u200f\u200e"
    )


def _turkish(text: str) -> float:
    return _latin(text) * 1.01 if any(letter in _TURKISH for letter in _far(text)) else 0.0


def _latin(text: str) -> float:
    """Weigh accented letters that stand among plain ones."""
    good = 0
    for word in islice(_WORDS.findall(text), _LETTERS):
        far = [letter for letter in word if letter > "\x7f"]
        plain = len(word) - len(far)
        if far and plain >= len(far) and all(letter in _LATIN_COMMON for letter in far):
            good += len(far)
    marks = sum(unicodedata.category(letter)[0] == "P" for letter in _far(text))
    return 0.9 * (good + marks) / max(1, sum(1 for _ in _far(text)))


_WEIGH: Final[Mapping[str, Callable[[str], float]]] = {
    "gb18030": _gb,
    "big5": _big5,
    "shift_jis": _japanese,
    "euc-jp": _japanese,
    "euc-kr": _korean,
    "windows-1251": _cyrillic,
    "koi8-r": _cyrillic,
    "windows-1256": _arabic,
    "windows-1254": _turkish,
    "windows-1252": _latin,
}

"""The difference between two texts, word by word, for people to read.

Lines are matched first, then the words within those that changed. A word keeps its combining
marks and joiners; scripts written without spaces (Han, kana, Thai, Lao, Khmer, Burmese, Tibetan)
are compared by character, with its marks. Texts are compared as they are: a difference in
normal form is a difference in bytes, and is shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import cache
from re import Pattern
from re import compile as compile_pattern
from typing import Final

_CONTEXT: Final = 2  # unchanged lines shown around a change
_MOST_LINES: Final = 3000  # a longer text is matched by its rarer lines only
_MOST_WORDS: Final = 3000  # of one changed place; a longer one is shown as replaced whole
# Scripts written without spaces between words, by their blocks.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)


class Change(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the comparison, in pieces that stayed, went, or came."""

    pieces: tuple[tuple[Change, str], ...]

    @property
    def changed(self) -> bool:
        """Whether anything in it went or came."""
        return any(change is not Change.SAME for change, _text in self.pieces)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines in a row; a folded stretch is the same in both and far from any change."""

    lines: tuple[Line, ...]
    folded: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two texts, side by side in one."""

    stretches: tuple[Stretch, ...]
    removed: int
    """Words that went."""
    added: int
    """Words that came."""

    @property
    def same(self) -> bool:
        """Whether the texts are equal."""
        return (
            not self.removed
            and not self.added
            and not any(line.changed for stretch in self.stretches for line in stretch.lines)
        )


def compare(old: str, new: str) -> Comparison:
    """Compare two texts."""
    lines = list(_lines(old.splitlines(), new.splitlines()))
    pieces = [piece for line in lines for piece in line.pieces]
    return Comparison(
        stretches=tuple(_fold(lines)),
        removed=_count(text for change, text in pieces if change is Change.REMOVED),
        added=_count(text for change, text in pieces if change is Change.ADDED),
    )


def tokens(text: str) -> list[str]:
    """Cut a text into words, spaces and single signs; put together they are the text again.

    >>> tokens("don't 吃饭")
    ["don't", ' ', '吃', '饭']
    """
    return _pattern().findall(text)


@cache
def _pattern() -> Pattern[str]:
    marks = "".join(
        chr(code)
        for code in range(0x300, 0x20000)
        if unicodedata.category(chr(code)) in {"Mn", "Mc", "Me"}
    )
    marks += "\u200c\u200d\ufe0f\u0640"  # joiners, emoji presentation, tatweel
    marks += "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"  # tones of skin
    inner = f"(?:[^\\W_{_UNSPACED}]|[{marks}])"
    return compile_pattern(
        rf"[{_UNSPACED}][{marks}]*|{inner}+(?:['’\-]{inner}+)*|\s+"
        rf"|.(?:[{marks}]*\u200d.)*[{marks}]*"
    )


def _lines(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    rare_only = max(len(old), len(new)) > _MOST_LINES
    matcher = SequenceMatcher(None, old, new, autojunk=rare_only)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            yield from (_whole(Change.SAME, text) for text in old[a:b])
        elif kind == "delete":
            yield from (_whole(Change.REMOVED, text) for text in old[a:b])
        elif kind == "insert":
            yield from (_whole(Change.ADDED, text) for text in new[c:d])
        else:
            yield from _words("\n".join(old[a:b]), "\n".join(new[c:d]))


def _words(old: str, new: str) -> Iterator[Line]:
    """Compare a changed place word by word; yield it in lines."""
    ours, theirs = tokens(old), tokens(new)
    if max(len(ours), len(theirs)) > _MOST_WORDS:
        yield from (_whole(Change.REMOVED, text) for text in old.split("\n"))
        yield from (_whole(Change.ADDED, text) for text in new.split("\n"))
        return
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    pieces: list[tuple[Change, str]] = []
    for kind, a, b, c, d in _without_crumbs(matcher.get_opcodes(), ours):
        if kind == "equal":
            pieces.append((Change.SAME, "".join(ours[a:b])))
            continue
        if a < b:
            pieces.append((Change.REMOVED, "".join(ours[a:b])))
        if c < d:
            pieces.append((Change.ADDED, "".join(theirs[c:d])))
    yield from _in_lines(pieces)


Opcode = tuple[str, int, int, int, int]


def _without_crumbs(opcodes: Sequence[Opcode], ours: Sequence[str]) -> list[Opcode]:
    """Join changes that only a space or a single sign keeps apart: they read as one."""
    joined: list[Opcode] = []
    for number, (kind, a, b, c, d) in enumerate(opcodes):
        crumb = kind == "equal" and not any(map(_is_word, ours[a:b])) and "\n" not in ours[a:b]
        inside = 0 < number < len(opcodes) - 1
        if joined and joined[-1][0] != "equal" and (kind != "equal" or (crumb and inside)):
            _kind, first, _b, third, _d = joined[-1]
            joined[-1] = ("replace", first, b, third, d)
        else:
            joined.append((kind, a, b, c, d))
    return joined


def _in_lines(pieces: Iterable[tuple[Change, str]]) -> Iterator[Line]:
    current: list[tuple[Change, str]] = []
    for change, text in pieces:
        first, *others = text.split("\n")
        if first:
            current.append((change, first))
        for other in others:
            yield Line(tuple(current))
            current = [(change, other)] if other else []
    if current:
        yield Line(tuple(current))


def _whole(change: Change, text: str) -> Line:
    return Line(((change, text),))


def _fold(lines: Sequence[Line]) -> Iterator[Stretch]:
    """Fold what is the same and more than a few lines from any change."""
    near: set[int] = set()
    for number, line in enumerate(lines):
        if line.changed:
            near.update(range(number - _CONTEXT, number + _CONTEXT + 1))
    start = 0
    for number in range(1, len(lines) + 1):
        if number == len(lines) or (number in near) is not (start in near):
            yield Stretch(tuple(lines[start:number]), folded=start not in near)
            start = number


def _count(texts: Iterable[str]) -> int:
    return sum(sum(map(_is_word, tokens(text))) for text in texts)


def _is_word(token: str) -> bool:
    return any(one.isalnum() for one in token)

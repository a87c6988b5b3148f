"""Words, in every script, in one place (decisions 15).

A word matches exactly after NFKC, case folding and dropping of Arabic harakat and tatweel.
Scripts written without spaces are read character by character, so that a query in them
matches as a substring; every two neighbours also make one indexed word, so that it does so fast.
Related spellings and forms stand in search/forms.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from typing import Final

from search.forms import forms_everywhere, forms_of, related_characters

ANALYSIS_VERSION: Final = 3  # also where what is given to be indexed changed: then made anew
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
# A kana and the voice mark typed after it, half-width or combining, are one character.
_RUNS: Final = re.compile(f"[{_UNSPACED}][\uff9e\uff9f\u3099\u309a]?|[^{_UNSPACED}]+")
_LONGEST_KEPT: Final = 40  # characters of a run whose analysis is worth remembering


@dataclass(frozen=True, slots=True)
class Token:
    """One indexed word, and where it stands in the text, in code points."""

    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Slot:
    """What may stand `offset` places after the first of a sequence: any of `words`."""

    offset: int
    words: tuple[str, ...]


def tokens(text: str) -> Iterator[Token]:
    """Yield the words of a text in order."""
    for match in _WORD.finditer(text):
        for run in _RUNS.finditer(match[0]):
            start, end = match.start() + run.start(), match.start() + run.end()
            for word in normalise(run[0]):
                yield Token(word, start, end)


@dataclass(frozen=True, slots=True)
class LaidOut:
    """The words of a text in order, as `tokens` yields them; where one stands is told when asked.

    Most words of a text are never marked, and finding out where they stand costs more than they.
    """

    words: Sequence[str]
    _parts: Sequence[tuple[re.Match[str], int]]
    """For each word the run of letters it stands in, and the number of that run's first word."""

    def start(self, number: int) -> int:
        """Return where a word begins, in code points."""
        return self._place(number)[0]

    def end(self, number: int) -> int:
        """Return where a word ends, in code points."""
        return self._place(number)[1]

    def _place(self, number: int) -> tuple[int, int]:
        match, first = self._parts[number]
        token = next(islice(tokens(match[0]), number - first, None))
        return match.start() + token.start, match.start() + token.end


def laid_out(text: str) -> LaidOut:
    """Return the words of a text, for looking some of them up in it."""
    found: list[str] = []
    parts: list[tuple[re.Match[str], int]] = []
    for match in _WORD.finditer(text):
        split = _split(match[0])
        parts += [(match, len(found))] * len(split)
        found += split
    return LaidOut(found, parts)


@lru_cache(maxsize=65536)
def normalise(run: str) -> tuple[str, ...]:
    """Bring one run of letters to its indexed form: usually one word, none if nothing is left."""
    plain = unicodedata.normalize("NFKC", run).casefold().translate(_DROPPED)
    plain = unicodedata.normalize("NFKC", plain)
    return tuple(part for word in _WORD.findall(plain) for part in _RUNS.findall(word))


def words(text: str) -> list[str]:
    """Return the indexed forms of a text's words."""
    return [word for part in _WORD.findall(text) for word in _split(part)]


def is_unspaced(word: str) -> bool:
    """Tell whether a word is a character of a script written without spaces."""
    return len(word) == 1 and _UNSPACED_CHARACTER.match(word) is not None


def is_pair(word: str) -> bool:
    """Tell whether an indexed word is two neighbouring characters, of two places."""
    if len(word) != 2:
        return False
    return _UNSPACED_CHARACTER.match(word[0]) is not None or bool(related_characters(word))


def runs(text: str) -> Iterator[Sequence[str]]:
    """Yield the words that are written together, without a sign or space between them."""
    for part in _WORD.findall(text):
        if found := _split(part):
            yield found


def _split(part: str) -> Sequence[str]:
    if len(part) <= _LONGEST_KEPT:
        return _split_kept(part)
    return [word for run in _RUNS.findall(part) for word in normalise(run)]


@lru_cache(maxsize=131072)
def _split_kept(part: str) -> tuple[str, ...]:
    return tuple(word for run in _RUNS.findall(part) for word in normalise(run))


def indexed_words(
    text: str, language: str | None
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Return what is indexed of a text, exactly and in related forms, each with its place."""
    parts = list(runs(text))
    return list(_exact(parts)), list(_related(parts, language))


def exact_words(text: str) -> Iterator[tuple[str, int]]:
    """Yield what is indexed of a text, exactly, with its place."""
    return _exact(runs(text))


def related_words(text: str, language: str | None) -> Iterator[tuple[str, int]]:
    """Yield what is indexed of a text in related forms, with its place."""
    return _related(runs(text), language)


def _exact(parts: Iterable[Sequence[str]]) -> Iterator[tuple[str, int]]:
    place = 0
    for run in parts:
        if len(run) == 1:  # nearly all of a text written with spaces
            yield run[0], place
            place += 1
            continue
        before = ""
        for word in run:
            yield word, place
            unspaced = is_unspaced(word)
            if before and unspaced:
                yield before + word, place - 1
            before = word if unspaced else ""
            place += 1


def _related(parts: Iterable[Sequence[str]], language: str | None) -> Iterator[tuple[str, int]]:
    place = 0
    for run in parts:
        if len(run) == 1:
            forms, width = _related_alone(run[0], language)
            for form, offset in forms:
                yield form, place + offset
            place += width
            continue
        before = ""
        for word in run:
            characters = related_characters(word)
            if not characters:
                for form in forms_of(word, language):
                    yield form, place
                before = ""
                place += 1
            for character in characters:
                yield character, place
                if before:
                    yield before + character, place - 1
                before = character
                place += 1


@lru_cache(maxsize=131072)
def _related_alone(word: str, language: str | None) -> tuple[tuple[tuple[str, int], ...], int]:
    """Return the related forms of a word that stands alone, from its place on, and its width."""
    characters = related_characters(word)
    if not characters:
        return tuple((form, 0) for form in forms_of(word, language)), 1
    singles = [(character, at) for at, character in enumerate(characters)]
    pairs = [(first + second, at) for at, (first, second) in enumerate(pairwise(characters))]
    return (*singles, *pairs), len(characters)


def exact_slots(text: str) -> list[Slot]:
    """Return the sequence of words a query text asks for, exactly."""
    return _slots([(run, [(word,) for word in run]) for run in runs(text)])


def related_slots(text: str) -> list[Slot]:
    """Return the sequence a query text asks for in related forms, of whatever language."""
    prepared = []
    for run in runs(text):
        plain: list[str] = []
        alternatives: list[tuple[str, ...]] = []
        for word in run:
            characters = related_characters(word)
            plain += characters or [word]
            alternatives += [(one,) for one in characters] or [forms_everywhere(word)]
        prepared.append((plain, alternatives))
    return _slots(prepared, syllables=True)


def _slots(
    prepared: Sequence[tuple[Sequence[str], Sequence[tuple[str, ...]]]], *, syllables: bool = False
) -> list[Slot]:
    """Lay runs out; neighbouring characters are asked for as pairs, alone only where alone."""
    slots: list[Slot] = []
    place = 0
    for plain, alternatives in prepared:
        single = [
            is_unspaced(word) or (syllables and bool(related_characters(word))) for word in plain
        ]
        for at, choices in enumerate(alternatives):
            after = at + 1 < len(plain) and single[at] and single[at + 1]
            before = at > 0 and single[at] and single[at - 1]
            if after:
                slots.append(Slot(place + at, (choices[0] + alternatives[at + 1][0],)))
            elif not before:
                slots.append(Slot(place + at, choices))
        place += len(plain)
    if slots:
        first = slots[0].offset
        slots = [Slot(slot.offset - first, slot.words) for slot in slots]
    return slots


def related(word: str) -> str:
    """Return one form under which related spellings and inflections meet, for marking words."""
    characters = related_characters(word)
    return "".join(characters) if characters else forms_everywhere(word)[0]


@lru_cache(maxsize=65536)
def same_related(word: str, wanted: str) -> bool:
    """Tell whether two words meet in a related form of any language: what `~wanted` finds."""
    characters = related_characters(word)
    if characters or related_characters(wanted):
        return "".join(related_characters(wanted)) in "".join(characters)
    return not set(forms_everywhere(word)).isdisjoint(forms_everywhere(wanted))

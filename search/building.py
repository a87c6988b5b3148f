"""Making segments: out of documents, and out of other segments."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from search.analysis import indexed_words
from search.documents import Document
from search.language import detect_language
from search.segments import (
    Array,
    SegmentFile,
    fields_in,
    packed_strings,
    small,
    write_segment,
)

TEXT_FIELDS: Final = ("title", "text", "notes")
RELATED: Final = "~"  # marks a field's related forms
FIELDS: Final = (*TEXT_FIELDS, *(name + RELATED for name in TEXT_FIELDS))


class _Numbers(dict[str, int]):
    """Words with their numbers, in the order they came; a new word gets the next."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


class _Column:
    """The words of one field while documents are added."""

    def __init__(self) -> None:
        self.numbers = _Numbers()
        self.words = array("I")
        self.places = array("I")
        self.ends = array("Q")

    def add(self, words: Sequence[tuple[str, int]]) -> None:
        """Take up one item's words."""
        numbers = self.numbers
        self.words.extend([numbers[word] for word, _place in words])
        self.places.extend([place for _word, place in words])
        self.ends.append(len(self.words))


def build_segment(path: Path, documents: Sequence[Document]) -> None:
    """Write a segment of documents, each item once."""
    columns = {name: _Column() for name in FIELDS}
    languages: set[str] = set()
    for document in documents:
        language = document.language or detect_language(document.text)
        languages.add(language or "")
        notes = detect_language(document.notes) if document.notes else None
        texts = (
            (document.title, language),
            (document.text, language),
            (document.notes, notes or language),
        )
        for name, (text, spoken) in zip(TEXT_FIELDS, texts, strict=True):
            exact, related = indexed_words(text, spoken)
            columns[name].add(exact)
            columns[name + RELATED].add(related)
    arrays: dict[str, Array] = {}
    ids = [document.item_id.encode() for document in documents]
    arrays["ids"], arrays["id_ends"] = packed_strings(ids)
    for name, column in columns.items():
        if column.words:
            arrays |= _laid_out(name, column)
    write_segment(path, arrays, len(documents), sorted(languages))


def _laid_out(name: str, column: _Column) -> dict[str, Array]:
    spelled = [(word.encode(), number) for word, number in column.numbers.items()]
    spelled.sort()
    rank = np.empty(len(spelled), np.uint32)
    rank[[number for _word, number in spelled]] = np.arange(len(spelled), dtype=np.uint32)
    words = rank[np.frombuffer(column.words, np.uint32)]
    ends = np.frombuffer(column.ends, np.uint64).astype(np.int64)
    lengths = np.diff(ends, prepend=0)
    items = np.repeat(np.arange(len(lengths), dtype=np.uint32), lengths)
    order = np.argsort(words, kind="stable")  # keeps items, and places in them, in order
    return _arrays(
        name,
        [word for word, _number in spelled],
        words[order],
        items[order],
        np.frombuffer(column.places, np.uint32)[order],
        lengths,
    )


def _arrays(
    name: str, spelled: Sequence[bytes], words: Array, items: Array, places: Array, lengths: Array
) -> dict[str, Array]:
    """Lay out occurrences that are sorted by word, item and place."""
    new_word = np.diff(words, prepend=np.int64(-1)) != 0
    new_posting = new_word | (np.diff(items.astype(np.int64), prepend=-1) != 0)
    posting_at = np.flatnonzero(new_posting)
    counts = np.diff(posting_at, append=len(words))
    per_word = np.bincount(words[posting_at], minlength=len(spelled))
    blob, ends = packed_strings(spelled)
    return {
        f"{name}/words": blob,
        f"{name}/word_ends": ends,
        f"{name}/first": small(np.concatenate(([0], np.cumsum(per_word)))),
        f"{name}/first_place": small(
            np.concatenate(([0], np.cumsum(np.bincount(words, minlength=len(spelled)))))
        ),
        f"{name}/items": small(items[posting_at]),
        f"{name}/counts": small(counts),
        f"{name}/places": small(places),
        f"{name}/lengths": small(lengths),
    }


def merge_segments(
    path: Path, segments: Sequence[SegmentFile], deleted: Sequence[Collection[int]]
) -> list[Array]:
    """Write one segment of several, without what was deleted.

    :return: for each old segment the new number of each item, -1 where it was deleted
    """
    renumbered: list[Array] = []
    ids: list[bytes] = []
    for segment, gone in zip(segments, deleted, strict=True):
        keep = np.ones(segment.items, bool)
        keep[list(gone)] = False
        numbers = np.where(keep, np.cumsum(keep) - 1 + len(ids), -1)
        renumbered.append(numbers)
        ids += [segment.ids[number].encode() for number in np.flatnonzero(keep).tolist()]
    arrays: dict[str, Array] = {}
    arrays["ids"], arrays["id_ends"] = packed_strings(ids)
    for name in fields_in(segments, FIELDS):
        arrays |= _merged(name, segments, renumbered, len(ids))
    languages = sorted({language for segment in segments for language in segment.languages})
    write_segment(path, arrays, len(ids), languages)
    return renumbered


def _merged(
    name: str, segments: Sequence[SegmentFile], renumbered: Sequence[Array], total: int
) -> dict[str, Array]:
    fields = [segment.field(name) for segment in segments]
    spelled = [field.all_words() for field in fields]
    union = sorted(set().union(*spelled))
    number = {word: at for at, word in enumerate(union)}
    words, items, places = [], [], []
    lengths = np.zeros(total, np.int64)
    for field, known, numbers in zip(fields, spelled, renumbered, strict=True):
        if not known:
            continue
        lengths[numbers[numbers >= 0]] = field.lengths[numbers >= 0]
        rank = np.fromiter((number[word] for word in known), np.uint32, len(known))
        per_word: Array = np.diff(field.first.astype(np.int64))
        counts = field.counts.astype(np.int64)
        item = numbers[field.items]
        kept = np.repeat(item >= 0, counts)
        words.append(np.repeat(np.repeat(rank, per_word), counts)[kept])
        items.append(np.repeat(item, counts)[kept].astype(np.uint32))
        places.append(field.places.astype(np.uint32)[kept])
    every = np.concatenate(words)
    order = np.argsort(every, kind="stable")  # segments come in order, so items stay in order
    used = np.unique(every)
    if len(used) < len(union):
        union = [union[at] for at in used.tolist()]
        every = np.searchsorted(used, every).astype(np.uint32)
    return _arrays(
        name, union, every[order], np.concatenate(items)[order], np.concatenate(places)[order],
        lengths,
    )  # fmt: skip

"""Answering words from segments: which items, with what score.

Scores are BM25 (Robertson and Zaragoza 2009, with the idf of Lucene, which never is negative):
a sequence of words scores as the sum of its words, in the items where they stand in sequence;
several words that stand for one another (a prefix, related forms) score as one word.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from search.analysis import Slot, exact_slots, is_pair, is_unspaced, normalise, related_slots, words
from search.building import RELATED, TEXT_FIELDS
from search.segments import Array, FieldData, SegmentFile, ragged
from search.spelling import numbers_near
from search.tree import Fuzzy, Phrase, Prefix, Term, TextField, TextNode

K1: Final = 1.2  # how soon a word's repetition stops to count
B: Final = 0.75  # how much an item's length counts
WEIGHTS: Final = {"title": 2.0, "text": 1.0, "notes": 1.0}
# What an exact match adds when related forms are asked for, so that exact ranks first.
EXACT_BONUS: Final = 0.1
_NAMES: Final = {TextField.TITLE: "title", TextField.TEXT: "text", TextField.NOTE: "notes"}
_HIGH: Final = 32  # bits of a place's key below the item's number


@dataclass(frozen=True, slots=True)
class Wanted:
    """A leaf, made ready: the sequence of slots, and how the words may lie.

    `last` says what the last slot's word may be: itself, a beginning, or near in spelling.
    """

    slots: tuple[Slot, ...]
    fields: tuple[str, ...]
    prefix: bool = False
    distance: int = 0
    slop: int | None = None


@dataclass(frozen=True, slots=True)
class Postings:
    """Of one slot in one segment: items (rising), how often, and where (key = item, place)."""

    items: Array
    counts: Array
    field: FieldData
    ranges: tuple[tuple[int, int], ...]


def wanted(node: TextNode) -> Wanted | None:
    """Make a leaf ready; None where nothing of it is a word."""
    names: tuple[str, ...] = TEXT_FIELDS if node.field is None else (_NAMES[node.field],)
    if isinstance(node, Term | Phrase) and node.related:
        slots = related_slots(node.text)
        names = tuple(name + RELATED for name in names)
    elif isinstance(node, Fuzzy):
        whole = "".join(normalise(node.text))
        slots = [Slot(0, (whole,))] if whole else []
    else:
        slots = exact_slots(node.text)
    if not slots:
        return None
    last = words(node.text)[-1]
    return Wanted(
        tuple(slots),
        names,
        prefix=isinstance(node, Prefix) and not is_unspaced(last),
        distance=node.distance if isinstance(node, Fuzzy) else 0,
        slop=node.slop if isinstance(node, Phrase) and node.slop else None,
    )


class Matcher:
    """Answers leaves over a set of segments, without the items that were deleted."""

    def __init__(self, segments: Sequence[SegmentFile], live: Sequence[Array]) -> None:
        self.segments = segments
        self.live = live
        self.items = sum(segment.items for segment in segments)  # the deleted weigh in till merged

    @property
    def live_items(self) -> int:
        """How many items there are that were not deleted."""
        return sum(int(mask.sum()) for mask in self.live)

    def find(self, asked: Wanted) -> dict[str, float]:
        """Return the items in which a leaf's words stand, with their scores."""
        totals = [np.zeros(segment.items, np.float32) for segment in self.segments]
        fits = [np.zeros(segment.items, bool) for segment in self.segments]
        for name in asked.fields:
            weight = WEIGHTS[name.removesuffix(RELATED)]
            for at, (items, scores) in enumerate(self._in_field(asked, name)):
                if len(items):
                    totals[at][items] += scores * weight
                    fits[at][items] = True
        found: dict[str, float] = {}
        for segment, live, total, fit in zip(self.segments, self.live, totals, fits, strict=True):
            numbers = np.flatnonzero(fit & live)
            if len(numbers):
                ids = segment.ids
                found.update(
                    zip([ids[at] for at in numbers.tolist()], total[numbers].tolist(), strict=True)
                )
        return found

    def _in_field(self, asked: Wanted, name: str) -> list[tuple[Array, Array]]:
        """Return for each segment the items that fit, and their scores."""
        fields = [segment.field(name) for segment in self.segments]
        slots = [
            [_postings(field, asked, at) for at in range(len(asked.slots))] for field in fields
        ]
        idfs = [
            self._idf(sum(len(of_field[at].items) for of_field in slots))
            for at in range(len(asked.slots))
        ]
        length = sum(field.total_length for field in fields) / max(1, self.items)
        return [
            _scored(field, of_field, _where(asked, of_field), idfs, length)
            for field, of_field in zip(fields, slots, strict=True)
        ]

    def _idf(self, frequency: int) -> float:
        every = max(self.items, frequency)
        return math.log(1 + (every - frequency + 0.5) / (frequency + 0.5))


def _postings(field: FieldData, asked: Wanted, at: int) -> Postings:
    """Return where a slot's words stand in a field."""
    slot = asked.slots[at]
    ranges: Iterable[tuple[int, int]]
    if asked.distance:
        ranges = [(one, one + 1) for one in numbers_near(field, slot.words[0], asked.distance)]
    elif asked.prefix and at == len(asked.slots) - 1:
        ranges = [field.range_of(word) for word in slot.words]
    else:
        numbers = [field.number_of(word) for word in slot.words]
        ranges = [(one, one + 1) for one in numbers if one is not None]
    ranges = tuple((start, end) for start, end in ranges if start < end)
    if not ranges:
        nothing = np.zeros(0, np.uint32)
        return Postings(nothing, nothing, field, ())
    if len(ranges) == 1 and ranges[0][1] - ranges[0][0] == 1:
        start, end = (int(field.first[number]) for number in ranges[0])
        return Postings(field.items[start:end], field.counts[start:end], field, ranges)
    pieces = [slice(int(field.first[start]), int(field.first[end])) for start, end in ranges]
    items = np.concatenate([field.items[piece] for piece in pieces])
    counts = np.concatenate([field.counts[piece] for piece in pieces])
    summed = np.bincount(items, weights=counts)
    united = np.flatnonzero(summed)
    return Postings(united, summed[united], field, ranges)


def _keys(postings: Postings, among: Array | None) -> Array:
    """Return every occurrence as a rising number made of item and place.

    :param among: a mask of the items that matter; None for all
    """
    field = postings.field
    found = []
    for start, end in postings.ranges:
        piece = slice(int(field.first[start]), int(field.first[end]))
        items, counts = field.items[piece].astype(np.int64), field.counts[piece].astype(np.int64)
        begin = int(field.first_place[start])
        if among is None:
            places = field.places[begin : begin + int(counts.sum())]
        else:
            matter = among[items]
            offsets = begin + np.cumsum(counts) - counts
            items, counts = items[matter], counts[matter]
            places = field.places[ragged(offsets[matter], counts)]
        found.append((np.repeat(items, counts) << _HIGH) | places.astype(np.int64))
    if len(found) == 1 and postings.ranges[0][1] - postings.ranges[0][0] == 1:
        return found[0]
    return np.unique(np.concatenate(found))


def _where(asked: Wanted, slots: Sequence[Postings]) -> Array:
    """Return the items in which a field's words lie as asked."""
    if len(slots) == 1:
        return slots[0].items
    rarest = sorted(range(len(slots)), key=lambda at: len(slots[at].items))
    common = slots[rarest[0]].items
    for at in rarest[1:]:
        common = np.intersect1d(common, slots[at].items, assume_unique=True)
        if not len(common):
            return common
    among = np.zeros(max(int(postings.items.max()) for postings in slots) + 1, bool)
    among[common] = True
    keys = [_keys(postings, among) for postings in slots]
    if asked.slop is not None:
        return _near(asked.slots, keys, asked.slop)
    starts = keys[rarest[0]] - asked.slots[rarest[0]].offset
    for at in rarest[1:]:
        if not len(starts):
            break
        starts = starts[_contains(keys[at], starts + asked.slots[at].offset)]
    return np.unique(starts >> _HIGH)


def _contains(sorted_keys: Array, looked_for: Array) -> Array:
    at = np.searchsorted(sorted_keys, looked_for)
    at[at == len(sorted_keys)] = 0
    return sorted_keys[at] == looked_for if len(sorted_keys) else np.zeros(len(looked_for), bool)


def _near(slots: Sequence[Slot], keys: Sequence[Array], slop: int) -> Array:
    """Return the items where all words stand with at most `slop` others between, in any order.

    From each occurrence as the leftmost, the nearest of every other word to the right is taken.
    A word asked for twice must stand twice.
    """
    widths = [2 if len(slot.words[0]) == 2 and is_pair(slot.words[0]) else 1 for slot in slots]
    asked_for = slots[-1].offset + widths[-1]
    hits = []
    for left in range(len(slots)):
        begin = keys[left]
        furthest = begin + widths[left] - 1
        possible = np.ones(len(begin), bool)
        for other in range(len(slots)):
            if other == left:
                continue
            # The same word earlier in the query takes the nearer of its occurrences.
            same = sum(slots[at].words == slots[other].words for at in range(other))
            twin = slots[left].words == slots[other].words
            skip = same - (twin and left < other)
            at = np.searchsorted(keys[other], begin, side="right" if twin else "left") + skip
            possible &= at < len(keys[other])
            nearest = keys[other][np.minimum(at, len(keys[other]) - 1)]
            furthest = np.maximum(furthest, nearest + widths[other] - 1)
        between = furthest - begin + 1 - asked_for
        hits.append(begin[possible & (between <= slop) & (furthest >> _HIGH == begin >> _HIGH)])
    return np.unique(np.concatenate(hits) >> _HIGH)


def _scored(
    field: FieldData, slots: Sequence[Postings], items: Array, idfs: Sequence[float], mean: float
) -> tuple[Array, Array]:
    if not len(items):
        return items, np.zeros(0, np.float32)
    ratio = field.lengths[items] / max(mean, 1.0)
    spread = (K1 * (1 - B + B * ratio)).astype(np.float32)
    scores = np.zeros(len(items), np.float32)
    for postings, idf in zip(slots, idfs, strict=True):
        counts = postings.counts
        if len(slots) > 1:
            counts = counts[np.searchsorted(postings.items, items)]
        scores += idf * (K1 + 1) * counts / (counts + spread)
    return items, scores

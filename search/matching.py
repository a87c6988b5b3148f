"""Answering words from segments: which items, with what score.

Scores are BM25F (Robertson and Zaragoza 2009, 3.6, with the idf of Lucene, which never is
negative): a word's counts in title, text and notes are weighted and added before they saturate.
A sequence of words scores as the sum of its words, in the items where they stand in sequence;
several words that stand for one another (a prefix, related forms) score as one word.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from search.analysis import Slot, exact_slots, is_pair, is_unspaced, normalise, related_slots, words
from search.building import RELATED, TEXT_FIELDS
from search.segments import Array, FieldData, SegmentFile, distinct, ragged
from search.spelling import numbers_near
from search.tree import Fuzzy, Phrase, Prefix, Term, TextField, TextNode

K1: Final = 1.2  # how soon a word's repetition stops to count; docs/relevance.md measures it
B: Final = 0.75  # how much an item's length counts
WEIGHTS: Final = {"title": 3.0, "text": 1.0, "notes": 1.0}
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
        matched = [
            [_match(segment.field(name), name, asked) for name in asked.fields]
            for segment in self.segments
        ]
        idfs = [
            self._idf(sum(_frequency(fields, at) for fields in matched))
            for at in range(len(asked.slots))
        ]
        means = {name: self._mean_length(name) for name in asked.fields}
        found: dict[str, float] = {}
        for segment, live, fields in zip(self.segments, self.live, matched, strict=True):
            numbers, scores = _scored([one for one in fields if len(one.items)], idfs, means)
            kept = live[numbers]
            ids = segment.ids
            found.update(
                zip([ids[at] for at in numbers[kept].tolist()], scores[kept].tolist(), strict=True)
            )
        return found

    def _mean_length(self, name: str) -> float:
        """Return the mean length of a field, among the items that have it."""
        fields = [segment.field(name) for segment in self.segments]
        having = sum(field.items_having for field in fields)
        return sum(field.total_length for field in fields) / max(1, having)

    def _idf(self, frequency: int) -> float:
        every = max(self.items, frequency)
        return math.log(1 + (every - frequency + 0.5) / (frequency + 0.5))


@dataclass(frozen=True, slots=True)
class _Match:
    """What a leaf finds in one field of one segment: the items, and each slot's postings."""

    name: str
    field: FieldData
    items: Array
    slots: tuple[Postings, ...]


def _match(field: FieldData, name: str, asked: Wanted) -> _Match:
    slots = tuple(_postings(field, asked, at) for at in range(len(asked.slots)))
    return _Match(name, field, _where(asked, slots), slots)


def _frequency(fields: Sequence[_Match], at: int) -> int:
    """Return in how many items a slot's words stand, in any field."""
    found = [one.slots[at].items for one in fields if len(one.slots[at].items)]
    if len(found) < 2:
        return sum(len(items) for items in found)
    standing = np.zeros(max(int(items[-1]) for items in found) + 1, bool)
    for items in found:
        standing[items] = True
    return int(np.count_nonzero(standing))


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
    return distinct(np.concatenate(found))


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
    return distinct(starts >> _HIGH)


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
    return distinct(np.concatenate(hits) >> _HIGH)


def _scored(
    fields: Sequence[_Match], idfs: Sequence[float], means: Mapping[str, float]
) -> tuple[Array, Array]:
    """Return the items found in any field (rising), and their scores."""
    if not fields:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    numbers = fields[0].items if len(fields) == 1 else _united([one.items for one in fields])
    scores = np.zeros(len(numbers), np.float32)
    for at, idf in enumerate(idfs):
        weighted = np.zeros(len(numbers), np.float32)
        for one in fields:
            counts = one.slots[at].counts
            if len(one.slots) > 1:
                counts = counts[np.searchsorted(one.slots[at].items, one.items)]
            spread = 1 - B + B * one.field.lengths[one.items] / max(means[one.name], 1.0)
            share = WEIGHTS[one.name.removesuffix(RELATED)] * counts / spread
            weighted[np.searchsorted(numbers, one.items)] += share
        scores += idf * (K1 + 1) * weighted / (weighted + K1)
    return numbers, scores


def _united(found: Sequence[Array]) -> Array:
    return distinct(np.concatenate(found))

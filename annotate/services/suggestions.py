"""Pairs of items that may be the same, for a person to judge; never judged by themselves.

A pair leaves the list when anybody has said "same", "not the same" or "unsure" of it, and comes
back when that is taken back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.models import Project, SameItemJudgement
from annotate.services.held_labels import Labels
from annotate.services.label_index import labels_of
from annotate.services.similar import IMAGE_BITS, Looks, Sign, looks_of
from archive.variants import variant_key
from search.likeness import alike, close_pairs, paired

LEAST: Final = 0.8  # share of word sequences from which two items are proposed
_FURNITURE: Final = 6  # items with one picture, from which on it belongs to the site
_QUARTER: Final = 0xFFFF  # two hashes at most 3 bits apart have one of four quarters in common


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two items that may be the same; `item_id` came later, and would count for `other_id`."""

    item_id: str
    other_id: str
    share: float
    """Of word sequences in common, from 0 to 1; 0 where that is not what speaks for it."""
    signs: tuple[Sign, ...]


def suggestions(session: Session, project: Project) -> list[Suggestion]:
    """Return the pairs nobody has judged yet, the likeliest first."""
    labels = labels_of(session, project.id)
    looks = looks_of(session, project.id, labels)
    held: dict[int, tuple[Looks, list[Suggestion]]]
    held = labels.once("suggestions", dict, of=("captures", "items"))
    known = held.get(id(looks))
    if known is None:
        known = (looks, _proposed(labels, looks))  # with the looks, so that no other has their id
        held.clear()
        held[id(looks)] = known
    every = known[1]
    judged = _judged(session, project.id)
    root = labels.same
    return [
        one
        for one in every
        if frozenset((one.item_id, one.other_id)) not in judged
        and root.get(one.item_id, one.item_id) != root.get(one.other_id, one.other_id)
    ]


def _proposed(labels: Labels, looks: Looks) -> list[Suggestion]:
    signs: dict[tuple[str, str], list[Sign]] = defaultdict(list)
    share: dict[tuple[str, str], float] = {}
    for pair in _same_addresses(labels):
        signs[pair].append(Sign.ADDRESS)
    for first, second, common in close_pairs(looks.sketches, LEAST):
        pair = (looks.ids[first], looks.ids[second])
        signs[pair].append(Sign.TEXT)
        share[pair] = common
    for pair in _same_images(looks):
        signs[pair].append(Sign.IMAGE)
    found = [
        Suggestion(later, earlier, share.get((earlier, later), 0.0), tuple(held))
        for (earlier, later), held in signs.items()
    ]
    return sorted(found, key=lambda one: (-len(one.signs), -one.share, one.item_id, one.other_id))


def _same_addresses(labels: Labels) -> Iterator[tuple[str, str]]:
    held: dict[str, list[str]] = defaultdict(list)
    for item_id in sorted(labels.items):
        held[variant_key(labels.items[item_id].address)].append(item_id)
    return _pairs(held.values())


def _same_images(looks: Looks) -> Iterator[tuple[str, str]]:
    """Yield items whose largest picture looks the same, unless it is one of the site's own."""
    numbers = looks.images.tolist()
    pictured = np.flatnonzero(looks.images)
    seen: set[tuple[int, int]] = set()
    for quarter in range(4):
        part = looks.images[pictured] >> np.uint64(16 * quarter) & np.uint64(_QUARTER)
        for rows in alike([part], pictured):
            for first, second in paired(rows):
                if (numbers[first] ^ numbers[second]).bit_count() <= IMAGE_BITS - 1:
                    seen.add((first, second))
    shared: dict[int, int] = defaultdict(int)
    for first, second in seen:
        shared[first] += 1
        shared[second] += 1
    for first, second in sorted(seen):
        if max(shared[first], shared[second]) < _FURNITURE:
            yield looks.ids[first], looks.ids[second]


def _pairs(groups: Iterable[list[str]]) -> Iterator[tuple[str, str]]:
    for group in groups:
        for at in paired(range(len(group))):
            yield group[at[0]], group[at[1]]


def _judged(session: Session, project_id: str) -> set[frozenset[str]]:
    query = select(SameItemJudgement.item_id, SameItemJudgement.same_as_id).where(
        SameItemJudgement.project_id == project_id, SameItemJudgement.undone_at.is_(None)
    )
    # That somebody judged a pair is seen by its absence; what they said of it is not.
    rows = session.execute(query, execution_options=events.UNNARROWED)
    return {frozenset((one, other)) for one, other in rows}

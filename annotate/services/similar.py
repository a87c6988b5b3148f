"""Items that look alike: nearly the same words, the same main picture, the same screenshot.

Read from likenesses, which are worked out at leisure (jobs/likening.py); an item that was captured
a moment ago may not have one yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate.models import Capture, Item, Likeness, Rendition
from annotate.services.counting import SEEN
from annotate.services.held_labels import Labels
from search.likeness import LIKENESS_VERSION, shares, stacked

LEAST: Final = 0.5  # share of word sequences from which texts are called similar
IMAGE_BITS: Final = 4  # of 64, up to which two pictures are called the same
SCREEN_BITS: Final = 2  # stricter: pages of one site resemble each other
_SCREEN_SHARE: Final = 0.2  # and only with so much of the words in common
_FURNITURE: Final = 20  # items with one picture, from which on it belongs to the site


class Sign(StrEnum):
    """What speaks for two items being alike, in the words a person reads."""

    TEXT = "the text is nearly the same"
    IMAGE = "the largest picture looks the same"
    SCREENSHOT = "the screenshots look the same"
    ADDRESS = "the addresses differ only in how one came to the page"


@dataclass(frozen=True, slots=True)
class Alike:
    """An item that looks like another; `share` of words in common, from 0 to 1."""

    item_id: str
    share: float
    signs: tuple[Sign, ...]


@dataclass(frozen=True, slots=True)
class Looks:
    """What the shown captures of a project's items look like, by row."""

    ids: tuple[str, ...]
    rows: dict[str, int]
    sketches: Any
    images: Any  # u64, 0 where there is none
    screens: Any


def outdated(session: Session, most: int) -> list[str]:
    """Return captures whose likeness is not worked out, or was by an earlier version."""
    query = (
        select(Capture.id)
        .join(Rendition, Rendition.capture_id == Capture.id)
        .outerjoin(Likeness, Likeness.capture_id == Capture.id)
        .where(
            Capture.outcome.in_(SEEN),
            Likeness.capture_id.is_(None)
            | (Likeness.version != LIKENESS_VERSION)
            | (Likeness.text_sha256 != Rendition.sha256),
        )
        .order_by(Capture.id.desc())
        .limit(most)
    )
    return list(session.scalars(query))


def looks_of(session: Session, project_id: str, labels: Labels) -> Looks:
    """Return what the project's items look like, read once for as long as none is added."""
    count = select(func.count()).select_from(Likeness).where(Likeness.project_id == project_id)
    known = session.scalar(count) or 0
    held: dict[int, Looks] = labels.once("looks", dict, of=("captures", "items"))
    looks = held.get(known)
    if looks is None:
        looks = _read(session, project_id)
        held.clear()  # one of them is enough: it is megabytes
        held[known] = looks
    return looks


def similar_to(session: Session, labels: Labels, item: Item) -> list[Alike]:
    """Return the items that look like one, the most alike first; none judged the same as it."""
    looks = looks_of(session, item.project_id, labels)
    row = looks.rows.get(item.id)
    if row is None:
        return []
    share = shares(looks.sketches[row], looks.sketches)
    images = same_picture(looks.images, row, IMAGE_BITS)
    if images.sum() > _FURNITURE:
        images[:] = False
    screens = same_picture(looks.screens, row, SCREEN_BITS) & (share >= _SCREEN_SHARE)
    own = labels.same.get(item.id, item.id)
    found = []
    for at in np.flatnonzero((share >= LEAST) | images | screens).tolist():
        other = looks.ids[at]
        if labels.same.get(other, other) == own:
            continue
        signs = (
            (Sign.TEXT, share[at] >= LEAST),
            (Sign.IMAGE, images[at]),
            (Sign.SCREENSHOT, screens[at]),
        )
        found.append(Alike(other, float(share[at]), tuple(sign for sign, holds in signs if holds)))
    return sorted(found, key=lambda one: (-one.share, -len(one.signs), one.item_id))


def same_picture(hashes: Any, row: int, bits: int) -> Any:
    """Return which pictures look like that of a row."""
    if not hashes[row]:
        return np.zeros(len(hashes), bool)
    return (hashes != 0) & (np.bitwise_count(hashes ^ hashes[row]) <= bits)


def _read(session: Session, project_id: str) -> Looks:
    query = (
        select(Item.id, Likeness.words, Likeness.image, Likeness.screenshot)
        .join(Likeness, Likeness.capture_id == Item.latest_capture_id)
        .where(Item.project_id == project_id)
        .order_by(Item.id)
    )
    rows = session.execute(query).all()
    return Looks(
        ids=tuple(row[0] for row in rows),
        rows={row[0]: at for at, row in enumerate(rows)},
        sketches=stacked([row[1] for row in rows]),
        images=_numbers([row[2] for row in rows]),
        screens=_numbers([row[3] for row in rows]),
    )


def _numbers(hashes: Sequence[str | None]) -> Any:
    return np.array([int(one, 16) if one else 0 for one in hashes], np.uint64)

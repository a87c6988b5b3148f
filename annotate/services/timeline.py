"""What happened to one address over time: its captures, and what later visits saw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import NotFoundError
from annotate.models import Capture, Item, Observation, Rendition, User
from annotate.services import observations
from annotate.services.compare import Comparison, compare


@dataclass(frozen=True, slots=True)
class Moment:
    """One visit: a capture, what was seen, or both."""

    at: datetime
    capture: Capture | None
    by: str
    """Who captured, as shown; empty where nobody here did."""
    seen: Observation | None
    before: Capture | None
    """The capture with words that came before this one, to compare with."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Two captures of one item and the difference of their texts."""

    old: Capture
    new: Capture
    difference: Comparison
    engines_differ: bool
    """Two engines read a page differently: then not every difference is the page's."""


def captures_of(session: Session, item: Item) -> list[tuple[Capture, str]]:
    """Return an item's captures and who made each, the newest first."""
    query = (
        select(Capture, User.display_name)
        .outerjoin(User, User.id == Capture.operator_id)
        .where(Capture.item_id == item.id)
        .order_by(Capture.captured_at.desc(), Capture.id.desc())
    )
    return [(capture, name or "") for capture, name in session.execute(query)]


def of_item(session: Session, item: Item) -> list[Moment]:
    """Return an item's visits, the newest first."""
    captures = captures_of(session, item)
    seen = observations.of_item(session, item.id)
    by_capture = {one.capture_id: one for one in seen if one.capture_id is not None}
    moments = []
    for number, (capture, by) in enumerate(captures):
        earlier = captures[number + 1 :]
        before = next((one for one, _by in earlier if one.outcome.value != "failed"), None)
        moments.append(Moment(capture.captured_at, capture, by, by_capture.get(capture.id), before))
    moments += [Moment(one.seen_at, None, "", one, None) for one in seen if one.capture_id is None]
    return sorted(moments, key=lambda moment: moment.at, reverse=True)


def compare_captures(session: Session, item: Item, old_id: str, new_id: str) -> Compared:
    """Compare the texts of two captures of an item.

    :raises NotFoundError: one is no capture of this item
    """
    old, new = (session.get(Capture, one) for one in (old_id, new_id))
    if old is None or new is None or {old.item_id, new.item_id} != {item.id}:
        raise NotFoundError("Choose two captures of this item.")
    texts = [session.get(Rendition, one.id) for one in (old, new)]
    difference = compare(*(one.text if one is not None else "" for one in texts))
    return Compared(old, new, difference, old.engine != new.engine)

"""Sweeps: passes of looking for items, and which items each of them found (decisions 13)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, tzinfo
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NameTakenError, NotFoundError, UsageError
from annotate.events import Actor
from annotate.models import Capture, EventKind, Item, Project, Sweep, SweepItem, SweepKind
from annotate.services.counting import Cell, Why, quoted
from annotate.services.fields import fields_of
from annotate.services.label_index import labels_of
from annotate.services.reasons import whys_of
from annotate.services.registry import keeping
from annotate.services.registry.entries import clean

FOUND_BY: Final = "found_by"  # the field in which lists name sweeps
NO_SWEEP_LABEL: Final = "no sweep is named"
_BATCH: Final = 500
_LONGEST: Final = {"name": 200, "platform": 120, "identity": 200}


@dataclass(frozen=True, slots=True)
class SweepSpec:
    """A sweep as somebody writes it down."""

    name: str
    kind: SweepKind = SweepKind.OTHER
    platform: str = ""
    query: str = ""
    """The words that were searched, or the profile that was read."""
    identity: str = ""
    """As whom: the account signed in with, or none."""
    began_at: datetime | None = None
    ended_at: datetime | None = None
    seen: int | None = None
    """How many posts were looked at."""
    taken: int | None = None
    """How many of them were taken, as it was noted then."""
    stopped: str = ""
    """Why the pass ended: nothing more came, a limit, an hour."""
    note: str = ""
    capture_id: str | None = None
    """A capture that shows what was searched."""


@dataclass(frozen=True, slots=True)
class Found:
    """One row of the funnel's beginning: what a sweep saw, what of it is here, what counts."""

    sweep_id: str | None
    name: str
    seen: int | None
    taken: int | None
    items: Cell
    counted: Cell


def create(session: Session, actor: Actor, project: Project, spec: SweepSpec) -> Sweep:
    """Write a sweep down.

    :raises UsageError: it has no name, or its numbers or times do not fit each other
    :raises NameTakenError: the project has a sweep of that name
    :raises NotFoundError: the project has no such capture
    """
    row = Sweep(
        project_id=project.id, made_by=actor.user_id, **_checked(session, project, spec, None)
    )
    keeping.add(session, actor, project, row, EventKind.SWEEP_CREATE)
    session.flush()
    return row


def change(
    session: Session,
    actor: Actor,
    project: Project,
    row: Sweep,
    spec: SweepSpec,
    *,
    seen: int,
    reason: str = "",
) -> None:
    """Give a sweep other words and numbers.

    :raises StaleSaveError: somebody saved in between
    :raises UsageError: it has no name, or its numbers or times do not fit each other
    :raises NameTakenError: the project has another sweep of that name
    """
    values = _checked(session, project, spec, row.id)
    keeping.change(session, actor, project, row, values, seen=seen, reason=reason)


def add_items(
    session: Session, actor: Actor, project: Project, sweep: Sweep, item_ids: Iterable[str]
) -> int:
    """Say that a sweep found items; return how many it was not known of yet."""
    added = 0
    for batch, items, held in _batches(session, project, sweep, item_ids):
        for item_id in batch:
            if item_id in items and item_id not in held:
                row = SweepItem(sweep_id=sweep.id, item_id=item_id, added_by=actor.user_id)
                session.add(row)
                _record(session, EventKind.SWEEP_FIND, actor, project, sweep, items[item_id], row)
                added += 1
        session.flush()
    return added


def take_off(
    session: Session, actor: Actor, project: Project, sweep: Sweep, item_ids: Iterable[str]
) -> int:
    """Take back that a sweep found items; return of how many it was said."""
    taken = 0
    for batch, items, held in _batches(session, project, sweep, item_ids):
        for item_id in batch:
            row = held.get(item_id)
            if row is not None:
                session.delete(row)
                kind = EventKind.SWEEP_UNFIND
                _record(session, kind, actor, project, sweep, items[item_id], row)
                taken += 1
        session.flush()
    return taken


def sweeps_of(session: Session, project_id: str, *, standing: bool = True) -> list[Sweep]:
    """Return the project's sweeps by name; with `standing` none that was taken back."""
    query = select(Sweep).where(Sweep.project_id == project_id)
    if standing:
        query = query.where(Sweep.withdrawn_at.is_(None))
    return list(session.scalars(query.order_by(Sweep.name, Sweep.id)))


def named_in_lists(session: Session, project: Project) -> list[tuple[str, int]]:
    """Return what lists name as the way items were found and no sweep is called, with how many."""
    labels = labels_of(session, project.id)
    field = next((one for one in fields_of(session, project.id) if one.key == FOUND_BY), None)
    if field is None:
        return []
    known = set(labels.sweep_names.values())
    held = labels.valued(field.id)
    return sorted((name, len(ids)) for name, ids in held.items() if name not in known)


def record_from_list(session: Session, actor: Actor, project: Project, name: str) -> Sweep:
    """Make a sweep of what a list names, with the items that are said to come from it.

    :raises NotFoundError: no list names it
    """
    field = next((one for one in fields_of(session, project.id) if one.key == FOUND_BY), None)
    held = labels_of(session, project.id).valued(field.id) if field is not None else {}
    if name not in held:
        raise NotFoundError("No list of this project names such a sweep.")
    note = "Named in a list of addresses; what else was noted of it is to be added."
    sweep = create(session, actor, project, SweepSpec(name, note=note))
    add_items(session, actor, project, sweep, sorted(held[name]))
    return sweep


def funnel(session: Session, project: Project, zone: tzinfo) -> tuple[Found, ...]:
    """Return where the items came from, each number with the search that lists it."""
    labels = labels_of(session, project.id)
    fields_here = fields_of(session, project.id)
    whys = whys_of(labels, project, fields_here, zone)
    same = labels.same
    by_sweep: dict[str, set[str]] = {}
    for item_id, held in labels.sweeps.items():
        for sweep_id in held:
            by_sweep.setdefault(sweep_id, set()).add(same.get(item_id, item_id))
    rows = [
        _found(
            sweep.id,
            labels.sweep_names[sweep.id],
            sweep.seen,
            sweep.taken,
            by_sweep.get(sweep.id, set()),
            whys,
        )
        for sweep in sweeps_of(session, project.id)
        if sweep.id in labels.sweep_names
    ]
    named = set().union(*(by_sweep.get(one.sweep_id or "", set()) for one in rows))
    rest = {one for one in labels.items if one not in same} - named
    return (*rows, _found(None, NO_SWEEP_LABEL, None, None, rest, whys, "sweep:none"))


def _found(
    sweep_id: str | None,
    name: str,
    seen: int | None,
    taken: int | None,
    ids: set[str],
    whys: Any,
    query: str = "",
) -> Found:
    clause = query or quoted("sweep", name)
    counted = Counter(whys[one] for one in ids)[Why.COUNTED]
    return Found(
        sweep_id,
        name,
        seen,
        taken,
        Cell("items", len(ids), clause),
        Cell("counted", counted, f"is:counted {clause}"),
    )


def _batches(
    session: Session, project: Project, sweep: Sweep, item_ids: Iterable[str]
) -> Iterable[tuple[Sequence[str], dict[str, Item], dict[str, SweepItem]]]:
    distinct = list(dict.fromkeys(item_ids))
    for start in range(0, len(distinct), _BATCH):
        batch = distinct[start : start + _BATCH]
        here = select(Item).where(Item.id.in_(batch), Item.project_id == project.id)
        on = select(SweepItem).where(SweepItem.sweep_id == sweep.id, SweepItem.item_id.in_(batch))
        yield (
            batch,
            {item.id: item for item in session.scalars(here)},
            {one.item_id: one for one in session.scalars(on)},
        )


def _record(
    session: Session,
    kind: EventKind,
    actor: Actor,
    project: Project,
    sweep: Sweep,
    item: Item,
    row: SweepItem,
) -> None:
    events.record(
        session,
        kind,
        actor=actor,
        covers=[row],
        project_id=project.id,
        item=item,
        operation_id=sweep.id,
        body={"sweep": sweep.id, "name": sweep.name},
    )


def _checked(
    session: Session, project: Project, spec: SweepSpec, own_id: str | None
) -> dict[str, Any]:
    values = {one.name: getattr(spec, one.name) for one in fields(spec)}
    for name in ("name", "platform", "query", "identity", "stopped"):
        values[name] = clean(values[name])
        if len(values[name]) > _LONGEST.get(name, 4000):
            raise UsageError(f"The {name} is too long. Nothing was saved.")
    values["note"] = spec.note.strip()
    if not values["name"] or '"' in values["name"]:
        raise UsageError('A sweep has a name, without ". Nothing was saved.')
    if values["name"] in {"none", "*", NO_SWEEP_LABEL}:
        raise UsageError("Searches use this word for something else; choose another name.")
    taken = select(Sweep.id).where(
        Sweep.project_id == project.id,
        Sweep.name == values["name"],
        Sweep.withdrawn_at.is_(None),
        Sweep.id != (own_id or ""),
    )
    if session.scalar(taken):
        raise NameTakenError(f"This project has a sweep {values['name']!r} already.")
    if any(number is not None and number < 0 for number in (spec.seen, spec.taken)):
        raise UsageError("Nobody sees or takes fewer than no posts. Nothing was saved.")
    if spec.seen is not None and spec.taken is not None and spec.taken > spec.seen:
        raise UsageError("More were taken than were seen. Nothing was saved.")
    if spec.began_at and spec.ended_at and spec.ended_at < spec.began_at:
        raise UsageError("The sweep ended before it began. Nothing was saved.")
    if spec.capture_id:
        capture = session.get(Capture, spec.capture_id)
        if capture is None or capture.project_id != project.id:
            raise NotFoundError("This project has no such capture. Nothing was saved.")
    else:
        values["capture_id"] = None
    return values

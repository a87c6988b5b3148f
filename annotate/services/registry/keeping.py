"""Rows that people keep: each change with what stood before, a version, and a way back.

Entries, names, handles, assertions, relations and sweeps all change through here, so that every
change has its event, a stale save is refused with both values, and any change can be undone from
the history while nothing newer stands on it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, StaleSaveError, UsageError
from annotate.events import Actor
from annotate.models import (
    Assertion,
    Base,
    EntryTrace,
    Event,
    EventKind,
    HandleUse,
    Item,
    KeptRow,
    Project,
    RegistryEntry,
    RegistryName,
    Relation,
    RelationType,
    Sweep,
    User,
)
from annotate.permissions import Act
from annotate.services.live import Happening, happening
from archive.clock import isoformat, utc_now

Kept = TypeVar("Kept", bound=KeptRow)
WITHDRAWN: Final = "withdrawn"
_BESIDE: Final = frozenset(
    {"id", "project_id", "made_by", "made_at", "changed_by", "row_version", "withdrawn_at",
     "merged_into_id"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Shape:
    row: type[Any]
    change: EventKind


_SHAPES: Final[Mapping[str, _Shape]] = {
    "registry_entry": _Shape(RegistryEntry, EventKind.ENTRY_CHANGE),
    "registry_name": _Shape(RegistryName, EventKind.NAME_CHANGE),
    "handle_use": _Shape(HandleUse, EventKind.HANDLE_CHANGE),
    "assertion": _Shape(Assertion, EventKind.ASSERTION_CHANGE),
    "relation": _Shape(Relation, EventKind.RELATION_CHANGE),
    "relation_type": _Shape(RelationType, EventKind.RELATION_TYPE_CHANGE),
    "sweep": _Shape(Sweep, EventKind.SWEEP_CHANGE),
}


def act_of(row: KeptRow) -> Act:
    """Return what somebody must be allowed to do to take a row back, or a change of it."""
    if isinstance(row, RelationType):
        return Act.CHANGE_PROJECT
    return Act.SWEEP if isinstance(row, Sweep) else Act.REGISTER


def as_json(value: Any) -> Any:
    """Return a column's value as JSON."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return isoformat(value)
    return value.isoformat() if isinstance(value, date) else value


def document(row: KeptRow) -> dict[str, Any]:
    """Return what a row says, as JSON values."""
    columns = [one.key for one in inspect(type(row)).column_attrs if one.key not in _BESIDE]
    said = {name: as_json(getattr(row, name)) for name in columns}
    return said | {WITHDRAWN: row.withdrawn_at is not None}


def add(
    session: Session,
    actor: Actor,
    project: Project,
    row: KeptRow,
    kind: EventKind,
) -> Event:
    """Keep a new row; it stands in the history of the entries and the item it is about."""
    session.add(row)
    said = {key: value for key, value in document(row).items() if value not in (None, "", False)}
    return _record(session, actor, project, row, kind, None, said, "")


def change(
    session: Session,
    actor: Actor,
    project: Project,
    row: KeptRow,
    values: Mapping[str, Any],
    *,
    seen: int,
    reason: str = "",
) -> bool:
    """Give a row other values; return whether anything was different.

    :param values: by column; `withdrawn` takes the row back (true) or puts it back (false)
    :param seen: the row version the writer began from
    :raises StaleSaveError: somebody saved in between; carries both
    """
    said = document(row)
    wanted = {key: as_json(value) for key, value in values.items()}
    different = {key: value for key, value in wanted.items() if said[key] != value}
    if row.row_version != seen:
        newer = different or wanted
        raise StaleSaveError(
            "This was changed while you were writing. Nothing of yours was saved yet.",
            theirs=_shown({key: said[key] for key in newer}),
            yours=_shown(newer),
            version=row.row_version,
            saved_by=_name(session, row.changed_by or row.made_by),
        )
    if not different:
        return False
    for key in different:
        if key == WITHDRAWN:
            row.withdrawn_at = utc_now() if values[key] else None
        else:
            setattr(row, key, values[key])
    row.row_version += 1
    row.changed_by = actor.user_id
    before = {key: said[key] for key in different}
    kind = _SHAPES[_table(row)].change
    _record(session, actor, project, row, kind, before, different, reason)
    session.flush()
    return True


def undo(session: Session, actor: Actor, project: Project, event_id: int) -> KeptRow:
    """Take one change back: what it made is withdrawn, what it changed is as before.

    :raises NotFoundError: the project has no such change, or it is no change of this kind
    :raises StaleSaveError: somebody has changed the same since; carries both
    """
    event = session.get(Event, event_id)
    if event is None or event.ledger != project.id:
        raise NotFoundError("This project has no such change.")
    held = _change_of(session, event)
    if held is None:
        raise NotFoundError("This change cannot be taken back here.")
    row, before, after = held
    now = document(row)
    if any(now[one] != value for one, value in after.items()):
        raise StaleSaveError(
            "This was changed again since. Take the later change back first.",
            theirs=_shown({one: now[one] for one in after}),
            yours=_shown(before),
            version=row.row_version,
            saved_by=_name(session, row.changed_by or row.made_by),
        )
    change(
        session,
        actor,
        project,
        row,
        {one: _typed(row, one, value) for one, value in before.items()},
        seen=row.row_version,
        reason=f"taken back: {event.n}",
    )
    return _kept(row)


def stands(session: Session, event: Event) -> bool:
    """Tell whether what an event changed is still as it left it, so that `undo` takes it back."""
    held = _change_of(session, event)
    if held is None:
        return False
    row, _before, after = held
    now = document(row)
    return all(now[one] == value for one, value in after.items())


def _change_of(
    session: Session, event: Event
) -> tuple[KeptRow, dict[str, Any], dict[str, Any]] | None:
    """Return the row an event changed, and its values before and after; None if it is no such."""
    said = json.loads(event.document)
    table, _, key = (said["subject"] or [":"])[0].partition(":")
    row = session.get(_SHAPES[table].row, key) if table in _SHAPES else None
    if row is None or not isinstance(said["after"], dict):
        return None
    if isinstance(said["before"], dict):
        return row, said["before"], said["after"]
    return row, {WITHDRAWN: True}, {WITHDRAWN: False}


def history(session: Session, entry_ids: Sequence[str]) -> list[Happening]:
    """Return everything that was done to entries, newest first."""
    query = (
        select(Event, User.display_name)
        .join(EntryTrace, EntryTrace.event_id == Event.id)
        .outerjoin(User, User.pseudonym == Event.actor)
        .where(EntryTrace.entry_id.in_(entry_ids))
        .order_by(Event.id.desc())
        .distinct()
    )
    return [happening(event, name) for event, name in session.execute(query)]


def history_of_sweep(session: Session, sweep_id: str) -> list[Happening]:
    """Return what was written of a sweep, newest first; what it found stands with the items."""
    query = (
        select(Event, User.display_name)
        .outerjoin(User, User.pseudonym == Event.actor)
        .where(
            Event.operation_id == sweep_id,
            Event.kind.in_((EventKind.SWEEP_CREATE, EventKind.SWEEP_CHANGE)),
        )
        .order_by(Event.id.desc())
    )
    return [happening(event, name) for event, name in session.execute(query)]


def get(session: Session, project: Project, kind: type[Kept], row_id: str, words: str) -> Kept:
    """Return a row of the project.

    :param words: what it is called, as in "assertion"
    :raises NotFoundError: there is none of that id
    """
    row = session.get(kind, row_id)
    if row is None or row.project_id != project.id:
        raise NotFoundError(f"This project has no such {words}.")
    return row


def find(session: Session, project: Project, table: str, row_id: str) -> KeptRow:
    """Return a row of the project by the name of its table.

    :raises NotFoundError: there is no such table here, or no such row
    """
    if table not in _SHAPES:
        raise NotFoundError("There is no such kind of row here.")
    return _kept(get(session, project, _SHAPES[table].row, row_id, table.replace("_", " ")))


def withdraw(
    session: Session,
    actor: Actor,
    project: Project,
    row: KeptRow,
    *,
    back: bool,
    seen: int,
    reason: str = "",
) -> None:
    """Take a row back, or put it back; nothing is deleted.

    :raises StaleSaveError: somebody saved in between
    """
    change(session, actor, project, row, {WITHDRAWN: not back}, seen=seen, reason=reason)


def in_order(valid_from: date | None, valid_to: date | None) -> None:
    """Let a stretch of days pass.

    :raises UsageError: it ends before it begins
    """
    if valid_from is not None and valid_to is not None and valid_to < valid_from:
        raise UsageError("The last day lies before the first. Nothing was saved.")


def _record(
    session: Session,
    actor: Actor,
    project: Project,
    row: KeptRow,
    kind: EventKind,
    before: Any,
    after: Any,
    reason: str,
) -> Event:
    entries, item_id = _place(row)
    event = events.record(
        session,
        kind,
        actor=actor,
        covers=[_base(row)],
        project_id=project.id,
        item=session.get(Item, item_id) if item_id is not None else None,
        body={"entries": entries} if entries else {},
        before=before,
        after=after,
        reason=reason,
        # A sweep is one operation: what was written of it and what it found belong together.
        operation_id=row.id if isinstance(row, Sweep) else None,
    )
    session.add_all(EntryTrace(entry_id=entry_id, event=event) for entry_id in entries)
    return event


def _place(row: KeptRow) -> tuple[list[str], str | None]:
    """Return the entries in whose history a row stands, and the item, if there is one."""
    if isinstance(row, RegistryEntry):
        return [row.id], None
    if isinstance(row, Relation):
        ends = (row.subject_entry_id, row.object_entry_id)
        entries = [one for one in ends if one is not None]
        return entries, row.subject_item_id or row.object_item_id or row.evidence_item_id
    if isinstance(row, Assertion | RegistryName | HandleUse):
        return [row.entry_id], row.evidence_item_id
    return [], None


def _shown(values: Mapping[str, Any]) -> str:
    return "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in values.items())


def _typed(row: KeptRow, name: str, value: Any) -> Any:
    """Bring a value of an event's document back to what its column takes."""
    if name == WITHDRAWN or value is None:
        return value
    kind = inspect(type(row)).columns[name].type.python_type
    if issubclass(kind, datetime):
        return datetime.fromisoformat(value)
    if issubclass(kind, date):
        return date.fromisoformat(value)
    return kind(value)


def _name(session: Session, user_id: str) -> str:
    user = session.get(User, user_id)
    return user.display_name if user is not None else ""


def _table(row: KeptRow) -> str:
    return str(_base(row).__tablename__)


def _base(row: KeptRow) -> Base:
    if not isinstance(row, Base):
        raise TypeError(row)
    return row


def _kept(row: object) -> KeptRow:
    if not isinstance(row, KeptRow):
        raise TypeError(row)
    return row

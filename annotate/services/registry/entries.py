"""Entries of the registry: accounts, entities and works, with their names and handles."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from annotate.errors import NameTakenError, UsageError
from annotate.events import Actor
from annotate.models import (
    EntryKind,
    EventKind,
    HandleUse,
    NameKind,
    Project,
    RegistryEntry,
    RegistryName,
)
from annotate.services.folding import fold
from annotate.services.registry import keeping
from annotate.services.registry.evidence import Evidence

LONGEST_NAME: Final = 300
EDITABLE: Final = ("label", "category", "platform", "handle", "address", "description")


@dataclass(frozen=True, slots=True)
class EntrySpec:
    """An entry about to be made."""

    kind: EntryKind
    label: str = ""
    category: str = ""
    platform: str = ""
    handle: str = ""
    address: str = ""
    description: str = ""


def create(
    session: Session,
    actor: Actor,
    project: Project,
    spec: EntrySpec,
    evidence: Evidence | None = None,
) -> RegistryEntry:
    """Make an entry. An account may go without a label: then its handle is its name.

    :raises UsageError: it has no name, or a column is too long
    :raises NameTakenError: the platform has an account of that handle already
    """
    if spec.kind is EntryKind.ACCOUNT:
        _refuse_taken(session, project, clean(spec.platform), clean(spec.handle), None)
    entry = write(session, actor, project, spec, evidence)
    session.flush()
    return entry


def write(
    session: Session,
    actor: Actor,
    project: Project,
    spec: EntrySpec,
    evidence: Evidence | None = None,
) -> RegistryEntry:
    """Make an entry of which the caller knows that it is not there yet; flush when it suits.

    :raises UsageError: it has no name, or a column is too long
    """
    values = _checked(spec.kind, {name: getattr(spec, name) for name in EDITABLE})
    entry = RegistryEntry(
        project_id=project.id,
        kind=spec.kind,
        made_by=actor.user_id,
        **values,
        **(evidence or Evidence()).columns,
    )
    keeping.add(session, actor, project, entry, EventKind.ENTRY_CREATE)
    return entry


def change(
    session: Session,
    actor: Actor,
    project: Project,
    entry: RegistryEntry,
    values: Mapping[str, str],
    *,
    seen: int,
    reason: str = "",
) -> None:
    """Give an entry other values.

    :param values: some of `EDITABLE`
    :raises StaleSaveError: somebody saved in between
    :raises UsageError: it would have no name, or a column is too long
    :raises NameTakenError: the platform has another account of that handle
    """
    held = {name: getattr(entry, name) for name in EDITABLE}
    new = _checked(entry.kind, held | dict(values))
    if entry.kind is EntryKind.ACCOUNT:
        _refuse_taken(session, project, new["platform"], new["handle"], entry.id)
    keeping.change(session, actor, project, entry, new, seen=seen, reason=reason)


def add_name(
    session: Session,
    actor: Actor,
    project: Project,
    entry: RegistryEntry,
    *,
    name: str,
    kind: NameKind,
    language: str = "",
    evidence: Evidence | None = None,
) -> RegistryName:
    """Give an entry a further name, in another script or language.

    :raises UsageError: it is empty or too long
    """
    shown = clean(name)
    if not shown or len(shown) > LONGEST_NAME:
        raise UsageError(f"A name has 1 to {LONGEST_NAME} characters. Nothing was saved.")
    row = RegistryName(
        project_id=project.id,
        entry_id=entry.id,
        name=shown,
        kind=kind,
        language=language.strip()[:35],
        made_by=actor.user_id,
        **(evidence or Evidence()).columns,
    )
    keeping.add(session, actor, project, row, EventKind.NAME_CREATE)
    return row


def add_handle(
    session: Session,
    actor: Actor,
    project: Project,
    entry: RegistryEntry,
    *,
    handle: str,
    valid_from: date | None = None,
    valid_to: date | None = None,
    evidence: Evidence | None = None,
) -> HandleUse:
    """Say that an account had a handle, from one day to another, both included.

    :raises UsageError: the entry is no account, the handle is empty, or the days are not in order
    """
    if entry.kind is not EntryKind.ACCOUNT:
        raise UsageError("Only accounts have handles. Nothing was saved.")
    keeping.in_order(valid_from, valid_to)
    shown = clean(handle).removeprefix("@")
    if not shown:
        raise UsageError("Write the handle. Nothing was saved.")
    row = HandleUse(
        project_id=project.id,
        entry_id=entry.id,
        handle=shown,
        valid_from=valid_from,
        valid_to=valid_to,
        made_by=actor.user_id,
        **(evidence or Evidence()).columns,
    )
    keeping.add(session, actor, project, row, EventKind.HANDLE_CREATE)
    session.flush()
    return row


def get_entry(session: Session, project: Project, entry_id: str) -> RegistryEntry:
    """Return an entry of the project, withdrawn or not.

    :raises NotFoundError: there is none of that id
    """
    return keeping.get(session, project, RegistryEntry, entry_id, "entry in its registry")


def group_of(session: Session, entry: RegistryEntry) -> list[RegistryEntry]:
    """Return an entry with everything merged into the same one; the one that counts comes first."""
    root = entry.merged_into_id or entry.id
    query = select(RegistryEntry).where(
        or_(RegistryEntry.id == root, RegistryEntry.merged_into_id == root)
    )
    return sorted(session.scalars(query), key=lambda one: (one.id != root, one.id))


def names_of(session: Session, entry_ids: Sequence[str]) -> list[RegistryName]:
    """Return all names of entries, those taken back too."""
    query = select(RegistryName).where(RegistryName.entry_id.in_(entry_ids))
    return list(session.scalars(query.order_by(RegistryName.id)))


def handles_of(session: Session, entry_ids: Sequence[str]) -> list[HandleUse]:
    """Return all handles accounts have had, those taken back too."""
    query = select(HandleUse).where(HandleUse.entry_id.in_(entry_ids))
    return list(session.scalars(query.order_by(HandleUse.valid_from, HandleUse.id)))


def clean(text: str) -> str:
    """Bring a name to the form it is kept in: NFC, single spaces, nothing invisible at its ends."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _checked(kind: EntryKind, values: Mapping[str, str]) -> dict[str, Any]:
    held = {name: clean(value) for name, value in values.items() if name != "description"}
    held["description"] = values["description"].strip()
    held["handle"] = held["handle"].removeprefix("@")
    if kind is not EntryKind.ACCOUNT:
        held["platform"] = held["handle"] = ""
    held["label"] = held["label"] or held["handle"]
    if kind is EntryKind.ACCOUNT and not held["handle"]:
        raise UsageError("An account has a handle. Nothing was saved.")
    if not held["label"]:
        raise UsageError("An entry has a name. Nothing was saved.")
    for name, value in held.items():
        most = _length(name)
        if most is not None and len(value) > most:
            raise UsageError(f"The {name} has at most {most} characters. Nothing was saved.")
    return held


def _length(name: str) -> int | None:
    kind: Any = RegistryEntry.__table__.columns[name].type
    length: int | None = kind.length
    return length


def _refuse_taken(
    session: Session, project: Project, platform: str, handle: str, own_id: str | None
) -> None:
    """Refuse a handle that another account of the platform has now.

    :raises NameTakenError: there is one
    """
    query = select(RegistryEntry).where(
        RegistryEntry.project_id == project.id,
        RegistryEntry.kind == EntryKind.ACCOUNT,
        func.lower(RegistryEntry.handle) == handle.removeprefix("@").lower(),
        RegistryEntry.withdrawn_at.is_(None),
        RegistryEntry.merged_into_id.is_(None),
    )
    for other in session.scalars(query):
        if other.id != own_id and fold(other.platform) == fold(platform):
            raise NameTakenError(
                f"The registry has an account {other.handle} on {platform or 'no platform'} "
                "already. Nothing was saved."
            )

"""Relations: typed, directed, with evidence, between items and entries of the registry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.events import Actor
from annotate.models import EventKind, Item, Project, RegistryEntry, Relation
from annotate.services.registry import evidence as resting
from annotate.services.registry import keeping
from annotate.services.registry.evidence import Evidence
from annotate.services.registry.types import TypeSpec, types_of

End = Item | RegistryEntry


@dataclass(frozen=True, slots=True)
class RelationSpec:
    """A relation about to be made; both days included, None is open."""

    type: str
    subject: End
    object: End
    quote: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A relation as a page shows it: seen from one of its ends."""

    row: Relation
    words: str
    other: End
    evidence: Item | None
    forward: bool
    """The page is the subject's."""


def relate(
    session: Session, actor: Actor, project: Project, spec: RelationSpec, evidence: Evidence
) -> Relation:
    """Relate two things.

    :raises UsageError: there is no evidence, the type is unknown or does not go between these
    """
    kind = _type(types_of(session, project), spec.type)
    row = _row(actor, project, kind, spec, evidence)
    if _same(session, row):
        raise UsageError("This relation is there already. Nothing was saved.")
    keeping.add(session, actor, project, row, EventKind.RELATION_CREATE)
    session.flush()
    return row


def write(
    session: Session,
    actor: Actor,
    project: Project,
    kind: TypeSpec,
    spec: RelationSpec,
    evidence: Evidence,
) -> Relation:
    """Relate two things of which the caller knows that they are not; flush when it suits.

    :raises UsageError: there is no evidence, or the type does not go between these
    """
    row = _row(actor, project, kind, spec, evidence)
    keeping.add(session, actor, project, row, EventKind.RELATION_CREATE)
    return row


def _row(
    actor: Actor, project: Project, kind: TypeSpec, spec: RelationSpec, evidence: Evidence
) -> Relation:
    resting.require(evidence)
    keeping.in_order(spec.valid_from, spec.valid_to)
    _fit(kind, spec.subject, spec.object)
    return Relation(
        project_id=project.id,
        type=kind.key,
        quote=spec.quote.strip(),
        valid_from=spec.valid_from,
        valid_to=spec.valid_to,
        made_by=actor.user_id,
        **_columns("subject", spec.subject),
        **_columns("object", spec.object),
        **evidence.columns,
    )


def change(
    session: Session,
    actor: Actor,
    project: Project,
    row: Relation,
    evidence: Evidence,
    *,
    quote: str,
    valid_from: date | None,
    valid_to: date | None,
    seen: int,
    reason: str = "",
) -> None:
    """Give a relation other days, words or evidence; what it relates stays.

    :raises StaleSaveError: somebody saved in between
    :raises UsageError: there is no evidence, or the days are not in order
    """
    resting.require(evidence)
    keeping.in_order(valid_from, valid_to)
    values: dict[str, Any] = {
        "quote": quote.strip(),
        "valid_from": valid_from,
        "valid_to": valid_to,
    }
    values |= evidence.columns
    keeping.change(session, actor, project, row, values, seen=seen, reason=reason)


def of_item(session: Session, project: Project, item: Item) -> list[Shown]:
    """Return the relations of an item, those taken back too."""
    query = select(Relation).where(
        or_(Relation.subject_item_id == item.id, Relation.object_item_id == item.id)
    )
    return _shown(session, project, session.scalars(query.order_by(Relation.id)), {item.id})


def of_entries(session: Session, project: Project, entry_ids: Sequence[str]) -> list[Shown]:
    """Return the relations between entries and other entries, those taken back too."""
    query = select(Relation).where(
        or_(Relation.subject_entry_id.in_(entry_ids), Relation.object_entry_id.in_(entry_ids)),
        Relation.subject_item_id.is_(None),
        Relation.object_item_id.is_(None),
    )
    return _shown(session, project, session.scalars(query.order_by(Relation.id)), set(entry_ids))


def _shown(
    session: Session, project: Project, rows: Iterable[Relation], here: set[str]
) -> list[Shown]:
    kinds = types_of(session, project)
    found = []
    for row in rows:
        forward = (row.subject_item_id or row.subject_entry_id) in here
        other = (
            _end(session, row.object_item_id, row.object_entry_id)
            if forward
            else _end(session, row.subject_item_id, row.subject_entry_id)
        )
        kind = kinds.get(row.type, TypeSpec(row.type, row.type, row.type, "", ""))
        if other is not None:
            resting_on = session.get(Item, row.evidence_item_id) if row.evidence_item_id else None
            words = kind.label if forward else kind.inverse
            found.append(Shown(row, words, other, resting_on, forward))
    return found


def _end(session: Session, item_id: str | None, entry_id: str | None) -> End | None:
    if item_id is not None:
        return session.get(Item, item_id)
    return session.get(RegistryEntry, entry_id) if entry_id is not None else None


def _type(kinds: dict[str, TypeSpec], key: str) -> TypeSpec:
    kind = kinds.get(key)
    if kind is None:
        raise UsageError(f"There is no relation {key!r} here. There are: {', '.join(kinds)}.")
    return kind


def _fit(kind: TypeSpec, subject: End, obj: End) -> None:
    for end, wanted in ((subject, kind.subject), (obj, kind.object)):
        given = "item" if isinstance(end, Item) else end.kind.value
        if given != wanted:
            raise UsageError(
                f"“{kind.label}” goes from {kind.subject} to {kind.object}, "
                f"and this is of kind {given}. Nothing was saved."
            )
    if subject.id == obj.id:
        raise UsageError("Nothing is related to itself. Nothing was saved.")


def _columns(name: str, end: End) -> dict[str, Any]:
    kind = "item" if isinstance(end, Item) else "entry"
    return {f"{name}_{kind}_id": end.id}


def _same(session: Session, row: Relation) -> bool:
    query = select(Relation.id).where(
        Relation.type == row.type,
        Relation.subject_item_id == row.subject_item_id,
        Relation.subject_entry_id == row.subject_entry_id,
        Relation.object_item_id == row.object_item_id,
        Relation.object_entry_id == row.object_entry_id,
        Relation.valid_from == row.valid_from,
        Relation.valid_to == row.valid_to,
        Relation.withdrawn_at.is_(None),
    )
    return session.scalar(query.limit(1)) is not None

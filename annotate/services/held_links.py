"""What ties items to the registry and to sweeps, read for the labels held in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from annotate.models import EventKind, Relation, Sweep, SweepItem

RELATION_EVENTS: Final = frozenset({EventKind.RELATION_CREATE, EventKind.RELATION_CHANGE})
SWEEP_EVENTS: Final = frozenset({EventKind.SWEEP_FIND, EventKind.SWEEP_UNFIND})
DECISION_EVENTS: Final = frozenset({EventKind.VALUE_DECIDE, EventKind.VALUE_UNDECIDE})
# What may have changed the registry, also where an event names an item as its evidence.
REGISTRY_EVENTS: Final = RELATION_EVENTS | frozenset(
    kind for kind in EventKind if kind.value.startswith(("registry-", "handle:", "assertion:"))
)


@dataclass(frozen=True, slots=True)
class HeldRelation:
    """A relation of an item to an entry of the registry, by the key of its type."""

    type: str
    entry_id: str


def read_relations(
    reading: Connection | Session, project_id: str, ids: Sequence[str] | None
) -> dict[str, list[HeldRelation]]:
    """Return, of all items or of some, the relations that stand."""
    query = select(Relation.subject_item_id, Relation.type, Relation.object_entry_id).where(
        Relation.project_id == project_id,
        Relation.subject_item_id.is_not(None),
        Relation.object_entry_id.is_not(None),
        Relation.withdrawn_at.is_(None),
    )
    found: dict[str, list[HeldRelation]] = defaultdict(list)
    rows: Any = reading.execute(_of(query, Relation.subject_item_id, ids).order_by(Relation.id))
    for item_id, kind, entry_id in rows:
        found[item_id].append(HeldRelation(kind, entry_id))
    return found


def read_sweeps(
    reading: Connection | Session, project_id: str, ids: Sequence[str] | None
) -> dict[str, list[str]]:
    """Return, of all items or of some, the ids of the sweeps that found them."""
    query = (
        select(SweepItem.item_id, SweepItem.sweep_id)
        .join(Sweep, Sweep.id == SweepItem.sweep_id)
        .where(Sweep.project_id == project_id)
        .order_by(SweepItem.sweep_id)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for item_id, sweep_id in reading.execute(_of(query, SweepItem.item_id, ids)):
        found[item_id].append(sweep_id)
    return found


def read_sweep_names(reading: Connection | Session, project_id: str) -> dict[str, str]:
    """Return the names of the sweeps that stand, by id; one put back may share its name."""
    query = select(Sweep.id, Sweep.name).where(
        Sweep.project_id == project_id, Sweep.withdrawn_at.is_(None)
    )
    held = {row[0]: row[1] for row in reading.execute(query.order_by(Sweep.id))}
    several = {name for name, number in Counter(held.values()).items() if number > 1}
    return {key: f"{name} #{key}" if name in several else name for key, name in held.items()}


def _of(query: Any, column: Any, ids: Sequence[str] | None) -> Any:
    return query if ids is None else query.where(column.in_(ids))

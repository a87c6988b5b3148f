"""Reading the labels of a project from the database, whole or of some items."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from annotate import collecting
from annotate.models import (
    Capture,
    Event,
    FieldValue,
    Item,
    ItemTag,
    Note,
    SensitiveMark,
    StudyField,
    Tag,
)
from annotate.services.held_labels import HeldCapture, HeldValue, ItemFacts, Labels
from annotate.services.held_links import read_relations, read_sweep_names, read_sweeps
from annotate.services.held_verdicts import read_verdicts
from annotate.services.registry.known import read_known

BATCH: Final = 500  # items asked for in one statement


def read_labels(reading: Connection | Session, project_id: str) -> Labels:
    """Read all labels of a project, within what `reading` lets see."""
    head = head_of(reading, project_id)
    labels = Labels(position=head, content=head)
    with collecting.paused():
        for read in READERS.values():
            read(reading, project_id, None, labels)
    read_names(reading, project_id, labels)
    labels.known = read_known(reading, project_id)
    return labels


def head_of(reading: Connection | Session, project_id: str) -> int:
    """Return the number of the project's last event, within what `reading` lets see."""
    query = select(func.max(Event.id)).where(Event.ledger == project_id)
    return reading.scalar(query) or 0


def _of(query: Any, column: Any, ids: Sequence[str] | None) -> Any:
    """Narrow a statement to some items; Any, since each selects columns of its own."""
    return query if ids is None else query.where(column.in_(ids))


def _read_items(
    reading: Connection | Session, project_id: str, ids: Sequence[str] | None, labels: Labels
) -> None:
    query = select(
        Item.id,
        Item.address,
        Item.host,
        Item.language,
        Item.latest_outcome,
        Item.latest_capture_id,
        Item.latest_captured_at,
        Item.same_as_id,
        Item.observed_state,
    ).where(Item.project_id == project_id)
    for item_id, *columns in reading.execute(_of(query, Item.id, ids)).all():
        labels.items[item_id] = ItemFacts(*columns)


def _read_tags(
    reading: Connection | Session, project_id: str, ids: Sequence[str] | None, labels: Labels
) -> None:
    query = (
        select(ItemTag.item_id, ItemTag.tag_id)
        .join(Tag, Tag.id == ItemTag.tag_id)
        .where(Tag.project_id == project_id)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for item_id, tag_id in reading.execute(_of(query, ItemTag.item_id, ids)):
        found[item_id].append(tag_id)
    _replace(labels.tags, found, ids)


def read_names(reading: Connection | Session, project_id: str, labels: Labels) -> None:
    """Read the names of tags and sweeps into labels."""
    query = select(Tag.id, Tag.name, Tag.folded).where(Tag.project_id == project_id)
    labels.tag_names = {tag_id: (name, folded) for tag_id, name, folded in reading.execute(query)}
    labels.sweep_names = read_sweep_names(reading, project_id)


def _read_values(
    reading: Connection | Session, project_id: str, ids: Sequence[str] | None, labels: Labels
) -> None:
    query = (
        select(
            FieldValue.field_id,
            FieldValue.item_id,
            FieldValue.value,
            FieldValue.raw,
            FieldValue.instant,
            FieldValue.source,
            FieldValue.state,
        )
        .join(StudyField, StudyField.id == FieldValue.field_id)
        .where(StudyField.project_id == project_id, FieldValue.current)
        .order_by(FieldValue.id)
    )
    found: dict[str, dict[str, list[HeldValue]]] = defaultdict(lambda: defaultdict(list))
    known: dict[tuple[Any, ...], HeldValue] = {}  # thousands of items share a few values
    for field_id, item_id, *columns in reading.execute(_of(query, FieldValue.item_id, ids)).all():
        key = tuple(columns)
        held = known.get(key)
        if held is None:
            held = known[key] = HeldValue(*key)
        found[field_id][item_id].append(held)
    for field_id in {*found, *labels.values}:
        _replace(labels.values.setdefault(field_id, {}), found[field_id], ids)


def _read_notes(
    reading: Connection | Session, project_id: str, ids: Sequence[str] | None, labels: Labels
) -> None:
    query = select(Note.item_id).where(Note.project_id == project_id, Note.withdrawn_at.is_(None))
    found = frozenset(reading.scalars(_of(query, Note.item_id, ids)))
    labels.noted = found if ids is None else (labels.noted - frozenset(ids)) | found


def _read_sensitive(
    reading: Connection | Session, project_id: str, ids: Sequence[str] | None, labels: Labels
) -> None:
    query = select(SensitiveMark.item_id).where(
        SensitiveMark.project_id == project_id, SensitiveMark.ended_at.is_(None)
    )
    found = frozenset(reading.scalars(_of(query, SensitiveMark.item_id, ids)))
    labels.sensitive = found if ids is None else (labels.sensitive - frozenset(ids)) | found


def _read_captures(
    reading: Connection | Session, project_id: str, ids: Sequence[str] | None, labels: Labels
) -> None:
    query = select(Capture.item_id, Capture.captured_at, Capture.outcome).where(
        Capture.project_id == project_id
    )
    found: dict[str, list[HeldCapture]] = defaultdict(list)
    for item_id, *columns in reading.execute(_of(query, Capture.item_id, ids)).all():
        found[item_id].append(HeldCapture(*columns))
    _replace(labels.captures, found, ids)


def _replace(
    held: dict[str, tuple[Any, ...]], found: dict[str, list[Any]], ids: Iterable[str] | None
) -> None:
    for item_id in ids or ():
        held.pop(item_id, None)
    held.update((item_id, tuple(values)) for item_id, values in found.items())


READERS: Final[dict[str, Callable[[Any, str, Sequence[str] | None, Labels], None]]] = {
    "items": _read_items,
    "tags": _read_tags,
    "values": _read_values,
    "notes": _read_notes,
    "sensitive": _read_sensitive,
    "captures": _read_captures,
    "relations": lambda reading, project_id, ids, labels: _replace(
        labels.relations, read_relations(reading, project_id, ids), ids
    ),
    "sweeps": lambda reading, project_id, ids, labels: _replace(
        labels.sweeps, read_sweeps(reading, project_id, ids), ids
    ),
    "screening": lambda reading, project_id, ids, labels: _replace(
        labels.screened, read_verdicts(reading, project_id, ids), ids
    ),
}
"""By part of the labels: reads it, of all items or of some, into labels that may be changed."""

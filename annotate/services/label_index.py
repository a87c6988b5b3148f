"""The side index of labels (decisions 18): what items are called, held in memory beside the words.

One per project and process. It follows the project's events from the position it has seen, and
reads again only what they changed: after a bulk tag, the tags of those items. It is read in
transactions of its own, so that it never holds what was not committed. Who codes blind has labels
of their own: those of everybody, with what is closed to them read again under the rule of
visibility.py.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from annotate import collecting
from annotate.models import (
    Capture,
    Event,
    EventKind,
    FieldValue,
    Item,
    ItemTag,
    Note,
    SensitiveMark,
    StudyField,
    Tag,
)
from annotate.services.held_labels import ANYTHING, READ, HeldCapture, HeldValue, ItemFacts, Labels
from annotate.services.held_links import (
    DECISION_EVENTS,
    REGISTRY_EVENTS,
    RELATION_EVENTS,
    SWEEP_EVENTS,
    read_relations,
    read_sweep_names,
    read_sweeps,
)
from annotate.services.held_verdicts import read_verdicts
from annotate.services.registry.known import read_known
from annotate.visibility import Blindness, blindness_of

__all__ = [
    "HeldCapture",
    "HeldValue",
    "ItemFacts",
    "LabelIndex",
    "Labels",
    "labels_of",
    "read_labels",
]

_BATCH: Final = 500  # items asked for in one statement
_CODERS: Final = 32  # who code blind and have labels held for them
_KEPT_ON: Final = 100  # derived things kept on; more (of other zones, say) are begun anew
# What events of a kind may have changed, of the item they name.
_CHANGES: Final[Sequence[tuple[frozenset[EventKind], str | None]]] = (
    (frozenset({EventKind.TAG_ADD, EventKind.TAG_REMOVE}), "tags"),
    (frozenset({EventKind.VALUE_SET, EventKind.VALUE_CHECK}), "values"),
    (frozenset({EventKind.ITEM_SCREEN}), "screening"),
    (
        frozenset(
            {
                EventKind.NOTE_CREATE,
                EventKind.NOTE_EDIT,
                EventKind.NOTE_WITHDRAW,
                EventKind.NOTE_RESTORE,
            }
        ),
        "notes",
    ),
    (frozenset({EventKind.ITEM_MARK_SENSITIVE, EventKind.ITEM_UNMARK_SENSITIVE}), "sensitive"),
    (RELATION_EVENTS, "relations"),
    (SWEEP_EVENTS, "sweeps"),
    (REGISTRY_EVENTS | DECISION_EVENTS, None),
)


class LabelIndex:
    """Keeps the labels of one project up to date."""

    def __init__(self, project_id: str) -> None:
        self._project_id = project_id
        self._lock = threading.Lock()
        self._labels = Labels()
        self._closed: OrderedDict[Blindness, tuple[Labels, Labels]] = OrderedDict()

    def current(self, session: Session) -> Labels:
        """Return the labels, as of the last committed event."""
        head = _head(session.connection(), self._project_id)
        if head == self._labels.position:
            return self._labels
        with self._lock, _beside(session) as connection:
            return self._follow(connection)

    def closed(self, session: Session, blindness: Blindness) -> Labels:
        """Return the labels that one who codes blind may see, as of the last committed event."""
        with self._lock, _beside(session) as connection:
            shared = self._follow(connection)
            held = self._closed.pop(blindness, None)
            if held is None or held[0] is not shared:
                with Session(connection) as asking:
                    blindness.put_on(asking)
                    if not blindness.stands(asking):  # more is closed since this request began
                        return read_labels(asking, self._project_id)
                    hidden = sorted(blindness.hidden)
                    held = shared, _closed_to(asking, self._project_id, shared, hidden)
            self._closed[blindness] = held
            if len(self._closed) > _CODERS:
                self._closed.popitem(last=False)
            return held[1]

    def _follow(self, connection: Connection) -> Labels:
        head = _head(connection, self._project_id)
        if head != self._labels.position:
            self._labels = self._followed(connection, self._labels, head)
        return self._labels

    def _followed(self, connection: Connection, old: Labels, head: int) -> Labels:
        if old.position < 0 or head < old.position:  # first, or the home was put back
            labels = read_labels(connection, self._project_id)
            collecting.settle()
            return labels
        rows = connection.execute(
            select(Event.item_id, Event.kind).where(
                Event.ledger == self._project_id, Event.id > old.position, Event.id <= head
            )
        )
        changed: dict[frozenset[str], set[str]] = defaultdict(set)
        shows = registry = False
        for item_id, kind in rows:
            shows |= kind is not EventKind.EXPORT_MAKE
            registry |= kind in REGISTRY_EVENTS
            if item_id is not None:
                changed[_parts_of(kind)].add(item_id)
        if not shows:
            return replace(old, position=head)
        parts_changed = frozenset({ANYTHING}).union(*changed)
        labels = _copied(old, parts_changed)
        labels.position = labels.content = head
        if registry:
            labels.known = read_known(connection, self._project_id)
            parts_changed |= {"registry"}
        for parts, ids in changed.items():
            ordered = sorted(ids)
            for start in range(0, len(ordered), _BATCH):
                for part in sorted(parts):
                    batch = ordered[start : start + _BATCH]
                    _READERS[part](connection, self._project_id, batch, labels)
        _read_names(connection, self._project_id, labels)
        if labels.tag_names != old.tag_names:
            parts_changed |= {"tag names"}
        if labels.sweep_names != old.sweep_names:
            parts_changed |= {"sweep names"}
        derived = list(old.derived.items())
        if len(derived) <= _KEPT_ON:
            labels.derived = {
                key: held for key, held in derived if held[0].isdisjoint(parts_changed)
            }
        return labels


def _copied(old: Labels, parts: frozenset[str]) -> Labels:
    """Return labels of which these parts can be changed; the others are shared, and only read."""
    copied = replace(old, derived={})
    if "values" in parts:
        copied.values = {key: dict(held) for key, held in old.values.items()}
    for part, name in (
        ("captures", "captures"),
        ("items", "items"),
        ("relations", "relations"),
        ("screening", "screened"),
        ("sweeps", "sweeps"),
        ("tags", "tags"),
    ):
        if part in parts:
            setattr(copied, name, dict(getattr(old, name)))
    return copied


def _beside(session: Session) -> Connection:
    """Another connection: what the session itself wrote is not committed, and is not to be seen."""
    return session.get_bind().engine.execution_options(begin="DEFERRED").connect()


def _closed_to(asking: Session, project_id: str, shared: Labels, hidden: Sequence[str]) -> Labels:
    """Return the labels of everybody with what is closed read again, narrowed by the rule.

    Of the parts read for each item the rule lies on hidden items alone; but on relations by their
    other ends too, and on the registry by its evidence, so these are read anew as a whole.
    """
    labels = _copied(shared, READ)
    labels.relations = {}
    with collecting.paused():
        for start in range(0, len(hidden), _BATCH):
            for part in sorted(READ - {"relations"}):
                _READERS[part](asking, project_id, hidden[start : start + _BATCH], labels)
        _READERS["relations"](asking, project_id, None, labels)
        _read_names(asking, project_id, labels)
        labels.known = read_known(asking, project_id)
    return labels


_indexes: WeakKeyDictionary[Any, dict[str, LabelIndex]] = WeakKeyDictionary()
_indexes_lock = threading.Lock()


def read_labels(reading: Connection | Session, project_id: str) -> Labels:
    """Read all labels of a project, within what `reading` lets see."""
    head = _head(reading, project_id)
    labels = Labels(position=head, content=head)
    with collecting.paused():
        for read in _READERS.values():
            read(reading, project_id, None, labels)
    _read_names(reading, project_id, labels)
    labels.known = read_known(reading, project_id)
    return labels


def labels_of(session: Session, project_id: str) -> Labels:
    """Return a project's labels as of the last committed event, from the process's one index."""
    pool = session.get_bind().engine.pool  # the same for every session on one database
    with _indexes_lock:
        index = _indexes.setdefault(pool, {}).setdefault(project_id, LabelIndex(project_id))
    blindness = blindness_of(session)
    return index.current(session) if blindness is None else index.closed(session, blindness)


def _head(reading: Connection | Session, project_id: str) -> int:
    query = select(func.max(Event.id)).where(Event.ledger == project_id)
    return reading.scalar(query) or 0


def _parts_of(kind: EventKind) -> frozenset[str]:
    """Return what an event of this kind may have changed; of an unknown one, anything."""
    for kinds, part in _CHANGES:
        if kind in kinds:
            return frozenset() if part is None else frozenset({part})
    return READ


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


def _read_names(reading: Connection | Session, project_id: str, labels: Labels) -> None:
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


_READERS: Final[dict[str, Callable[[Any, str, Sequence[str] | None, Labels], None]]] = {
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

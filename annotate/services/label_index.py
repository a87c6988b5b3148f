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
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from annotate import collecting
from annotate.models import (
    Event,
    EventKind,
)
from annotate.services.closed_labels import ClosedLabels
from annotate.services.held_labels import ANYTHING, READ, HeldCapture, HeldValue, ItemFacts, Labels
from annotate.services.held_links import (
    DECISION_EVENTS,
    REGISTRY_EVENTS,
    RELATION_EVENTS,
    SWEEP_EVENTS,
)
from annotate.services.label_reading import (
    BATCH,
    READERS,
    head_of,
    read_labels,
    read_names,
)
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

_CODERS: Final = 32  # who code blind and have labels held for them
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
        head = head_of(session.connection(), self._project_id)
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
                    closed = ClosedLabels(asking, self._project_id, sorted(blindness.hidden))
                    held = shared, closed.made_of(shared, held)
            self._closed[blindness] = held
            if len(self._closed) > _CODERS:
                self._closed.popitem(last=False)
            return held[1]

    def _follow(self, connection: Connection) -> Labels:
        head = head_of(connection, self._project_id)
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
        labels = old.copied(parts_changed)
        labels.position = labels.content = head
        if registry:
            labels.known = read_known(connection, self._project_id)
            parts_changed |= {"registry"}
        for parts, ids in changed.items():
            ordered = sorted(ids)
            for start in range(0, len(ordered), BATCH):
                for part in sorted(parts):
                    batch = ordered[start : start + BATCH]
                    READERS[part](connection, self._project_id, batch, labels)
        read_names(connection, self._project_id, labels)
        if labels.tag_names != old.tag_names:
            parts_changed |= {"tag names"}
        if labels.sweep_names != old.sweep_names:
            parts_changed |= {"sweep names"}
        labels.derived = old.kept_on(parts_changed)
        return labels


def _beside(session: Session) -> Connection:
    """Another connection: what the session itself wrote is not committed, and is not to be seen."""
    return session.get_bind().engine.execution_options(begin="DEFERRED").connect()


_indexes: WeakKeyDictionary[Any, dict[str, LabelIndex]] = WeakKeyDictionary()
_indexes_lock = threading.Lock()


def labels_of(session: Session, project_id: str) -> Labels:
    """Return a project's labels as of the last committed event, from the process's one index."""
    pool = session.get_bind().engine.pool  # the same for every session on one database
    with _indexes_lock:
        index = _indexes.setdefault(pool, {}).setdefault(project_id, LabelIndex(project_id))
    blindness = blindness_of(session)
    return index.current(session) if blindness is None else index.closed(session, blindness)


def _parts_of(kind: EventKind) -> frozenset[str]:
    """Return what an event of this kind may have changed; of an unknown one, anything."""
    for kinds, part in _CHANGES:
        if kind in kinds:
            return frozenset() if part is None else frozenset({part})
    return READ

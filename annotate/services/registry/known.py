"""The registry held in memory beside the labels: who a name or a handle means, and what holds when.

Read whole whenever anything of the registry changed: it has thousands of rows, not millions.
Everything here goes by the entry that counts: entries merged into another answer for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from annotate.models import (
    Assertion,
    EntryKind,
    HandleUse,
    RegistryEntry,
    RegistryName,
    Relation,
)
from annotate.services.folding import fold
from annotate.services.registry.types import BELONGS, OWNED, PART

_STRUCTURE: Final = (BELONGS, OWNED, PART)  # relations between entries that searches follow


@dataclass(frozen=True, slots=True)
class HeldEntry:
    """An entry, as searches and counts use it."""

    id: str
    kind: EntryKind
    label: str
    platform: str
    handle: str
    category: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days from one to another, both included; None is open."""

    first: date | None
    last: date | None

    def has(self, day: date | None) -> bool:
        """Tell whether a day lies in it; of no day, only whether it is open at both ends."""
        if day is None:
            return self.first is None and self.last is None
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


ALWAYS: Final = Stretch(None, None)


@dataclass(frozen=True, slots=True)
class HeldAssertion:
    """A statement that stands, and when it holds."""

    id: str
    property: str
    value: str
    basis: str
    when: Stretch


@dataclass(slots=True)
class Known:
    """The registry of one project. Read, never changed."""

    entries: dict[str, HeldEntry] = field(default_factory=dict)  # those that count, by id
    roots: dict[str, str] = field(default_factory=dict)  # of every entry, the one that counts
    names: dict[str, frozenset[str]] = field(default_factory=dict)  # folded name: ids that count
    handles: dict[str, list[tuple[str, str, Stretch]]] = field(default_factory=dict)
    assertions: dict[str, list[HeldAssertion]] = field(default_factory=dict)  # oldest first
    ties: dict[tuple[str, str], list[tuple[str, Stretch]]] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)  # of an id, how it is written
    written: dict[str, str] = field(default_factory=dict)  # the other way round

    def account_of(self, handle: str, platform: str, day: date | None) -> str | None:
        """Return the account that had a handle on a platform on a day; None where none or several.

        An account of no known platform answers for any, if no other of that handle does.
        """
        held = self.handles.get(fold(handle.removeprefix("@")), ())
        fitting = [one for one in held if one[2].has(day)] or [one for one in held if day is None]
        wanted = fold(platform)
        here = {entry_id for entry_id, where, _when in fitting if where == wanted}
        if not here:
            here = {entry_id for entry_id, where, _when in fitting if not where or not wanted}
        return next(iter(here)) if len(here) == 1 else None

    def called(self, name: str, kind: EntryKind | None = None) -> frozenset[str]:
        """Return the entries of a written reference, else of a name in whatever script."""
        exact = self.written.get(name)
        found = (
            frozenset({exact})
            if exact is not None
            else self.names.get(fold(name.removeprefix("@")), frozenset())
        )
        if kind is None:
            return found
        return frozenset(one for one in found if self.entries[one].kind is kind)

    def said(self, entry_id: str, of: str) -> list[HeldAssertion]:
        """Return all that stands about a property of an entry, at whatever time."""
        return [one for one in self.assertions.get(entry_id, ()) if one.property == of]

    def holds(self, entry_id: str, of: str, day: date | None) -> HeldAssertion | None:
        """Return the statement about a property that holds on a day; of several the newest."""
        fitting = [one for one in self.said(entry_id, of) if one.when.has(day)]
        return fitting[-1] if fitting else None

    def owners(self, account_id: str, day: date | None) -> frozenset[str]:
        """Return the entities an account belonged to on a day, and those that owned them."""
        found = {one for one, when in self.ties.get((account_id, BELONGS), ()) if when.has(day)}
        queue = list(found)
        while queue:
            for owner, when in self.ties.get((queue.pop(), OWNED), ()):
                if owner not in found and when.has(day):
                    found.add(owner)
                    queue.append(owner)
        return frozenset(found)

    def wholes(self, work_id: str) -> frozenset[str]:
        """Return a work and all it is a part of."""
        found = {work_id}
        queue = [work_id]
        while queue:
            for whole, _when in self.ties.get((queue.pop(), PART), ()):
                if whole not in found:
                    found.add(whole)
                    queue.append(whole)
        return frozenset(found)


def read_known(reading: Connection | Session, project_id: str) -> Known:
    """Read a project's registry, within what `reading` lets see."""
    known = Known()
    merged: dict[str, str | None] = {}
    query = select(
        RegistryEntry.id,
        RegistryEntry.kind,
        RegistryEntry.label,
        RegistryEntry.platform,
        RegistryEntry.handle,
        RegistryEntry.category,
        RegistryEntry.merged_into_id,
    ).where(RegistryEntry.project_id == project_id, RegistryEntry.withdrawn_at.is_(None))
    everyone: dict[str, HeldEntry] = {}
    for key, kind, label, platform, handle, category, into in reading.execute(
        query.order_by(RegistryEntry.id)
    ):
        everyone[key] = HeldEntry(key, kind, label, platform, handle, category)
        merged[key] = into
    for entry_id, into in merged.items():
        known.roots[entry_id] = into if into is not None and into in everyone else entry_id
    known.entries = {key: one for key, one in everyone.items() if known.roots[key] == key}
    _read_names(reading, project_id, known, everyone)
    _read_statements(reading, project_id, known)
    known.references = _references(known.entries.values())
    known.written = {words: entry_id for entry_id, words in known.references.items()}
    return known


def _read_names(
    reading: Connection | Session,
    project_id: str,
    known: Known,
    everyone: Mapping[str, HeldEntry],
) -> None:
    names: dict[str, set[str]] = defaultdict(set)
    uses: dict[str, dict[str, list[Stretch]]] = defaultdict(lambda: defaultdict(list))
    query = select(
        HandleUse.entry_id, HandleUse.handle, HandleUse.valid_from, HandleUse.valid_to
    ).where(HandleUse.project_id == project_id, HandleUse.withdrawn_at.is_(None))
    for entry_id, handle, first, last in reading.execute(query):
        if entry_id in everyone:
            uses[entry_id][fold(handle)].append(Stretch(first, last))
    for entry_id, one in everyone.items():
        root = known.roots[entry_id]
        names[fold(one.label)].add(root)
        if one.handle:
            uses[entry_id].setdefault(fold(one.handle), [ALWAYS])
        for handle, stretches in uses[entry_id].items():
            names[handle].add(root)
            known.handles.setdefault(handle, []).extend(
                (root, fold(one.platform), when) for when in stretches
            )
    also = select(RegistryName.entry_id, RegistryName.name).where(
        RegistryName.project_id == project_id, RegistryName.withdrawn_at.is_(None)
    )
    for entry_id, name in reading.execute(also):
        if entry_id in everyone:
            names[fold(name)].add(known.roots[entry_id])
    known.names = {name: frozenset(ids) for name, ids in names.items()}


def _read_statements(reading: Connection | Session, project_id: str, known: Known) -> None:
    query = select(
        Assertion.entry_id, Assertion.id, Assertion.property, Assertion.value, Assertion.basis,
        Assertion.valid_from, Assertion.valid_to,
    ).where(Assertion.project_id == project_id, Assertion.withdrawn_at.is_(None))  # fmt: skip
    for entry_id, key, of, value, basis, first, last in reading.execute(
        query.order_by(Assertion.id)
    ):
        if entry_id in known.roots:
            known.assertions.setdefault(known.roots[entry_id], []).append(
                HeldAssertion(key, of, value, basis, Stretch(first, last))
            )
    ties = select(
        Relation.subject_entry_id, Relation.type, Relation.object_entry_id,
        Relation.valid_from, Relation.valid_to,
    ).where(
        Relation.project_id == project_id,
        Relation.withdrawn_at.is_(None),
        Relation.type.in_(_STRUCTURE),
    )  # fmt: skip
    for subject, kind, obj, first, last in reading.execute(ties):
        if subject in known.roots and obj in known.roots:
            known.ties.setdefault((known.roots[subject], kind), []).append(
                (known.roots[obj], Stretch(first, last))
            )


def _references(entries: Iterable[HeldEntry]) -> dict[str, str]:
    """Write each entry in a way that means it alone: shortest first, with its id at the last."""
    found: dict[str, str] = {}
    waiting = list(entries)
    taken: set[str] = set()
    for form in (_short, _long, _longest):
        forms = defaultdict(list)
        for one in waiting:
            forms[fold(form(one))].append(one)
        waiting = []
        for folded, several in forms.items():
            if len(several) == 1 and folded not in taken:
                found[several[0].id] = form(several[0])
            else:
                waiting.extend(several)
            taken.add(folded)
    return found


def _short(one: HeldEntry) -> str:
    return one.handle if one.kind is EntryKind.ACCOUNT else one.label


def _long(one: HeldEntry) -> str:
    if one.kind is EntryKind.ACCOUNT:
        return f"{one.platform}/{one.handle}"
    return f"{one.label} ({one.kind.value})"


def _longest(one: HeldEntry) -> str:
    return f"{_short(one)} #{one.id}"

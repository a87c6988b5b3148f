"""Lists of accounts, in and out: who is on which platform, who is behind it, and what is said.

A fault of a row skips that row and says so. A second run of the same list adds nothing. Everything
a list says carries the note on where the list comes from, since without it nothing is saved.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import UsageError
from annotate.events import Actor
from annotate.models import (
    Assertion,
    EntryKind,
    EventKind,
    NameKind,
    Project,
    RegistryEntry,
    RegistryName,
    Relation,
)
from annotate.services.exports import BOM, spreadsheet_cell
from annotate.services.folding import fold
from annotate.services.lists import ListFile, RowFault
from annotate.services.registry import assertions, entries, relations
from annotate.services.registry.assertions import CONTROLLED, AssertionSpec
from annotate.services.registry.columns import (
    BASIS,
    CATEGORY,
    CONTROL,
    ENTITY,
    HANDLE,
    IGNORE,
    LABEL,
    NAMES,
    OWNER,
    PLATFORM,
    PROFILE,
    STATEMENT,
    read_profile,
)
from annotate.services.registry.entries import EntrySpec, clean
from annotate.services.registry.evidence import Evidence
from annotate.services.registry.relations import RelationSpec
from annotate.services.registry.types import BELONGS, COMMON, OWNED

SEVERAL: Final = ";"
_TYPES: Final = {one.key: one for one in COMMON}
OUT: Final = (
    "kind", "label", "platform", "handle", "category", "address", "names", "entity",
    "state_controlled", "basis", "valid_from", "valid_to", "disputed_by", "provenance",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a list comes from, and which of its words mean state control."""

    note: str
    yes: frozenset[str] = frozenset({"yes"})
    no: frozenset[str] = frozenset({"no"})


@dataclass(slots=True)
class RegistryReport:
    """What an import did, or a dry run would do."""

    rows: int = 0
    accounts: int = 0
    entities: int = 0
    statements: int = 0
    relations: int = 0
    names: int = 0
    faults: list[RowFault] = field(default_factory=list)

    def reasons(self) -> list[tuple[str, int]]:
        """Return the kinds of faults, commonest first, with how many rows have each."""
        return Counter(one.reason.partition(":")[0] for one in self.faults).most_common()


@dataclass(slots=True)
class _Held:
    """What the registry has, to find rows that are there already."""

    accounts: dict[tuple[str, str], RegistryEntry]
    entities: dict[str, RegistryEntry]
    said: set[tuple[str, str, str, str]]
    related: set[tuple[str | None, str, str | None]]
    names: set[tuple[str, str]]


def import_rows(
    session: Session,
    actor: Actor,
    project: Project,
    table: ListFile,
    rows: Sequence[tuple[int, tuple[str, ...]]],
    mapping: Mapping[str, str],
    origin: Origin,
    report: RegistryReport,
) -> None:
    """Bring in some rows of a list of accounts and entities; count it in the report.

    :param mapping: by column, what it holds (registry/columns.py)
    :raises UsageError: no note says where the list comes from, or no column holds anything
    """
    if not origin.note.strip():
        raise UsageError(
            "Say where this list comes from: nothing it says is kept without that. "
            "Nothing was saved."
        )
    if not {PROFILE, HANDLE, ENTITY} & set(mapping.values()):
        raise UsageError("Say which column holds accounts, or the names of entities.")
    bringing = _Bringing(session, actor, project, origin, report)
    for line, cells in rows:
        report.rows += 1
        try:
            if len(cells) != len(table.header):
                raise UsageError(f"The row has {len(cells)} cells, the header {len(table.header)}.")
            row = _Row(table.header, cells, mapping)
            if not row.accounts and not row.entity:
                raise UsageError("The row names no account and no entity.")
            bringing.bring(row)
        except UsageError as error:
            report.faults.append(RowFault(line, str(error), tuple(cells)))
    session.flush()


def record_import(
    session: Session,
    actor: Actor,
    project: Project,
    name: str,
    origin: Origin,
    report: RegistryReport,
) -> None:
    """Write down that a list was brought in, and what came of it."""
    events.record(
        session,
        EventKind.ENTRY_IMPORT,
        actor=actor,
        covers=[],
        project_id=project.id,
        body={
            "name": name, "rows": report.rows, "accounts": report.accounts,
            "entities": report.entities, "statements": report.statements,
            "relations": report.relations, "skipped": len(report.faults),
        },
        reason=origin.note,
    )  # fmt: skip
    session.flush()


class _Row:
    """One row, read."""

    def __init__(
        self, header: Sequence[str], cells: Sequence[str], mapping: Mapping[str, str]
    ) -> None:
        given: dict[str, list[tuple[str, str]]] = {}
        for column, cell in zip(header, cells, strict=True):
            target = mapping.get(column, IGNORE)
            if target != IGNORE and clean(cell):
                given.setdefault(target, []).append((column, clean(cell)))
        self._given = given
        self.accounts = [read_profile(address) for _column, address in given.get(PROFILE, ())]
        if self.one(HANDLE):
            handle = self.one(HANDLE).removeprefix("@")
            self.accounts.append((self.one(PLATFORM), handle, ""))

    def one(self, target: str) -> str:
        """Return what the row says of something; empty where nothing."""
        held = self._given.get(target)
        return held[0][1] if held else ""

    @property
    def entity(self) -> str:
        """The name of the entity."""
        return self.one(ENTITY)

    @property
    def statements(self) -> list[tuple[str, str]]:
        """What columns say of the entity, or the account: property and value."""
        return [(column.lower(), value) for column, value in self._given.get(STATEMENT, ())]

    @property
    def names(self) -> list[str]:
        """Further names."""
        return [name for name in map(clean, self.one(NAMES).split(SEVERAL)) if name]


class _Bringing:
    """The import of one list: what is there is found again, what is new is written."""

    def __init__(
        self,
        session: Session,
        actor: Actor,
        project: Project,
        origin: Origin,
        report: RegistryReport,
    ) -> None:
        self._session = session
        self._actor = actor
        self._project = project
        self._origin = origin
        self._note = Evidence(provenance=origin.note.strip())
        self._held = _read_held(session, project)
        self.report = report

    def bring(self, row: _Row) -> None:
        """Bring in one row."""
        behind = self._entity(row.entity, row.one(CATEGORY)) if row.entity else None
        if behind is not None and row.one(OWNER):
            self._relate(behind, OWNED, self._entity(row.one(OWNER), ""))
        accounts = [self._account(row, *one) for one in row.accounts]
        for account in accounts:
            if behind is not None:
                self._relate(account, BELONGS, behind)
        subjects = [behind] if behind is not None else accounts
        for subject in subjects:
            for name in row.names:
                self._name(subject, name)
            for said, value in row.statements:
                basis = row.one(BASIS) or "as the list says"
                self._say(subject, AssertionSpec(said, value, basis))
        self._control(row, accounts if row.one(HANDLE) else subjects)

    def _control(self, row: _Row, subjects: Sequence[RegistryEntry]) -> None:
        word = fold(row.one(CONTROL))
        value = "yes" if word in self._origin.yes else "no" if word in self._origin.no else ""
        for subject in subjects if value else ():
            basis = row.one(BASIS) or row.one(CONTROL)
            self._say(subject, AssertionSpec(CONTROLLED, value, basis))

    def _entity(self, name: str, category: str) -> RegistryEntry:
        known = self._held.entities.get(fold(name))
        if known is None:
            spec = EntrySpec(EntryKind.ENTITY, label=name[:300], category=category[:120])
            known = entries.write(self._session, self._actor, self._project, spec, self._note)
            self._held.entities[fold(name)] = known
            self.report.entities += 1
        return known

    def _account(self, row: _Row, platform: str, handle: str, address: str) -> RegistryEntry:
        key = (fold(platform), fold(handle))
        known = self._held.accounts.get(key)
        if known is None:
            spec = EntrySpec(
                EntryKind.ACCOUNT,
                label=(row.one(LABEL) or row.entity or handle)[:300],
                platform=platform,
                handle=handle,
                address=address,
                category=row.one(CATEGORY)[:120],
            )
            known = entries.write(self._session, self._actor, self._project, spec, self._note)
            self._held.accounts[key] = known
            self.report.accounts += 1
        return known

    def _say(self, subject: RegistryEntry, spec: AssertionSpec) -> None:
        key = (subject.id, fold(spec.property), fold(spec.value), fold(spec.basis))
        if key not in self._held.said:
            self._held.said.add(key)
            assertions.write(self._session, self._actor, self._project, subject, spec, self._note)
            self.report.statements += 1

    def _relate(self, subject: RegistryEntry, kind: str, other: RegistryEntry) -> None:
        key = (subject.id, kind, other.id)
        if subject.id != other.id and key not in self._held.related:
            self._held.related.add(key)
            spec = RelationSpec(kind, subject, other)
            relations.write(
                self._session, self._actor, self._project, _TYPES[kind], spec, self._note
            )
            self.report.relations += 1

    def _name(self, subject: RegistryEntry, name: str) -> None:
        if (subject.id, fold(name)) not in self._held.names:
            self._held.names.add((subject.id, fold(name)))
            entries.add_name(
                self._session, self._actor, self._project, subject,
                name=name, kind=NameKind.OTHER, evidence=self._note,
            )  # fmt: skip
            self.report.names += 1


def _read_held(session: Session, project: Project) -> _Held:
    here = select(RegistryEntry).where(
        RegistryEntry.project_id == project.id, RegistryEntry.withdrawn_at.is_(None)
    )
    everyone = list(session.scalars(here.order_by(RegistryEntry.id)))
    by_id = {one.id: one for one in everyone}

    def counts(one: RegistryEntry) -> RegistryEntry:
        return by_id.get(one.merged_into_id or one.id, one)

    said = select(Assertion).where(
        Assertion.project_id == project.id, Assertion.withdrawn_at.is_(None)
    )
    related = select(Relation).where(
        Relation.project_id == project.id, Relation.withdrawn_at.is_(None)
    )
    names = select(RegistryName).where(RegistryName.project_id == project.id)
    return _Held(
        accounts={
            (fold(one.platform), fold(one.handle)): counts(one)
            for one in everyone
            if one.kind is EntryKind.ACCOUNT
        },
        entities={fold(one.label): counts(one) for one in everyone if one.kind is EntryKind.ENTITY},
        said={
            (one.entry_id, fold(one.property), fold(one.value), fold(one.basis))
            for one in session.scalars(said)
        },
        related={
            (one.subject_entry_id, one.type, one.object_entry_id)
            for one in session.scalars(related)
        },
        names={(one.entry_id, fold(one.name)) for one in session.scalars(names)},
    )


def accounts_csv(session: Session, project: Project) -> str:
    """Return the accounts and entities as CSV, a row for each statement on state control."""
    held = _read_held(session, project)
    owner = select(Relation.subject_entry_id, RegistryEntry.label).join(
        RegistryEntry, RegistryEntry.id == Relation.object_entry_id
    )
    owners: dict[str | None, list[str]] = {}
    for entry_id, label in session.execute(
        owner.where(
            Relation.project_id == project.id,
            Relation.type == BELONGS,
            Relation.withdrawn_at.is_(None),
        )
    ):
        owners.setdefault(entry_id, []).append(label)
    out = io.StringIO(newline="")
    out.write(BOM)
    writer = csv.writer(out)
    writer.writerow(OUT)
    distinct = {one.id: one for one in (*held.accounts.values(), *held.entities.values())}
    everyone = sorted(distinct.values(), key=lambda one: (one.kind, one.platform, one.label))
    ids = list(distinct)
    names: dict[str, list[str]] = {}
    said: dict[str, list[Assertion]] = {}
    for start in range(0, len(ids), 500):
        batch = ids[start : start + 500]
        for name in entries.names_of(session, batch):
            if name.withdrawn_at is None:
                names.setdefault(name.entry_id, []).append(name.name)
        for one in assertions.assertions_of(session, batch):
            if one.withdrawn_at is None and one.property == CONTROLLED:
                said.setdefault(one.entry_id, []).append(one)
    for entry in everyone:
        begin = [
            entry.kind.value, entry.label, entry.platform, entry.handle, entry.category,
            entry.address, names.get(entry.id, []), owners.get(entry.id, []),
        ]  # fmt: skip
        stated: list[Assertion | None] = [*said.get(entry.id, ())] or [None]
        for statement in stated:
            end: list[object] = ["", "", "", "", "", entry.provenance]
            if statement is not None:
                end = [
                    statement.value, statement.basis, statement.valid_from, statement.valid_to,
                    statement.disputed_by, statement.provenance,
                ]  # fmt: skip
            writer.writerow([spreadsheet_cell(cell) for cell in (*begin, *end)])
    return out.getvalue()


def with_words(origin: Origin, yes: str, no: str) -> Origin:
    """Return an origin with the words, separated by ; or commas, that mean yes and no."""

    def words(text: str) -> frozenset[str]:
        parts = text.replace(",", SEVERAL).split(SEVERAL)
        return frozenset(fold(one) for one in parts if one.strip())

    return replace(origin, yes=words(yes), no=words(no))

"""Files a person brings in: kept, read, looked at, confirmed; nothing becomes an item unasked.

What is carried out after the confirmation stands in services/taking.py; who carries it out, in
jobs/importing.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, UsageError
from annotate.events import Actor
from annotate.models import (
    EventKind,
    ImportFile,
    ImportPage,
    ImportState,
    Project,
    WarcFile,
)
from annotate.services.found_pages import fault_of
from archive.clock import parse_instant
from archive.importing.found import FoundPage, Summary
from archive.store import Original

_ENDED: Final = frozenset({ImportState.REFUSED, ImportState.DISCARDED})
_TOLD_FAULTS: Final = 20
_AT_ONCE: Final = 500
_LISTED_LEFT: Final = 200  # addresses left out that one event names


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person says of one found page; None leaves it as it stands."""

    ticked: bool
    address: str | None = None
    taken_at: str | None = None
    note: str | None = None


def receive(
    session: Session,
    actor: Actor,
    project: Project,
    name: str,
    original: Original,
    *,
    note: str = "",
    container: ImportFile | None = None,
) -> ImportFile:
    """Write down that a file was kept and waits to be read.

    The same bytes are not brought into a project twice: the first import is returned.
    """
    known = session.scalar(
        select(ImportFile).where(
            ImportFile.project_id == project.id,
            ImportFile.sha256 == original.sha256,
            ImportFile.state.not_in(_ENDED),
        )
    )
    if known is not None:
        return known
    made = ImportFile(
        project_id=project.id,
        name=name[:1000],
        kind="",
        size=original.size,
        sha256=original.sha256,
        state=ImportState.WAITING,
        imported_by=actor.user_id,
        note=note.strip(),
        container_id=container.id if container is not None else None,
    )
    session.add(made)
    body = {"file": made.id, "name": name, "sha256": original.sha256, "size": original.size,
            "container": made.container_id}  # fmt: skip
    _record(session, EventKind.FILE_RECEIVE, actor, made, body)
    return made


def refuse(session: Session, actor: Actor, file: ImportFile, reason: str, kind: str = "") -> None:
    """Write down that nothing of a file is imported, and why; it stays listed."""
    file.state = ImportState.REFUSED
    file.kind = kind
    file.reason = reason
    body = {"file": file.id, "name": file.name, "sha256": file.sha256}
    _record(session, EventKind.FILE_REFUSE, actor, file, body, reason=reason)


def set_found(
    session: Session, actor: Actor, file: ImportFile, summary: Summary, pages: Iterable[FoundPage]
) -> None:
    """Write down what reading a file found; it now waits for a person's word."""
    for position, page in enumerate(pages):
        session.add(_proposed(file, position, page))
        if position % _AT_ONCE == _AT_ONCE - 1:
            session.flush()
    told = summary.faults[:_TOLD_FAULTS]
    further = summary.fault_count - len(told)
    file.state = ImportState.FOUND
    file.kind = summary.kind
    file.verdict = summary.verdict
    file.reason = "; ".join(told) + (f"; and {further} more" if further > 0 else "")
    file.records = summary.records
    file.found = summary.pages
    file.writer = summary.writer[:300]
    file.remarks = json.dumps(summary.remarks, ensure_ascii=False)
    body = {"file": file.id, "kind": file.kind, "records": file.records, "pages": file.found,
            "verdict": file.verdict.value if file.verdict else None,
            "faults": summary.fault_count, "remarks": summary.remarks}  # fmt: skip
    _record(session, EventKind.FILE_READ, actor, file, body, reason=file.reason)


def unpacked(session: Session, actor: Actor, file: ImportFile, summary: Summary) -> None:
    """Write down that a ZIP was taken apart: its files are imports of their own."""
    file.state = ImportState.IMPORTED
    file.kind = summary.kind
    told = f"{len(summary.members)} files unpacked; each is listed by itself."
    file.reason = "; ".join([told, *summary.faults[:_TOLD_FAULTS]])
    body = {"file": file.id, "members": [one.name for one in summary.members[:200]]}
    _record(session, EventKind.FILE_IMPORT, actor, file, body, reason=file.reason)


def choose(session: Session, file: ImportFile, choices: Mapping[str, Choice]) -> None:
    """Keep what a person ticked and wrote; nothing is carried out yet.

    :raises UsageError: the file does not wait for a choice
    :raises NotFoundError: a page is none of this file; nothing is kept
    """
    _require_found(file)
    chosen = session.scalars(
        select(ImportPage).where(ImportPage.import_id == file.id, ImportPage.id.in_(choices))
    ).all()
    if len(chosen) != len(choices):
        raise NotFoundError(f"{file.name} has no such page.")
    for page in chosen:
        choice = choices[page.id]
        page.ticked = choice.ticked
        page.address = page.address if choice.address is None else choice.address.strip()[:8000]
        page.taken_at = page.taken_at if choice.taken_at is None else choice.taken_at.strip()[:80]
        page.note = page.note if choice.note is None else choice.note.strip()[:20_000]
    session.flush()


def tick_all(session: Session, file: ImportFile, *, ticked: bool) -> None:
    """Tick or untick every page of a file.

    :raises UsageError: the file does not wait for a choice
    """
    _require_found(file)
    for page in session.scalars(select(ImportPage).where(ImportPage.import_id == file.id)):
        page.ticked = ticked
    session.flush()


def confirm(session: Session, actor: Actor, file: ImportFile) -> int:
    """Let what is ticked become items and captures; return how many pages that is.

    :raises UsageError: a ticked page has no address or time that can be kept; nothing begins
    """
    _require_found(file)
    ticked = list(_pages(session, file, ticked=True))
    faults = [(page, fault) for page in ticked if (fault := fault_of(page))]
    if faults:
        first, why = faults[0]
        raise UsageError(
            f"{len(faults)} of the ticked pages cannot be taken yet; the first is no. "
            f"{first.position + 1}: {why} What you ticked and wrote is kept."
        )
    left = [page.address or page.title for page in _pages(session, file, ticked=False)]
    file.state = ImportState.TAKING
    body = {"file": file.id, "sha256": file.sha256, "taken": len(ticked), "left": len(left),
            "left_out": left[:_LISTED_LEFT]}  # fmt: skip
    _record(session, EventKind.FILE_CONFIRM, actor, file, body)
    return len(ticked)


def discard(session: Session, actor: Actor, file: ImportFile) -> None:
    """Write down that a person wants nothing of a file.

    :raises UsageError: it is no longer to be decided
    """
    if file.state not in {ImportState.FOUND, ImportState.WAITING}:
        raise UsageError(f"{file.name} is {file.state.value}; only what waits can be discarded.")
    file.state = ImportState.DISCARDED
    file.reason = f"Discarded by {actor.name}."
    _record(session, EventKind.FILE_DISCARD, actor, file, {"file": file.id})


def imports_of(session: Session, project_id: str) -> list[ImportFile]:
    """Return a project's imported and refused files, newest first."""
    query = select(ImportFile).where(ImportFile.project_id == project_id)
    return list(session.scalars(query.order_by(ImportFile.id.desc())))


def get_import(session: Session, project_id: str, import_id: str) -> ImportFile:
    """Return an import of the project.

    :raises NotFoundError: there is none of that id
    """
    found = session.get(ImportFile, import_id)
    if found is None or found.project_id != project_id:
        raise NotFoundError("This project has no such import.")
    return found


def is_held(session: Session, sha256: str) -> bool:
    """Tell whether any import still stands on these bytes."""
    query = select(ImportFile.id).where(
        ImportFile.sha256 == sha256, ImportFile.state.not_in(_ENDED)
    )
    return session.scalar(query.limit(1)) is not None


def warcs_of(session: Session, file: ImportFile) -> list[WarcFile]:
    """Return the WARCs of an import that stand in the catalog."""
    return list(session.scalars(select(WarcFile).where(WarcFile.import_id == file.id)))


def next_in(session: Session, state: ImportState) -> ImportFile | None:
    """Return the import that has been in this state longest."""
    query = select(ImportFile).where(ImportFile.state == state).order_by(ImportFile.id)
    return session.scalars(query.limit(1)).first()


def remarks_of(file: ImportFile) -> list[str]:
    """Return what is to be known of a file as a whole."""
    said: list[str] = json.loads(file.remarks)
    return said


def pages_to_take(session: Session, file: ImportFile) -> Sequence[ImportPage]:
    """Return the ticked pages that are no captures yet, in order."""
    return [page for page in _pages(session, file, ticked=True) if page.capture_id is None]


def _proposed(file: ImportFile, position: int, page: FoundPage) -> ImportPage:
    moment = parse_instant(page.captured_at) if page.captured_at else None
    row = ImportPage(
        import_id=file.id,
        position=position,
        kind=page.kind,
        title=page.title,
        outcome=page.outcome,
        reason=page.reason,
        address_claimed=page.address,
        address_basis=page.address_basis,
        address_from=page.address_from[:200],
        time_claimed=moment,
        time_basis=page.time_basis,
        redirected_from=json.dumps(page.redirected_from),
        address=page.address or "",
    )
    row.ticked = page.proposed and not fault_of(row)  # what cannot be taken is not proposed
    return row


def _pages(session: Session, file: ImportFile, *, ticked: bool) -> Iterable[ImportPage]:
    query = select(ImportPage).where(ImportPage.import_id == file.id, ImportPage.ticked == ticked)
    return session.scalars(query.order_by(ImportPage.position))


def _require_found(file: ImportFile) -> None:
    if file.state is not ImportState.FOUND:
        raise UsageError(f"{file.name} is {file.state.value}; nothing is to be chosen now.")


def _record(
    session: Session,
    kind: EventKind,
    actor: Actor,
    file: ImportFile,
    body: Mapping[str, object],
    *,
    reason: str = "",
) -> None:
    events.record(
        session,
        kind,
        actor=actor,
        covers=[file],
        project_id=file.project_id,
        body=body,
        reason=reason,
    )
    session.flush()

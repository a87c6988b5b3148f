"""Re-reading stored evidence: is it there, the same, and as readable as when it came?

Nothing is moved or mended (decisions 23): what a check finds is reported and kept as an event.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.events import Actor
from annotate.models import Event, EventKind, ImportFile, ImportState, WarcFile
from archive.clock import isoformat
from archive.digest import file_sha256
from archive.store import ORIGINAL_NAME, WARC_NAME, Store
from archive.verify import verify_any

_KEPT_IMPORTS: Final = (
    ImportState.WAITING,
    ImportState.FOUND,
    ImportState.TAKING,
    ImportState.IMPORTED,
)  # of the others the bytes are dropped
_KEPT: Final = 500  # findings named in the event; the report has all


class Finding(StrEnum):
    """How a stored file stands against the database."""

    SAME = "as stored"
    LOST = "missing"
    CHANGED = "changed"
    UNKNOWN = "not in the database"


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says of one file; `path` is relative to the home."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one file."""

    path: str
    finding: Finding
    detail: str = ""


@dataclass(frozen=True, slots=True)
class OfProject:
    """What the last run found of one project's files; `ended` is None where there was none."""

    began: datetime | None
    ended: datetime | None
    checked: int
    findings: tuple[dict[str, str], ...]
    newer: int
    """Files stored since the run began."""
    listed: int
    """Findings the run's event names, of all projects; `unlisted` more are only counted."""
    unlisted: int


def stored_files(session: Session, project_id: str | None = None) -> list[Stored]:
    """List every file the database knows, once: WARCs, and imported files as they came.

    :param project_id: None: of every project
    """
    warcs = select(WarcFile.path, WarcFile.sha256)
    files = select(ImportFile.sha256).where(ImportFile.state.in_(_KEPT_IMPORTS))
    if project_id is not None:
        warcs = warcs.where(WarcFile.project_id == project_id)
        files = files.where(ImportFile.project_id == project_id)
    found = {path: Stored(path, sha256) for path, sha256 in session.execute(warcs)}
    for sha256 in session.scalars(files):
        path = f"imports/{sha256}/{ORIGINAL_NAME}"
        found.setdefault(path, Stored(path, sha256))
    return [found[path] for path in sorted(found)]


def check(store: Store, stored: list[Stored]) -> Iterator[Checked]:
    """Re-read every file, and name WARCs among the captures that nothing is known of."""
    known = {one.path for one in stored}
    for one in stored:
        yield _check(store, one)
    for folder in store.capture_folders():
        path = folder / WARC_NAME
        if path.exists() and store.relative(path) not in known:
            yield Checked(store.relative(path), Finding.UNKNOWN, "no row says what this is")


def _check(store: Store, stored: Stored) -> Checked:
    path = store.path(stored.path)
    try:
        found = file_sha256(path)
    except FileNotFoundError:
        return Checked(stored.path, Finding.LOST, "the file is gone")
    except OSError as error:
        return Checked(stored.path, Finding.LOST, f"it cannot be read: {error.strerror}")
    if found != stored.sha256:
        verdict = verify_any(path)
        first = f"; {verdict.faults[0].kind.value}" if verdict.faults else ""
        detail = f"stored as {stored.sha256}, found as {found}: {verdict.word}{first}"
        return Checked(stored.path, Finding.CHANGED, detail)
    return Checked(stored.path, Finding.SAME)


def keep(
    session: Session, actor: Actor, found: list[Checked], began: datetime, ended: datetime
) -> Event:
    """Keep a run as an event of the instance."""
    bad = [one for one in found if one.finding is not Finding.SAME]
    return events.record(
        session,
        EventKind.FIXITY_RUN,
        actor=actor,
        covers=[],
        body={
            "began": isoformat(began),
            "ended": isoformat(ended),
            "files": len(found),
            "bad": len(bad),
            "findings": [
                {"path": one.path, "finding": one.finding.value, "detail": one.detail}
                for one in bad[:_KEPT]
            ],
        },
    )


def last_run(session: Session) -> dict[str, Any] | None:
    """Return what the last run found, as `keep` wrote it; None if there was none."""
    event = session.scalars(
        select(Event).where(Event.kind == EventKind.FIXITY_RUN).order_by(Event.n.desc()).limit(1)
    ).first()
    if event is None or event.document is None:
        return None
    body: dict[str, Any] = json.loads(event.document)["body"]
    return body


def of_project(session: Session, project_id: str, *, whole: bool = False) -> OfProject:
    """Return what the last run found of a project's files.

    :param whole: name files that are of no project too, for those who manage the installation
    """
    run = last_run(session)
    mine = {one.path for one in stored_files(session, project_id)}
    if run is None:
        return OfProject(None, None, 0, (), len(mine), 0, 0)
    began = datetime.fromisoformat(run["began"])
    findings = tuple(
        one
        for one in run["findings"]
        if one["path"] in mine or (whole and one["finding"] == Finding.UNKNOWN.value)
    )
    newer = _stored_since(session, project_id, began)
    listed = len(run["findings"])
    return OfProject(
        began,
        datetime.fromisoformat(run["ended"]),
        len(mine) - newer,
        findings,
        newer,
        listed,
        run["bad"] - listed,
    )


def _stored_since(session: Session, project_id: str, moment: datetime) -> int:
    """Count the project's files that came after a run had listed what it would read."""
    stamp = f"{int(moment.timestamp() * 1000):012x}"  # with which ids begin: RFC 9562, 5.7
    first_id = f"{stamp[:8]}-{stamp[8:]}"
    warcs = select(WarcFile.path).where(WarcFile.project_id == project_id, WarcFile.id >= first_id)
    files = select(ImportFile.sha256).where(
        ImportFile.project_id == project_id,
        ImportFile.state.in_(_KEPT_IMPORTS),
        ImportFile.imported_at >= moment,
    )
    originals = {f"imports/{sha256}/{ORIGINAL_NAME}" for sha256 in session.scalars(files)}
    return len(set(session.scalars(warcs)) | originals)

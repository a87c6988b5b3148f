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
from annotate.models import Event, EventKind, WarcFile
from archive.clock import isoformat
from archive.digest import file_sha256
from archive.store import WARC_NAME, Store
from archive.verify import VerdictWord, verify_any

_KEPT: Final = 500  # findings named in the event; the report has all


class Finding(StrEnum):
    """How a stored file stands against the database."""

    SAME = "as stored"
    LOST = "missing"
    CHANGED = "changed"
    UNKNOWN = "not in the database"


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says of one WARC; `path` is relative to the home."""

    path: str
    sha256: str
    records: int
    verdict: VerdictWord


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one file."""

    path: str
    finding: Finding
    detail: str = ""


def stored_files(session: Session) -> list[Stored]:
    """List every WARC the database knows, whatever its project."""
    rows = session.scalars(select(WarcFile).order_by(WarcFile.path)).all()
    return [Stored(row.path, row.sha256, row.records, row.verdict) for row in rows]


def check(store: Store, stored: list[Stored]) -> Iterator[Checked]:
    """Re-read every file, and name WARCs among the captures that nothing is known of."""
    known = set()
    for one in stored:
        if one.path not in known:  # one file may have been imported into several projects
            known.add(one.path)
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

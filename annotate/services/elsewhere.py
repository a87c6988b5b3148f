"""Codings made elsewhere, which files brought: shown with their item, counted, withdrawn."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.events import Actor
from annotate.models import (
    Annotation,
    CodingElsewhere,
    EventKind,
    ForeignKind,
    ForeignName,
    ImportFile,
    Item,
    Project,
)
from annotate.services import annotating
from archive.clock import utc_now


def undo(session: Session, actor: Actor, project: Project, file: ImportFile) -> int:
    """Withdraw the highlights and codings an import brought; its texts and codebook stay.

    Returns how many were withdrawn.
    """
    rows = session.scalars(
        select(CodingElsewhere).where(
            CodingElsewhere.import_id == file.id, CodingElsewhere.withdrawn_at.is_(None)
        )
    ).all()
    for row in rows:
        row.withdrawn_at = utc_now()
    for item_id in dict.fromkeys(row.item_id for row in rows):
        held = [row for row in rows if row.item_id == item_id]
        events.record(
            session,
            EventKind.CODING_IMPORT_UNDO,
            actor=actor,
            covers=held,
            project_id=project.id,
            item=session.get(Item, item_id),
            body={"file": file.id, "codings": len(held)},
        )
    session.flush()
    brought = session.scalars(
        select(ForeignName.row_id).where(
            ForeignName.import_id == file.id, ForeignName.kind == ForeignKind.HIGHLIGHT
        )
    ).all()
    marks = 0
    for row_id in brought:
        one = session.get(Annotation, row_id)
        if one is not None and one.withdrawn_at is None:
            annotating.withdraw(session, replace(actor, user_id=one.made_by), one)
            marks += 1
    return len(rows) + marks


def of_item(session: Session, item_id: str) -> list[CodingElsewhere]:
    """Return the codings that files brought to an item."""
    query = select(CodingElsewhere).where(
        CodingElsewhere.item_id == item_id, CodingElsewhere.withdrawn_at.is_(None)
    )
    return list(session.scalars(query.order_by(CodingElsewhere.coder, CodingElsewhere.label)))


def counts_of(session: Session, file: ImportFile) -> int:
    """Return how many codings and highlights of an import stand."""
    codings = session.scalars(
        select(CodingElsewhere.id).where(
            CodingElsewhere.import_id == file.id, CodingElsewhere.withdrawn_at.is_(None)
        )
    ).all()
    marks = session.scalars(
        select(Annotation.id)
        .join(ForeignName, ForeignName.row_id == Annotation.id)
        .where(ForeignName.import_id == file.id, Annotation.withdrawn_at.is_(None))
    ).all()
    return len(codings) + len(marks)

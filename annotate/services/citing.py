"""A capture as it is cited, and where an item comes from."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.exchange import prov
from annotate.exchange.citation import Cited
from annotate.models import Capture, Event, Item, Project, Rendition, User, WarcFile


def cited(session: Session, capture: Capture) -> Cited:
    """Return a capture as it is cited."""
    item = session.get_one(Item, capture.item_id)
    project = session.get_one(Project, capture.project_id)
    warc = session.get(WarcFile, capture.warc_file_id) if capture.warc_file_id else None
    return Cited(
        capture_id=capture.id,
        title=capture.title or item.title or capture.address,
        address=capture.address,
        host=item.host,
        captured_at=capture.captured_at,
        language=capture.language or "",
        study=project.name,
        warc_sha256=warc.sha256 if warc is not None else "",
        record_id=capture.main_record_id or "",
        payload_digest=capture.payload_digest or "",
    )


def provenance(session: Session, item: Item) -> dict[str, Any]:
    """Return an item's provenance as PROV-JSON: what the session may see of its events."""
    rows = session.execute(
        select(Capture, User.pseudonym, WarcFile.sha256, Rendition.sha256)
        .outerjoin(User, User.id == Capture.operator_id)
        .outerjoin(WarcFile, WarcFile.id == Capture.warc_file_id)
        .outerjoin(Rendition, Rendition.capture_id == Capture.id)
        .where(Capture.item_id == item.id)
        .order_by(Capture.id)
    )
    captures = [
        prov.Seen(
            id=one.id,
            address=one.final_address or one.address,
            began=one.captured_at,
            ended=one.finished_at,
            outcome=one.outcome.value,
            software=one.software,
            operator=operator or "",
            warc_sha256=warc or "",
            record_id=one.main_record_id or "",
            text_sha256=text or "",
        )
        for one, operator, warc, text in rows
    ]
    events = session.scalars(select(Event).where(Event.item_id == item.id).order_by(Event.id))
    acts = [
        prov.Act(f"{one.ledger}-{one.n}", one.kind.value, one.at, one.actor, one.digest)
        for one in events
    ]
    return prov.document(item.id, item.address, item.title, captures, acts)

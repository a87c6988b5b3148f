"""The words an item is found by: the capture it shows, its documents, and what older ones add."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.models import Capture, DocumentRendition, Item, Rendition
from annotate.services.counting import SEEN


def words_of(session: Session, item_ids: Sequence[str]) -> dict[str, str]:
    """Return for each item its shown text, then its documents', then lines only others have.

    Other captures count where the post itself was kept (`SEEN`): what a tombstone or a sign-in
    page says is no word of the item. A line that the shown text has is not said again, so that
    looking often makes no item weigh more.
    """
    pieces: dict[str, list[str]] = defaultdict(list)
    shown = (
        select(Item.id, Rendition.text)
        .join(Rendition, Rendition.capture_id == Item.latest_capture_id)
        .where(Item.id.in_(item_ids))
    )
    for item_id, text in session.execute(shown):
        pieces[item_id].append(text)
    for item_id, text in _documents(session, item_ids):
        if text:
            pieces[item_id].append(text)
    for item_id, digests in _other_texts(session, item_ids).items():
        known = {line for piece in pieces[item_id] for line in piece.split("\n")}
        for capture_id in digests.values():
            text = session.get_one(Rendition, capture_id).text
            fresh = [line for line in text.split("\n") if line not in known]
            known.update(fresh)
            pieces[item_id] += fresh
    return {item_id: "\n".join(found) for item_id, found in pieces.items()}


def _documents(session: Session, item_ids: Sequence[str]) -> list[tuple[str, str]]:
    """Return the texts of documents, each once an item, of every capture that counts."""
    query = (
        select(Capture.item_id, DocumentRendition.sha256, DocumentRendition.text)
        .join(Capture, Capture.id == DocumentRendition.capture_id)
        .where(Capture.item_id.in_(item_ids), Capture.outcome.in_(SEEN))
        .order_by(Capture.captured_at.desc(), DocumentRendition.position)
    )
    found = {(item_id, sha256): text for item_id, sha256, text in session.execute(query) if text}
    return [(item_id, text) for (item_id, _sha256), text in found.items()]


def _other_texts(session: Session, item_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return by item the captures whose text no newer one has, by that text's digest."""
    query = (
        select(Capture.item_id, Capture.id, Rendition.sha256, Item.latest_capture_id)
        .join(Rendition, Rendition.capture_id == Capture.id)
        .join(Item, Item.id == Capture.item_id)
        .where(Capture.item_id.in_(item_ids), Capture.outcome.in_(SEEN))
        .order_by(Capture.captured_at.desc(), Capture.id.desc())
    )
    found: dict[str, dict[str, str]] = defaultdict(dict)
    shown: dict[str, str] = {}
    for item_id, capture_id, sha256, latest in session.execute(query):
        if capture_id == latest:
            shown[item_id] = sha256
        else:
            found[item_id].setdefault(sha256, capture_id)
    for item_id, digests in found.items():
        digests.pop(shown.get(item_id, ""), None)
    return found

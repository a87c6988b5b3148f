"""The rows of a list: each item once, with its captures folded under it and its words marked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate.models import Capture, DocumentRendition, Item, Note, Project, Rendition, Tag
from annotate.services import sensitive
from annotate.services.fields import fields_of, values_of
from annotate.services.tags import tags_of
from archive.capture.outcome import Outcome
from search.query import Node, TextField
from search.results import Snippet, marked_title, snippet

_READ: Final = 200_000  # characters of a rendition looked at for a snippet


@dataclass(frozen=True, slots=True)
class FoldedCapture:
    """One capture of an item, as the list shows it when unfolded."""

    id: str
    captured_at: datetime
    outcome: Outcome
    engine: str
    has_thumbnail: bool


@dataclass(frozen=True, slots=True)
class FoundIn:
    """A document in a capture, named as the list names it."""

    capture_id: str
    position: int
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """One item as a list shows it."""

    item: Item
    title: Snippet
    snippet: Snippet
    snippet_from: FoldedCapture | None
    """The capture the snippet stands in, where it is not the one shown."""
    document: FoundIn | None
    """The document the snippet stands in, where it is not the page's own text."""
    note: Snippet | None
    """Words of a note, where the query's words stand there."""
    tags: tuple[Tag, ...]
    values: Mapping[str, tuple[str, ...]]
    addresses: int  # further addresses judged the same
    captures: tuple[FoldedCapture, ...]  # newest first
    has_thumbnail: bool
    sensitive: bool


def rows_of(session: Session, project: Project, ids: Sequence[str], query: Node) -> list[Row]:
    """Return the rows of items, in the order asked for; one that is gone is left out."""
    found = {
        item.id: (item, text or "")
        for item, text in session.execute(
            select(Item, func.substr(Rendition.text, 1, _READ))
            .outerjoin(Rendition, Rendition.capture_id == Item.latest_capture_id)
            .where(Item.id.in_(ids))
        )
    }
    tags = tags_of(session, ids)
    values = values_of(session, ids)
    keys = {field.id: field.key for field in fields_of(session, project.id)}
    same = Counter(session.scalars(select(Item.same_as_id).where(Item.same_as_id.in_(ids))))
    captures = captures_of(session, ids)
    marked = sensitive.among(session, ids)
    made = []
    for item_id in ids:
        if item_id not in found:
            continue
        item, text = found[item_id]
        shown = next((one for one in captures[item_id] if one.id == item.latest_capture_id), None)
        held = values.get(item_id, {})
        made.append(
            Row(
                item=item,
                title=marked_title(item.title or item.address, query),
                snippet=snippet(text, query),
                snippet_from=None,
                document=None,
                note=None,
                tags=tuple(tags[item_id]),
                values={
                    keys[key]: tuple(one.value for one in got)
                    for key, got in held.items()
                    if key in keys
                },
                addresses=same.get(item_id, 0),
                captures=tuple(captures[item_id]),
                has_thumbnail=shown is not None and shown.has_thumbnail,
                sensitive=item_id in marked,
            )
        )
    return _with_further_places(session, made, query)


def captures_of(session: Session, item_ids: Sequence[str]) -> dict[str, list[FoldedCapture]]:
    """Return the captures of items, newest first."""
    query = (
        select(
            Capture.item_id,
            Capture.id,
            Capture.captured_at,
            Capture.outcome,
            Capture.engine,
            Capture.has_thumbnail,
        )
        .where(Capture.item_id.in_(item_ids))
        .order_by(Capture.captured_at.desc(), Capture.id.desc())
    )
    found: dict[str, list[FoldedCapture]] = defaultdict(list)
    for item_id, key, captured_at, outcome, engine, pictured in session.execute(query):
        found[item_id].append(FoldedCapture(key, captured_at, outcome, engine, pictured))
    return found


def _with_further_places(session: Session, rows: list[Row], query: Node) -> list[Row]:
    """Where the shown text has none of the words, look in notes and in the other captures."""
    bare = [row for row in rows if not row.snippet.found]
    ids = [row.item.id for row in bare]
    notes: dict[str, list[str]] = defaultdict(list)
    for item_id, text in session.execute(
        select(Note.item_id, Note.text).where(Note.item_id.in_(ids), Note.withdrawn_at.is_(None))
    ):
        notes[item_id].append(text)
    older = [one.id for row in bare for one in row.captures if one.id != row.item.latest_capture_id]
    written = select(Rendition.capture_id, func.substr(Rendition.text, 1, _READ)).where(
        Rendition.capture_id.in_(older)
    )
    places = _Places(
        notes=notes,
        texts={row[0]: row[1] for row in session.execute(written)},
        documents=_documents(session, [one.id for row in bare for one in row.captures]),
    )
    return [row if row.snippet.found else _further(row, places, query) for row in rows]


@dataclass(frozen=True, slots=True)
class _Places:
    """Where words may stand besides the shown text: by item, and by capture."""

    notes: Mapping[str, Sequence[str]]
    texts: Mapping[str, str]
    documents: Mapping[str, Sequence[tuple[FoundIn, str]]]


def _documents(
    session: Session, capture_ids: Sequence[str]
) -> dict[str, list[tuple[FoundIn, str]]]:
    query = select(
        DocumentRendition.capture_id,
        DocumentRendition.position,
        DocumentRendition.kind,
        DocumentRendition.title,
        func.substr(DocumentRendition.text, 1, _READ),
    ).where(DocumentRendition.capture_id.in_(capture_ids), DocumentRendition.text != "")
    found: dict[str, list[tuple[FoundIn, str]]] = defaultdict(list)
    for *place, text in session.execute(query.order_by(DocumentRendition.position)):
        found[place[0]].append((FoundIn(*place), text))
    return found


def _further(row: Row, places: _Places, query: Node) -> Row:
    marked = (snippet(text, query, field=TextField.NOTE) for text in places.notes[row.item.id])
    return replace(
        row,
        note=next((one for one in marked if one.found), None),
        **_elsewhere(row, places, query),
    )


def _elsewhere(row: Row, places: _Places, query: Node) -> dict[str, Any]:
    """Look in the documents and texts of the row's captures, newest first."""
    for capture in row.captures:
        shown = capture.id == row.item.latest_capture_id
        where = None if shown else capture
        if not shown and capture.id in places.texts:
            made = snippet(places.texts[capture.id], query)
            if made.found:
                return {"snippet": made, "snippet_from": where}
        for document, text in places.documents.get(capture.id, ()):
            made = snippet(text, query)
            if made.found:
                return {"snippet": made, "snippet_from": where, "document": document}
    return {}

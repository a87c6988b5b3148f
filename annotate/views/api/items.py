"""Items, tags, notes, fields and captures over the API."""

from __future__ import annotations

import json
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import NotFoundError, UsageError
from annotate.models import Capture, NoteKind, Rendition, ValueSource
from annotate.permissions import Act
from annotate.services import (
    checks,
    citing,
    data_only,
    elsewhere,
    exports,
    fields,
    identities,
    items,
    library,
    notes,
    renditions,
    requests,
    tags,
)
from annotate.views.api.spec import endpoint, number, project
from annotate.views.context import ProjectContext, actor, parts
from archive.clock import isoformat
from archive.urlkey import Address

_TEXT = {"type": "string"}
_OPTIONAL = {"type": "string", "required": False}
_PAGE = {"page": {"type": "integer"}, "size": {"type": "integer"}}


@endpoint("GET", project(""), Act.COUNT, "The project: window, zone, study fields")
def show_project(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Return the project."""
    held = context.project
    return {
        "slug": held.slug,
        "name": held.name,
        "window_from": held.window_from.isoformat() if held.window_from else None,
        "window_to": held.window_to.isoformat() if held.window_to else None,
        "reporting_zone": held.reporting_zone,
        "version": held.row_version,
        "role": context.role.value,
        "fields": [
            {"key": one.key, "label": one.label, "type": one.type.value}
            for one in fields.fields_of(session, held.id)
        ],
    }


@endpoint(
    "GET",
    project("/items"),
    Act.READ,
    "Items a query of the query language finds, best first",
    query={"q": {"type": "string"}} | _PAGE,
)
def find(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Return one page of what a query finds."""
    page, size = number("page", 1, 1_000_000), number("size", 50, 500)
    query = request.args.get("q", "")
    found = library.ids_for(session, context.project, query, parts().engine, context.zone)
    shown = found[(page - 1) * size : page * size]
    rows = exports.item_rows(session, context.project, shown)
    return {"query": query, "total": len(found), "page": page, "size": size, "items": rows}


@endpoint("GET", project("/items/<item_id>"), Act.READ, "An item with tags, notes and fields")
def show(session: Session, context: ProjectContext, _body: Any, item_id: str) -> dict[str, Any]:
    """Return an item."""
    item = items.get_item(session, context.project.id, item_id)
    row = exports.item_rows(session, context.project, [item.id])[0]
    held = fields.values_of(session, [item.id])[item.id]
    return row | {
        "notes": [
            {"id": note.id, "kind": note.kind.value, "text": note.text, "version": note.row_version}
            for note, _versions in notes.notes_of(session, item.id)
        ],
        "field_versions": {
            one.key: fields.version_of(held.get(one.id, []))
            for one in fields.fields_of(session, context.project.id)
        },
    }


@endpoint("GET", project("/items/<item_id>/text"), Act.READ, "The text of the item's last capture")
def text(session: Session, context: ProjectContext, _body: Any, item_id: str) -> dict[str, Any]:
    """Return the text rendition with its digest, and those of documents in the capture."""
    item = items.get_item(session, context.project.id, item_id)
    rendition = session.get(Rendition, item.latest_capture_id) if item.latest_capture_id else None
    if rendition is None:
        raise NotFoundError("Nothing is captured of this item.")
    return {
        "capture": rendition.capture_id,
        "sha256": rendition.sha256,
        "version": rendition.version,
        "language": rendition.language,
        "language_sure": rendition.language_sure,
        "text": rendition.text,
        "documents": [
            {
                "record": one.position,
                "address": one.address,
                "kind": one.kind,
                "is_page": one.is_page,
                "title": one.title,
                "sha256": one.sha256,
                "version": one.version,
                "note": one.note,
                "language": one.language,
                "language_sure": one.language_sure,
                "text": one.text,
            }
            for one in renditions.documents_in_capture(session, rendition.capture_id)
        ],
    }


@endpoint(
    "POST", project("/items/<item_id>/tags"), Act.TAG, "Put a tag on an item", body={"name": _TEXT}
)
def add_tag(session: Session, context: ProjectContext, body: Any, item_id: str) -> dict[str, Any]:
    """Tag an item."""
    item = items.get_item(session, context.project.id, item_id)
    tag = tags.add_tag(session, actor(), context.project, item, body["name"])
    return {"id": tag.id, "name": tag.name}


@endpoint("DELETE", project("/items/<item_id>/tags/<tag_id>"), Act.TAG, "Take a tag off an item")
def remove_tag(
    session: Session, context: ProjectContext, _body: Any, item_id: str, tag_id: str
) -> dict[str, Any]:
    """Untag an item."""
    item = items.get_item(session, context.project.id, item_id)
    tag = tags.get_tag(session, context.project, tag_id)
    tags.remove_tag(session, actor(), context.project, item, tag)
    return {"removed": tag.name}


@endpoint(
    "POST",
    project("/items/<item_id>/notes"),
    Act.NOTE,
    "Write a note",
    body={"text": _TEXT, "kind": {"type": "string", "enum": [one.value for one in NoteKind]}},
)
def add_note(session: Session, context: ProjectContext, body: Any, item_id: str) -> dict[str, Any]:
    """Write a note."""
    item = items.get_item(session, context.project.id, item_id)
    try:
        kind = NoteKind(body["kind"])
    except ValueError as error:
        raise UsageError(f"There is no kind of note {body['kind']!r}.") from error
    note = notes.add_note(session, actor(), context.project, item, kind, body["text"])
    return {"id": note.id, "version": note.row_version}


@endpoint(
    "PUT",
    project("/notes/<note_id>"),
    Act.NOTE,
    "Give a note another text; 409 if somebody saved in between",
    body={"text": _TEXT, "version": {"type": "integer"}},
)
def edit_note(session: Session, context: ProjectContext, body: Any, note_id: str) -> dict[str, Any]:
    """Edit a note."""
    note = notes.get_note(session, context.project, note_id)
    notes.edit_note(session, actor(), context.project, note, body["text"], seen=body["version"])
    return {"id": note.id, "version": note.row_version}


@endpoint(
    "PUT",
    project("/notes/<note_id>/withdrawn"),
    Act.NOTE,
    "Withdraw your note, or take that back",
    body={"withdrawn": {"type": "boolean"}},
)
def withdraw_note(
    session: Session, context: ProjectContext, body: Any, note_id: str
) -> dict[str, Any]:
    """Withdraw a note, or take that back."""
    note = notes.get_note(session, context.project, note_id)
    notes.withdraw(session, actor(), context.project, note, back=not body["withdrawn"])
    return {"id": note.id, "withdrawn": note.withdrawn_at is not None}


@endpoint(
    "PUT",
    project("/items/<item_id>/fields/<key>"),
    Act.SET_FIELD,
    "Set the values of a study field; 409 if somebody saved in between",
    body={"values": {"type": "array", "items": _TEXT}, "version": _OPTIONAL},
)
def set_field(
    session: Session, context: ProjectContext, body: Any, item_id: str, key: str
) -> dict[str, Any]:
    """Set a field's values."""
    item = items.get_item(session, context.project.id, item_id)
    held = {one.key: one for one in fields.fields_of(session, context.project.id)}
    if key not in held:
        raise NotFoundError(f"This project has no field {key!r}.")
    seen = {key: body["version"]} if "version" in body else None
    fields.set_values(
        session,
        actor(),
        context.project,
        item,
        {held[key]: [str(value) for value in body["values"]]},
        source=ValueSource.PERSON,
        seen=seen,
    )
    checks.recheck_item(session, actor(), context.project, item)
    now = fields.values_of(session, [item.id])[item.id].get(held[key].id, [])
    return {"values": [one.raw for one in now], "version": fields.version_of(now)}


@endpoint(
    "POST",
    project("/requests"),
    Act.CAPTURE,
    "Ask for captures of addresses",
    body={
        "addresses": {"type": "array", "items": _TEXT},
        "engine": {"type": "string", "enum": list(requests.ENGINES), "required": False},
        "reason": _OPTIONAL,
        "session": _OPTIONAL | {"description": "name or id of a capture session"},
        "media": {"type": "boolean", "required": False, "description": "films too"},
    },
)
def ask(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Queue captures."""
    asked = requests.ask(
        session,
        actor(),
        context.project,
        [Address.parse(str(one)) for one in body["addresses"]],
        engine=body.get("engine", "auto"),
        why=body.get("reason", ""),
        signed_in=identities.chosen(session, context.project.id, body.get("session", "")),
        media=body.get("media", False),
    )
    return {
        "requests": [one.id for one in asked.requests],
        "items": [one.item_id for one in asked.requests],
        "already_waiting": asked.already_waiting,
    }


@endpoint("GET", project("/requests/<request_id>"), Act.READ, "How a capture request stands")
def show_request(
    session: Session, context: ProjectContext, _body: Any, request_id: str
) -> dict[str, Any]:
    """Return a request."""
    one = requests.get_request(session, context.project.id, request_id)
    return {
        "id": one.id,
        "item": one.item_id,
        "address": one.address,
        "state": one.state.value,
        "outcome": one.outcome.value if one.outcome else None,
        "reason": one.reason,
        "attempts": one.attempts,
        "capture": one.capture_id,
    }


@endpoint("GET", project("/items/<item_id>/captures"), Act.READ, "An item's captures, newest first")
def captures(session: Session, context: ProjectContext, _body: Any, item_id: str) -> dict[str, Any]:
    """Return the captures of an item."""
    item = items.get_item(session, context.project.id, item_id)
    query = select(Capture).where(Capture.item_id == item.id)
    return {
        "captures": [
            {
                "id": one.id,
                "outcome": one.outcome.value,
                "reason": one.reason,
                "captured_at": isoformat(one.captured_at),
                "engine": one.engine,
                "payload_digest": one.payload_digest,
            }
            for one in session.scalars(query.order_by(Capture.captured_at.desc()))
        ]
    }


@endpoint(
    "GET",
    project("/items/<item_id>/codings-elsewhere"),
    Act.READ,
    "Codings that imported projects of other programs brought to an item (docs/exchange.md)",
)
def list_codings_elsewhere(
    session: Session, context: ProjectContext, _body: Any, item_id: str
) -> dict[str, Any]:
    """List an item's codings made elsewhere."""
    item = items.get_item(session, context.project.id, item_id)
    return {
        "codings": [
            {
                "guid": one.guid,
                "code": one.code_id,
                "label": one.label,
                "coder": one.coder,
                "made_at": isoformat(one.made_at) if one.made_at else None,
                "capture": one.capture_id,
                "highlight": one.annotation_id,
                "notes": json.loads(one.notes),
            }
            for one in elsewhere.of_item(session, item.id)
        ]
    }


@endpoint(
    "GET",
    project("/data"),
    Act.COUNT,
    "Items as data, without a word of what was captured; narrowed by labels only",
    query={"q": {"type": "string"}} | _PAGE,
)
def data(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Return one page of the list of items as data."""
    page, size = number("page", 1, 1_000_000), number("size", 50, 500)
    query = request.args.get("q", "")
    data_only.check_query(session, context.project, query)
    found = library.ids_for(session, context.project, query, parts().engine, context.zone)
    shown = data_only.rows(session, context.project, found[(page - 1) * size : page * size])
    return {"query": query, "total": len(found), "page": page, "size": size, "items": shown}


@endpoint("GET", project("/items/<item_id>/prov"), Act.READ, "Where an item comes from (PROV-JSON)")
def provenance(
    session: Session, context: ProjectContext, _body: Any, item_id: str
) -> dict[str, Any]:
    """Return an item's provenance."""
    item = items.get_item(session, context.project.id, item_id)
    return citing.provenance(session, item)

"""The registry over the API: entries, names, handles, statements, relations, judgements, undo."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy.orm import Session

from annotate.models import Assertion, KeptRow
from annotate.permissions import Act
from annotate.services.label_index import labels_of
from annotate.services.live import Happening
from annotate.services.registry import (
    assertions,
    entries,
    finding,
    keeping,
    merging,
    pages,
)
from annotate.services.registry.assertions import AssertionSpec
from annotate.services.registry.entries import EntrySpec
from annotate.services.registry.evidence import Evidence, find_evidence
from annotate.views import registry_forms as forms
from annotate.views.api.spec import endpoint, number, project
from annotate.views.context import ProjectContext, actor
from archive.clock import isoformat

_TEXT = {"type": "string"}
_OPTIONAL = {"type": "string", "required": False}
_WHOLE = {"type": "integer"}
_DAY = {"type": "string", "format": "date", "required": False}
EVIDENCE = {
    "evidence_item": _OPTIONAL | {"description": "id of an item that shows it"},
    "evidence_address": _OPTIONAL | {"description": "or its address"},
    "evidence_capture": _OPTIONAL | {"description": "or the id of one capture"},
    "provenance": _OPTIONAL | {"description": "or a note: where it comes from"},
}
DAYS = {"valid_from": _DAY, "valid_to": _DAY}
_ENTRY = dict.fromkeys(entries.EDITABLE, _OPTIONAL)
_SAID = {"property": _TEXT, "value": _TEXT, "basis": _TEXT, "disputed_by": _OPTIONAL, **DAYS}


@endpoint(
    "GET",
    project("/registry"),
    Act.READ,
    "Entries of the registry by any name, in any script",
    query={"q": _TEXT, "kind": _TEXT, "page": _WHOLE, "size": _WHOLE},
)
def list_entries(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List entries."""
    known = labels_of(session, context.project.id).known
    kind = request.args.get("kind", "")
    wanted = forms.entry_kind(kind) if kind else None
    found = finding.matching(known, request.args.get("q", ""), wanted)
    page, size = number("page", 1, 100_000), number("size", 100, 500)
    return {
        "total": len(found),
        "entries": [
            {
                "id": one.id,
                "kind": one.kind.value,
                "label": one.label,
                "reference": known.references[one.id],
                "platform": one.platform,
                "handle": one.handle,
                "category": one.category,
            }
            for one in found[(page - 1) * size : page * size]
        ],
    }


@endpoint(
    "POST",
    project("/registry"),
    Act.REGISTER,
    "Add an account, entity or work",
    body={"kind": _TEXT, **_ENTRY, **EVIDENCE},
)
def add_entry(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Add an entry."""
    spec = EntrySpec(
        forms.entry_kind(body["kind"]), **{name: body.get(name, "") for name in entries.EDITABLE}
    )
    evidence = evidence_of(session, context, body)
    return row_json(entries.create(session, actor(), context.project, spec, evidence))


@endpoint(
    "GET",
    project("/registry/<entry_id>"),
    Act.READ,
    "An entry with its names, handles, statements, relations, judgements and numbers of items",
)
def show_entry(
    session: Session, context: ProjectContext, _body: Any, entry_id: str
) -> dict[str, Any]:
    """Return an entry."""
    entry = entries.get_entry(session, context.project, entry_id)
    page = pages.entry_page(session, context.project, entry, context.zone)
    return row_json(entry) | {
        "reference": page.reference,
        "merged_into": entry.merged_into_id,
        "counts_together_with": [one.id for one in page.group if one.id != entry.id],
        "names": [row_json(one) for one in page.names],
        "handles": [row_json(one) for one in page.handles],
        "assertions": [
            row_json(one) | {"contradicted": one.id in page.contradicting}
            for one, _item in page.assertions
        ],
        "relations": [row_json(one.row) for one in page.relations],
        "judgements": [row_json(one) for one, _from, _into in page.judgements],
        "items": {one.words: {"number": one.number, "query": one.query} for one in page.numbers},
    }


@endpoint(
    "PUT",
    project("/registry/<entry_id>"),
    Act.REGISTER,
    "Change an entry; 409 if somebody saved in between",
    body={"row_version": _WHOLE, "reason": _OPTIONAL, **_ENTRY},
)
def change_entry(
    session: Session, context: ProjectContext, body: Any, entry_id: str
) -> dict[str, Any]:
    """Change an entry."""
    entry = entries.get_entry(session, context.project, entry_id)
    values = {name: body[name] for name in entries.EDITABLE if name in body}
    entries.change(
        session, actor(), context.project, entry, values,
        seen=body["row_version"], reason=body.get("reason", ""),
    )  # fmt: skip
    return row_json(entry)


@endpoint("GET", project("/registry/<entry_id>/history"), Act.READ, "All that was done to an entry")
def entry_history(
    session: Session, context: ProjectContext, _body: Any, entry_id: str
) -> dict[str, Any]:
    """Return the history of an entry."""
    group = entries.group_of(session, entries.get_entry(session, context.project, entry_id))
    return {"history": [_event(one) for one in keeping.history(session, [g.id for g in group])]}


@endpoint(
    "POST",
    project("/registry/<entry_id>/names"),
    Act.REGISTER,
    "Give an entry a further name",
    body={"name": _TEXT, "kind": _TEXT, "language": _OPTIONAL, **EVIDENCE},
)
def add_name(session: Session, context: ProjectContext, body: Any, entry_id: str) -> dict[str, Any]:
    """Add a name."""
    entry = entries.get_entry(session, context.project, entry_id)
    made = entries.add_name(
        session, actor(), context.project, entry,
        name=body["name"], kind=forms.name_kind(body["kind"]), language=body.get("language", ""),
        evidence=evidence_of(session, context, body),
    )  # fmt: skip
    return row_json(made)


@endpoint(
    "POST",
    project("/registry/<entry_id>/handles"),
    Act.REGISTER,
    "Say that an account had a handle, and when",
    body={"handle": _TEXT, **DAYS, **EVIDENCE},
)
def add_handle(
    session: Session, context: ProjectContext, body: Any, entry_id: str
) -> dict[str, Any]:
    """Add a handle."""
    entry = entries.get_entry(session, context.project, entry_id)
    made = entries.add_handle(
        session, actor(), context.project, entry, handle=body["handle"],
        valid_from=forms.parse_day(body.get("valid_from", "")),
        valid_to=forms.parse_day(body.get("valid_to", "")),
        evidence=evidence_of(session, context, body),
    )  # fmt: skip
    return row_json(made)


@endpoint(
    "POST",
    project("/registry/<entry_id>/assertions"),
    Act.REGISTER,
    "State something of an entry, with evidence or a provenance note",
    body={**_SAID, **EVIDENCE},
)
def add_assertion(
    session: Session, context: ProjectContext, body: Any, entry_id: str
) -> dict[str, Any]:
    """State something."""
    entry = entries.get_entry(session, context.project, entry_id)
    evidence = evidence_of(session, context, body)
    return row_json(
        assertions.state(session, actor(), context.project, entry, _said(body), evidence)
    )


@endpoint(
    "PUT",
    project("/assertions/<assertion_id>"),
    Act.REGISTER,
    "Change a statement; 409 if somebody saved in between",
    body={"row_version": _WHOLE, "reason": _OPTIONAL, **_SAID, **EVIDENCE},
)
def change_assertion(
    session: Session, context: ProjectContext, body: Any, assertion_id: str
) -> dict[str, Any]:
    """Change a statement."""
    row = keeping.get(session, context.project, Assertion, assertion_id, "statement")
    assertions.change(
        session, actor(), context.project, row, _said(body), evidence_of(session, context, body),
        seen=body["row_version"], reason=body.get("reason", ""),
    )  # fmt: skip
    return row_json(row)


@endpoint(
    "POST",
    project("/registry/<entry_id>/judgements"),
    Act.JUDGE_SAME,
    "Say whether an entry is the same as another, which then counts",
    body={"into": _TEXT, "judgement": _TEXT, "reason": _TEXT},
)
def judge(session: Session, context: ProjectContext, body: Any, entry_id: str) -> dict[str, Any]:
    """Judge two entries."""
    entry = entries.get_entry(session, context.project, entry_id)
    into = entries.get_entry(session, context.project, body["into"])
    made = merging.judge(
        session, actor(), context.project, entry, into,
        forms.judgement(body["judgement"]), body["reason"],
    )  # fmt: skip
    return row_json(made)


@endpoint(
    "POST",
    project("/registry-judgements/<judgement_id>/undo"),
    Act.JUDGE_SAME,
    "Take a judgement back: the entries are apart again",
)
def undo_judgement(
    session: Session, context: ProjectContext, _body: Any, judgement_id: str
) -> dict[str, Any]:
    """Undo a judgement."""
    return row_json(merging.undo(session, actor(), context.project, judgement_id))


@endpoint(
    "POST",
    project("/kept/<table>/<row_id>/withdraw"),
    Act.REGISTER,
    "Take a row of the registry back, or put it back; 409 if somebody saved in between",
    body={"row_version": _WHOLE, "back": {"type": "boolean", "required": False}},
)
def withdraw(
    session: Session, context: ProjectContext, body: Any, table: str, row_id: str
) -> dict[str, Any]:
    """Withdraw a row."""
    row = keeping.find(session, context.project, table, row_id)
    context.permit(keeping.act_of(row))
    keeping.withdraw(
        session, actor(), context.project, row,
        back=body.get("back", False), seen=body["row_version"],
    )  # fmt: skip
    return row_json(row)


@endpoint(
    "POST",
    project("/changes/<int:event_id>/undo"),
    Act.REGISTER,
    "Take one change of the registry back; 409 if a later one stands on it",
)
def undo(session: Session, context: ProjectContext, _body: Any, event_id: int) -> dict[str, Any]:
    """Undo a change."""
    row = keeping.undo(session, actor(), context.project, event_id)
    context.permit(keeping.act_of(row))
    return row_json(row)


def row_json(row: KeptRow) -> dict[str, Any]:
    """Return a kept row with its id and version."""
    return {
        "id": row.id,
        "row_version": row.row_version,
        "made_at": isoformat(row.made_at),
        **keeping.document(row),
    }


def _said(body: Any) -> AssertionSpec:
    return AssertionSpec(
        property=body["property"],
        value=body["value"],
        basis=body["basis"],
        valid_from=forms.parse_day(body.get("valid_from", "")),
        valid_to=forms.parse_day(body.get("valid_to", "")),
        disputed_by=body.get("disputed_by", ""),
    )


def evidence_of(session: Session, context: ProjectContext, body: Any) -> Evidence:
    """Find what a body names as evidence."""
    return find_evidence(
        session,
        context.project,
        item_id=body.get("evidence_item", ""),
        address=body.get("evidence_address", ""),
        capture_id=body.get("evidence_capture", ""),
        provenance=body.get("provenance", ""),
    )


def _event(one: Happening) -> dict[str, Any]:
    return {
        "id": one.position,
        "at": isoformat(one.at),
        "who": one.who,
        "kind": one.kind,
        "before": one.before,
        "after": one.after,
        "reason": one.reason,
        "digest": one.digest,
    }

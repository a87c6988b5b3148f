"""Relations over the API: their kinds, those of an item, new ones and changed ones."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import RegistryEntry, Relation
from annotate.permissions import Act
from annotate.services import items
from annotate.services.registry import keeping, relations, types
from annotate.services.registry.network import network
from annotate.services.registry.relations import RelationSpec
from annotate.views import registry_forms as forms
from annotate.views.api.registry import DAYS, EVIDENCE, evidence_of, row_json
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, actor
from annotate.views.relations import find_end

_TEXT = {"type": "string"}
_OPTIONAL = {"type": "string", "required": False}
_WHOLE = {"type": "integer"}


@endpoint("GET", project("/relation-types"), Act.READ, "The kinds of relations")
def list_types(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List the kinds of relations."""
    return {
        "types": [
            {"key": one.key, "label": one.label, "inverse": one.inverse, "subject": one.subject,
             "object": one.object}
            for one in types.types_of(session, context.project).values()
        ]
    }  # fmt: skip


@endpoint(
    "POST",
    project("/relation-types"),
    Act.CHANGE_PROJECT,
    "Add a kind of relation",
    body={"key": _TEXT, "label": _TEXT, "inverse": _TEXT, "subject": _TEXT, "object": _TEXT},
)
def add_type(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Add a kind of relation."""
    return row_json(types.add_type(session, actor(), context.project, types.TypeSpec(**body)))


@endpoint(
    "POST",
    project("/relations"),
    Act.REGISTER,
    "Relate two things, with evidence or a provenance note",
    body={
        "type": _TEXT,
        "subject": _TEXT | {"description": "id of an item or entry, as the type says"},
        "object": _TEXT | {"description": "id of an entry or item, or a name in the registry"},
        "quote": _OPTIONAL,
        **DAYS,
        **EVIDENCE,
    },
)
def add_relation(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Relate two things."""
    kinds = types.types_of(session, context.project)
    kind = kinds.get(body["type"])
    if kind is None:
        raise UsageError(f"There is no relation {body['type']!r} here: {', '.join(kinds)}.")
    by_id = session.get(RegistryEntry, body["object"]) is not None or kind.object == "item"
    spec = RelationSpec(
        type=kind.key,
        subject=find_end(session, context, kind.subject, "", body["subject"]),
        object=find_end(
            session, context, kind.object, body["object"], body["object"] if by_id else ""
        ),
        quote=body.get("quote", ""),
        valid_from=forms.parse_day(body.get("valid_from", "")),
        valid_to=forms.parse_day(body.get("valid_to", "")),
    )
    evidence = evidence_of(session, context, body)
    return row_json(relations.relate(session, actor(), context.project, spec, evidence))


@endpoint(
    "PUT",
    project("/relations/<relation_id>"),
    Act.REGISTER,
    "Change the words, days or evidence of a relation; 409 if somebody saved in between",
    body={"row_version": _WHOLE, "reason": _OPTIONAL, "quote": _OPTIONAL, **DAYS, **EVIDENCE},
)
def change_relation(
    session: Session, context: ProjectContext, body: Any, relation_id: str
) -> dict[str, Any]:
    """Change a relation."""
    row = keeping.get(session, context.project, Relation, relation_id, "relation")
    relations.change(
        session, actor(), context.project, row, evidence_of(session, context, body),
        quote=body.get("quote", ""),
        valid_from=forms.parse_day(body.get("valid_from", "")),
        valid_to=forms.parse_day(body.get("valid_to", "")),
        seen=body["row_version"], reason=body.get("reason", ""),
    )  # fmt: skip
    return row_json(row)


@endpoint("GET", project("/items/<item_id>/relations"), Act.READ, "The relations of an item")
def item_relations(
    session: Session, context: ProjectContext, _body: Any, item_id: str
) -> dict[str, Any]:
    """Return the relations of an item."""
    item = items.get_item(session, context.project.id, item_id)
    found = relations.of_item(session, context.project, item)
    return {"relations": [row_json(one.row) for one in found]}


@endpoint("GET", project("/network"), Act.READ, "Who promotes whom, and who is behind whom")
def show_network(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Return the network among the items that count."""
    return {"edges": [asdict(one) for one in network(session, context.project, context.zone)]}

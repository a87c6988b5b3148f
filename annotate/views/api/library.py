"""Over the API: tags on many items, saved searches, the numbers of the results page."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import BulkKind, SavedSearch
from annotate.permissions import Act, may
from annotate.services import counted_tables, counting, data_only, library, saved, tags
from annotate.services.zones import parse_zone
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, actor, parts, person
from archive.clock import isoformat
from search.errors import QuerySyntaxError

_TEXT = {"type": "string"}
_OPTIONAL = {"type": "string", "required": False}
_FLAG = {"type": "boolean", "required": False}


@endpoint("GET", project("/tags"), Act.READ, "The project's tags with how many items bear each")
def list_tags(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List tags."""
    held = tags.all_tags(session, context.project.id)
    return {"tags": [{"id": tag.id, "name": tag.name, "items": number} for tag, number in held]}


@endpoint(
    "POST",
    project("/bulk"),
    Act.TAG,
    "Tag or untag all that a query finds, or the items named",
    body={
        "act": _TEXT | {"enum": [one.value for one in BulkKind]},
        "tag": _TEXT,
        "query": _OPTIONAL,
        "items": {"type": "array", "items": _TEXT, "required": False},
    },
)
def tag_many(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Tag many items."""
    if ("query" in body) == ("items" in body):
        raise UsageError("Send either “query” or “items”.")
    if body["act"] not in {one.value for one in BulkKind}:
        raise UsageError("An act on many items is tag or untag.")
    ids = [str(one) for one in body.get("items", ())]
    if "query" in body:
        ids = library.ids_for(session, context.project, body["query"], parts().engine, context.zone)
    if not ids:
        raise UsageError("No item is named or found.")
    kind = BulkKind(body["act"])
    made = tags.tag_many(session, actor(), context.project, ids, body["tag"], kind)
    return {"id": made.id, "changed": made.items.count('"') // 2, "of": len(ids)}


@endpoint(
    "POST",
    project("/bulk/<operation_id>/undo"),
    Act.TAG,
    "Take tags put on or off many items back on exactly these",
)
def undo_bulk(
    session: Session, context: ProjectContext, _body: Any, operation_id: str
) -> dict[str, Any]:
    """Undo tagging many items."""
    return {"restored": tags.undo(session, actor(), context.project, operation_id)}


@endpoint("GET", project("/searches"), Act.READ, "Saved searches, with what is new to you")
def list_searches(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List saved searches."""
    found = []
    for one in saved.saved_of(session, context.project.id):
        try:
            ids = _found(session, context, one)
        except QuerySyntaxError as error:  # a field it names is gone
            found.append(
                _search(one) | {"total": None, "new": [], "since": None, "why": str(error)}
            )
            continue
        since, new = saved.new_since(session, person().id, one, ids)
        found.append(
            _search(one)
            | {"total": len(ids), "new": sorted(new), "since": isoformat(since) if since else None}
        )
    return {"searches": found}


@endpoint(
    "POST",
    project("/searches"),
    Act.SAVE_SEARCH,
    "Save a search under a name; what it finds now counts as seen",
    body={
        "name": _TEXT,
        "query": _TEXT,
        "sort": _OPTIONAL,
        "zone": _OPTIONAL,
        "related": _FLAG,
    },
)
def save_search(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Save a search."""
    made = saved.save(
        session,
        actor(),
        context.project,
        name=body["name"],
        query=body["query"],
        sort=body.get("sort", ""),
        zone=body.get("zone"),
        related=body.get("related", False),
    )
    saved.mark_seen(session, person().id, made, _found(session, context, made))
    return _search(made)


@endpoint(
    "POST", project("/searches/<saved_id>/seen"), Act.READ, "Say that you have seen what it finds"
)
def seen(session: Session, context: ProjectContext, _body: Any, saved_id: str) -> dict[str, Any]:
    """Mark all that a search finds as seen."""
    one = saved.get_saved(session, context.project, saved_id)
    ids = _found(session, context, one)
    saved.mark_seen(session, person().id, one, ids)
    return {"seen": len(ids)}


@endpoint(
    "DELETE", project("/searches/<saved_id>"), Act.SAVE_SEARCH, "Take a saved search off the list"
)
def remove_search(
    session: Session, context: ProjectContext, _body: Any, saved_id: str
) -> dict[str, Any]:
    """Take a saved search off the list."""
    one = saved.get_saved(session, context.project, saved_id)
    saved.remove(session, actor(), context.project, one)
    return {"removed": one.id}


@endpoint(
    "POST",
    project("/searches/<saved_id>/restore"),
    Act.SAVE_SEARCH,
    "Put a saved search back on the list",
)
def restore_search(
    session: Session, context: ProjectContext, _body: Any, saved_id: str
) -> dict[str, Any]:
    """Put a saved search back."""
    return _search(saved.restore(session, actor(), context.project, saved_id))


@endpoint(
    "GET",
    project("/results"),
    Act.COUNT,
    "The numbers of the results page, each with the query that lists its items",
    query={"zone": _TEXT},
)
def results(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Return the tables."""
    zone = parse_zone(request.args.get("zone") or context.zone_name)
    counted = counted_tables.count(session, context.project, zone=zone)
    codes = data_only.code_tables(session, context.project, reads=may(context.role, Act.READ))
    return {
        "zone": counted.zone,
        "scope": _cells(counted.scope),
        "tables": {one.key: _cells(one.cells) for one in (*counted.tables, *codes)},
    }


def _cells(cells: tuple[counting.Cell, ...]) -> list[dict[str, Any]]:
    return [{"label": one.label, "number": one.number, "query": one.query} for one in cells]


def _found(session: Session, context: ProjectContext, one: SavedSearch) -> list[str]:
    zone = parse_zone(one.zone) if one.zone else context.zone
    return library.ids_for(
        session, context.project, one.query, parts().engine, zone, related=one.related
    )


def _search(one: SavedSearch) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "query": one.query,
        "sort": one.sort,
        "zone": one.zone,
        "related": one.related,
    }

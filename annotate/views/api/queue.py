"""The queue, later visits and watches over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from flask import request
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import CaptureRequest, Keep, Watch
from annotate.permissions import Act
from annotate.services import items, library, observations, pauses, requests, revisits, watches
from annotate.services.progress import progress
from annotate.services.requests import BATCH, Wanted
from annotate.views.api.spec import endpoint, number, project, writing
from annotate.views.context import ProjectContext, actor, parts
from annotate.views.queue import ACTS
from archive.clock import isoformat

_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}
_OPTIONAL = {"type": "string", "required": False}
_ENDPOINT: Final = "/requests/<request_id>/<act>"


@endpoint(
    "GET",
    project("/requests"),
    Act.READ,
    "Capture requests, oldest first, with how the queue stands",
    query={"state": _TEXT, "host": _TEXT, "page": _WHOLE, "size": _WHOLE},
)
def list_requests(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List requests."""
    page, size = number("page", 1, 1_000_000), number("size", 100, 500)
    wanted = Wanted.read(request.args.get("state", ""), request.args.get("host", ""))
    query = wanted.query(context.project.id).order_by(CaptureRequest.id)
    rows = session.scalars(query.offset((page - 1) * size).limit(size))
    return {
        **progress(session, context.project.id).as_json(),
        "page": page,
        "requests": [_request(one) for one in rows],
    }


@endpoint(
    "POST",
    project(_ENDPOINT),
    Act.CAPTURE,
    f"Do one of {', '.join(ACTS)} with a request",
)
def act_on(
    session: Session, context: ProjectContext, _body: Any, request_id: str, act: str
) -> dict[str, Any]:
    """Cancel, try again or move a request."""
    if act not in ACTS:
        raise UsageError(f"What can be done with a request: {', '.join(ACTS)}.")
    one = requests.get_request(session, context.project.id, request_id)
    if not ACTS[act][1](session, actor(), [one]):
        raise UsageError("The request is not in a state for that: it has begun, or has ended.")
    return _request(one)


@endpoint(
    "POST",
    project("/queue/bulk"),
    Act.CAPTURE,
    "Do the same with the requests named, or with all of a state or host",
    body={
        "act": _TEXT | {"enum": list(ACTS)},
        "requests": {"type": "array", "items": _TEXT, "required": False},
        "state": _OPTIONAL,
        "host": _OPTIONAL,
    },
    by_itself=True,
)
def act_on_many(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Cancel, try again or move many; others write between two batches."""
    if body["act"] not in ACTS:
        raise UsageError(f"What can be done with requests: {', '.join(ACTS)}.")
    if ("requests" in body) == bool({"state", "host"} & body.keys()):
        raise UsageError("Send either “requests”, or “state” and “host”.")
    query = Wanted.read(body.get("state", ""), body.get("host", "")).query(context.project.id)
    if "requests" in body:
        query = query.where(CaptureRequest.id.in_([str(one) for one in body["requests"]]))
    ids = list(session.scalars(query.with_only_columns(CaptureRequest.id)))
    done = 0
    for start in range(0, len(ids), BATCH):
        some = CaptureRequest.id.in_(ids[start : start + BATCH])
        with writing(context, Act.CAPTURE) as (batch, held):
            rows = batch.scalars(Wanted().query(held.project.id).where(some)).all()
            done += ACTS[body["act"]][1](batch, actor(), rows)
    return {"of": len(ids), "changed": done}


@endpoint(
    "PUT",
    project("/queue/paused"),
    Act.CHANGE_PROJECT,
    "Let no further request of the project begin, or let them begin again",
    body={"paused": {"type": "boolean"}, "reason": _OPTIONAL},
)
def pause(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Pause or resume the project's queue."""
    if body["paused"]:
        pauses.pause(session, actor(), context.project, body.get("reason", ""))
    else:
        pauses.resume(session, actor(), context.project)
    return {"paused": body["paused"]}


@endpoint(
    "POST",
    project("/visits"),
    Act.CAPTURE,
    "Look again whether what a query finds, or the items named, are still there",
    body={
        "query": _OPTIONAL,
        "items": {"type": "array", "items": _TEXT, "required": False},
        "spread_hours": _WHOLE | {"required": False},
    },
)
def look_again(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Ask for later visits."""
    if ("query" in body) == ("items" in body):
        raise UsageError("Send either “query” or “items”.")
    ids = [
        items.get_item(session, context.project.id, str(one)).id for one in body.get("items", ())
    ]
    if "query" in body:
        ids = library.ids_for(session, context.project, body["query"], parts().engine, context.zone)
    if not ids:
        raise UsageError("No item is named or found.")
    if body.get("spread_hours", 0) < 0:
        raise UsageError("Visits are spread over 0 hours or more.")
    spread = timedelta(hours=body.get("spread_hours", 0))
    return {"told": str(revisits.ask(session, actor(), context.project, ids, spread=spread))}


@endpoint("GET", project("/items/<item_id>/visits"), Act.READ, "What later visits saw of an item")
def visits(session: Session, context: ProjectContext, _body: Any, item_id: str) -> dict[str, Any]:
    """Return observations, newest first."""
    item = items.get_item(session, context.project.id, item_id)
    return {
        "visits": [
            {"id": one.id, "seen_at": isoformat(one.seen_at), "state": one.state.value}
            for one in observations.of_item(session, item.id)
        ]
    }


@endpoint("GET", project("/watches"), Act.READ, "What is watched")
def list_watches(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List watches."""
    held = watches.of_project(session, context.project.id)
    return {"watches": [_watch(one) | {"by": by.display_name} for one, by in held]}


@endpoint(
    "POST",
    project("/watches"),
    Act.CHANGE_PROJECT,
    "Begin to watch what a query finds",
    body={
        "query": _TEXT,
        "every_hours": _WHOLE,
        "spread_hours": _WHOLE | {"required": False},
        "keep": _TEXT | {"enum": [one.value for one in Keep]},
        "engine": _OPTIONAL,
    },
)
def watch(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Begin a watch."""
    if body["keep"] not in {one.value for one in Keep}:
        raise UsageError(f"What is kept of a visit: {', '.join(one.value for one in Keep)}.")
    made = watches.make(
        session,
        actor(),
        context.project,
        query=body["query"],
        every_hours=body["every_hours"],
        spread_hours=body.get("spread_hours", 0),
        keep=Keep(body["keep"]),
        engine=body.get("engine", revisits.AS_BEFORE_LABEL),
    )
    return _watch(made)


@endpoint(
    "PUT",
    project("/watches/<watch_id>/active"),
    Act.CHANGE_PROJECT,
    "Stop a watch, or let it go on",
    body={"active": {"type": "boolean"}},
)
def switch(session: Session, context: ProjectContext, body: Any, watch_id: str) -> dict[str, Any]:
    """Switch a watch."""
    one = watches.get(session, context.project.id, watch_id)
    watches.switch(session, actor(), one, active=body["active"])
    return _watch(one)


def _request(one: CaptureRequest) -> dict[str, Any]:
    return {
        "id": one.id,
        "address": one.address,
        "item": one.item_id,
        "state": one.state.value,
        "outcome": one.outcome.value if one.outcome else None,
        "reason": one.reason,
        "attempts": one.attempts,
        "capture": one.capture_id,
    }


def _watch(one: Watch) -> dict[str, Any]:
    return {
        "id": one.id,
        "query": one.query,
        "every_hours": one.every_hours,
        "keep": one.keep.value,
        "active": one.is_active,
    }

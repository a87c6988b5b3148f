"""Sweeps over the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import Sweep, SweepKind
from annotate.permissions import Act
from annotate.services import sweeps
from annotate.services.registry import keeping
from annotate.services.sweeps import SweepSpec
from annotate.views.api.registry import row_json
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, actor

_TEXT = {"type": "string"}
_OPTIONAL = {"type": "string", "required": False}
_WHOLE = {"type": "integer"}
_MAYBE = {"type": "integer", "required": False}
_TIME = {"type": "string", "format": "date-time", "required": False}
_SPEC = {
    "name": _TEXT,
    "kind": _OPTIONAL | {"description": ", ".join(SweepKind)},
    "platform": _OPTIONAL,
    "query": _OPTIONAL,
    "identity": _OPTIONAL,
    "began_at": _TIME,
    "ended_at": _TIME,
    "seen": _MAYBE,
    "taken": _MAYBE,
    "stopped": _OPTIONAL,
    "note": _OPTIONAL,
    "capture_id": _OPTIONAL,
}
_ITEMS = {"items": {"type": "array", "items": _TEXT, "description": "ids of items"}}


@endpoint("GET", project("/sweeps"), Act.READ, "Sweeps, with how many items each found and counts")
def list_sweeps(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List sweeps."""
    held = {one.id: one for one in sweeps.sweeps_of(session, context.project.id)}
    found = sweeps.funnel(session, context.project, context.zone)
    return {
        "sweeps": [
            (row_json(held[one.sweep_id]) if one.sweep_id else {"name": one.name})
            | {
                "items": {"number": one.items.number, "query": one.items.query},
                "counted": {"number": one.counted.number, "query": one.counted.query},
            }
            for one in found
        ]
    }


@endpoint("POST", project("/sweeps"), Act.SWEEP, "Write a sweep down", body=_SPEC)
def add_sweep(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Add a sweep."""
    return row_json(sweeps.create(session, actor(), context.project, _spec(body)))


@endpoint(
    "POST",
    project("/sweeps/from-lists"),
    Act.SWEEP,
    "Write a sweep down that imported lists name, with its items",
    body={"name": _TEXT},
)
def from_lists(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Add a sweep that a list names."""
    return row_json(sweeps.record_from_list(session, actor(), context.project, body["name"]))


@endpoint(
    "PUT",
    project("/sweeps/<sweep_id>"),
    Act.SWEEP,
    "Change a sweep; 409 if somebody saved in between",
    body={"row_version": _WHOLE, "reason": _OPTIONAL, **_SPEC},
)
def change_sweep(
    session: Session, context: ProjectContext, body: Any, sweep_id: str
) -> dict[str, Any]:
    """Change a sweep."""
    row = keeping.get(session, context.project, Sweep, sweep_id, "sweep")
    sweeps.change(
        session, actor(), context.project, row, _spec(body),
        seen=body["row_version"], reason=body.get("reason", ""),
    )  # fmt: skip
    return row_json(row)


@endpoint(
    "POST", project("/sweeps/<sweep_id>/items"), Act.SWEEP, "Items a sweep found", body=_ITEMS
)
def add_items(
    session: Session, context: ProjectContext, body: Any, sweep_id: str
) -> dict[str, Any]:
    """Say that a sweep found items."""
    row = keeping.get(session, context.project, Sweep, sweep_id, "sweep")
    return {"added": sweeps.add_items(session, actor(), context.project, row, _ids(body))}


@endpoint(
    "POST",
    project("/sweeps/<sweep_id>/items/take-off"),
    Act.SWEEP,
    "Take back that a sweep found items",
    body=_ITEMS,
)
def take_off(session: Session, context: ProjectContext, body: Any, sweep_id: str) -> dict[str, Any]:
    """Take back that a sweep found items."""
    row = keeping.get(session, context.project, Sweep, sweep_id, "sweep")
    return {"taken_off": sweeps.take_off(session, actor(), context.project, row, _ids(body))}


def _ids(body: Any) -> list[str]:
    return [str(one) for one in body["items"]]


def _spec(body: Any) -> SweepSpec:
    given = {name: body[name] for name in _SPEC if name in body}
    kind = given.get("kind", SweepKind.OTHER)
    if kind not in {one.value for one in SweepKind}:
        raise UsageError(f"{kind!r} is none of {', '.join(SweepKind)}.")
    given["kind"] = SweepKind(kind)
    for name in ("began_at", "ended_at"):
        if given.get(name):
            given[name] = _moment(given[name])
        else:
            given.pop(name, None)
    return SweepSpec(**given)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time such as 2020-05-31T18:00:00+08:00.") from error
    if moment.tzinfo is None:
        raise UsageError(f"{text!r} says no time zone.")
    return moment

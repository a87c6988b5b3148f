"""A project's settings, members and study fields over the API; and units given back."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import FieldType, Role
from annotate.permissions import Act
from annotate.services import coding, people, projects, reliability, returning, rounds
from annotate.services.fields import FieldSpec, define_fields
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, actor, person

_TEXT = {"type": "string"}
_OPTIONAL = {"type": "string", "required": False}


@endpoint(
    "PUT",
    project(""),
    Act.CHANGE_PROJECT,
    "Set name, window and zone; 409 if somebody saved in between",
    body={
        "name": _TEXT,
        "description": _OPTIONAL,
        "window_from": _OPTIONAL,
        "window_to": _OPTIONAL,
        "reporting_zone": _TEXT,
        "base_address": _OPTIONAL,
        "version": {"type": "integer"},
    },
)
def change(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Change the project; what is left out stays as it is."""
    held = context.project
    projects.change_project(
        session,
        actor(),
        held,
        seen_version=body["version"],
        name=body["name"],
        description=body.get("description", held.description),
        window_from=_day(body["window_from"]) if "window_from" in body else held.window_from,
        window_to=_day(body["window_to"]) if "window_to" in body else held.window_to,
        reporting_zone=body["reporting_zone"],
        base_address=body.get("base_address", held.base_address),
    )
    return {"version": held.row_version}


@endpoint("GET", project("/members"), Act.READ, "Who is in the project, with their roles")
def members(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List members."""
    held = projects.members_of(session, context.project)
    return {"members": [{"login": one.login, "role": Role(role).value} for one, role in held]}


@endpoint(
    "PUT",
    project("/members/<login>"),
    Act.MANAGE_MEMBERS,
    "Give somebody a role, or “none” to take them out",
    body={"role": _TEXT},
)
def set_member(session: Session, context: ProjectContext, body: Any, login: str) -> dict[str, Any]:
    """Set a member's role."""
    if body["role"] not in {*(one.value for one in Role), "none"}:
        raise UsageError(f"There is no role {body['role']!r}.")
    user = people.find_user(session, login)
    role = None if body["role"] == "none" else Role(body["role"])
    projects.set_member(session, actor(), context.project, user, role)
    return {"login": login, "role": body["role"]}


@endpoint(
    "POST",
    project("/fields"),
    Act.CHANGE_PROJECT,
    "Give the project one more study field",
    body={
        "key": _TEXT,
        "label": _TEXT,
        "type": _TEXT | {"enum": [one.value for one in FieldType]},
        "proposal": {"type": "boolean", "required": False},
    },
)
def define_field(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Define a field."""
    if body["type"] not in {one.value for one in FieldType}:
        raise UsageError(f"There is no type of field {body['type']!r}.")
    key = body["key"].strip().lower()
    spec = FieldSpec(
        key, body["label"], FieldType(body["type"]), is_proposal=body.get("proposal", False)
    )
    define_fields(session, actor(), context.project, [spec])
    return {"key": key}


@endpoint(
    "POST",
    project("/units/<unit_id>/hand-back"),
    Act.CODE,
    "Give a sensitive unit back; another coder of the round gets it where there is one",
)
def hand_back(
    session: Session, context: ProjectContext, _body: Any, unit_id: str
) -> dict[str, Any]:
    """Give a unit back."""
    unit = coding.get_unit(session, context.project, person(), unit_id)
    return {"taken": returning.hand_back(session, actor(), context.project, unit)}


@endpoint(
    "GET",
    project("/rounds/<round_id>/matrix/<variable>"),
    Act.EXPORT,
    "The reliability matrix of a variable, as CSV text: a row a unit, a column a coder",
)
def matrix(
    session: Session, context: ProjectContext, _body: Any, round_id: str, variable: str
) -> dict[str, Any]:
    """Return the matrix."""
    one = rounds.get_round(session, context.project, round_id)
    held = reliability.complete(reliability.sheet(session, one))
    asked = held.codebook.variable(variable)
    if asked is None:
        raise UsageError(f"This codebook has no variable {variable!r}.")
    return {"csv": reliability.matrix_csv(held, asked)}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise UsageError(f"{text!r} is no day such as 2020-01-31.") from error

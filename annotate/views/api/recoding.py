"""Changing codebook drafts code by code, and re-coding, over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.instrument import editing
from annotate.instrument.codebook import Codebook, VariableType
from annotate.permissions import Act
from annotate.services import codebooks, recoding, rounds
from annotate.services.rounds import Plan
from annotate.views.api.coding import version_json
from annotate.views.api.rounds import round_json
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, actor

_TEXT = {"type": "string"}
_OPTIONAL = {"type": "string", "required": False}
_WHOLE = {"type": "integer"}
_NAMES = {"type": "array", "items": _TEXT}
_HERE = "/codebooks/<version_id>"
_ROW = {"row_version": _WHOLE}


@endpoint(
    "POST",
    project(f"{_HERE}/rename"),
    Act.MANAGE_CODING,
    "Give a variable, or one of its codes, another label in a draft",
    body={"variable": _TEXT, "code": _OPTIONAL, "label": _TEXT} | _ROW,
)
def rename(session: Session, context: ProjectContext, body: Any, version_id: str) -> dict[str, Any]:
    """Rename: the label only."""

    def changed(held: Codebook) -> Codebook:
        return editing.rename(held, body["variable"], body.get("code"), body["label"])

    return _edit(session, context, version_id, body, changed)


@endpoint(
    "POST",
    project(f"{_HERE}/retire"),
    Act.MANAGE_CODING,
    "Retire a code in a draft: its uses stay",
    body={"variable": _TEXT, "code": _TEXT, "successor": _OPTIONAL, "reason": _TEXT} | _ROW,
)
def retire(session: Session, context: ProjectContext, body: Any, version_id: str) -> dict[str, Any]:
    """Retire a code."""

    def changed(held: Codebook) -> Codebook:
        successor = body.get("successor", "")
        return editing.retire(held, body["variable"], body["code"], successor, body["reason"])

    return _edit(session, context, version_id, body, changed)


@endpoint(
    "POST",
    project(f"{_HERE}/split"),
    Act.MANAGE_CODING,
    "Split a code in a draft: units that have it are coded again",
    body={
        "variable": _TEXT,
        "code": _TEXT,
        "into": {"type": "object", "description": "label by key of each new code"},
        "reason": _TEXT,
    }
    | _ROW,
)
def split(session: Session, context: ProjectContext, body: Any, version_id: str) -> dict[str, Any]:
    """Split a code."""
    into = [(str(key), str(label)) for key, label in body["into"].items()]

    def changed(held: Codebook) -> Codebook:
        return editing.split(held, body["variable"], body["code"], into, body["reason"])

    return _edit(session, context, version_id, body, changed)


@endpoint(
    "POST",
    project(f"{_HERE}/merge"),
    Act.MANAGE_CODING,
    "Merge codes in a draft: their answers are carried over",
    body={
        "variable": _TEXT,
        "codes": _NAMES,
        "into": _TEXT,
        "label": _OPTIONAL,
        "reason": _TEXT,
    }
    | _ROW,
)
def merge(session: Session, context: ProjectContext, body: Any, version_id: str) -> dict[str, Any]:
    """Merge codes."""
    codes = [str(key) for key in body["codes"]]

    def changed(held: Codebook) -> Codebook:
        label = body.get("label", "")
        return editing.merge(held, body["variable"], codes, body["into"], label, body["reason"])

    return _edit(session, context, version_id, body, changed)


@endpoint(
    "POST",
    project(f"{_HERE}/retype"),
    Act.MANAGE_CODING,
    "Give a variable of a draft another type: units that answered it are coded again",
    body={"variable": _TEXT, "type": _TEXT | {"enum": [one.value for one in VariableType]}} | _ROW,
)
def retype(session: Session, context: ProjectContext, body: Any, version_id: str) -> dict[str, Any]:
    """Give a variable another type."""
    if body["type"] not in {one.value for one in VariableType}:
        raise UsageError("There is no such type of variable.")

    def changed(held: Codebook) -> Codebook:
        return editing.retype(held, body["variable"], VariableType(body["type"]))

    return _edit(session, context, version_id, body, changed)


@endpoint(
    "POST",
    project(f"{_HERE}/undo"),
    Act.MANAGE_CODING,
    "Take back the last change of a draft",
    body=_ROW,
)
def undo(session: Session, context: ProjectContext, body: Any, version_id: str) -> dict[str, Any]:
    """Take back a change."""
    version = codebooks.get_version(session, context.project, version_id)
    codebooks.undo_change(session, actor(), context.project, version, seen=body["row_version"])
    return version_json(version)


@endpoint("DELETE", project(_HERE), Act.MANAGE_CODING, "Give up a draft of a next version")
def discard(
    session: Session, context: ProjectContext, _body: Any, version_id: str
) -> dict[str, Any]:
    """Give up a draft."""
    version = codebooks.get_version(session, context.project, version_id)
    codebooks.discard(session, actor(), context.project, version)
    return {"discarded": version_id}


@endpoint(
    "GET",
    project(f"{_HERE}/recoding"),
    Act.MANAGE_CODING,
    "What carrying earlier answers over to a version touches",
)
def show(session: Session, context: ProjectContext, _body: Any, version_id: str) -> dict[str, Any]:
    """Return the steps with the units they touch."""
    version = codebooks.get_version(session, context.project, version_id)
    held = recoding.migration(session, context.project, version)
    return {
        "steps": [
            {
                "key": one.step.key,
                "fate": one.step.fate.value,
                "variable": one.step.variable,
                "code": one.step.code,
                "to": list(one.step.to),
                "asks": one.asks,
                "answers": one.answers,
                "units": list(one.units),
            }
            for one in held.touched
        ],
        "queue": held.queue(),
        "blind_rounds": held.blind_rounds,
    }


@endpoint(
    "POST",
    project(f"{_HERE}/recoding"),
    Act.MANAGE_CODING,
    "Open a blind round of exactly the units to be coded again",
    body={
        "name": _TEXT,
        "coders": _NAMES | {"description": "sign-in names"},
        "coders_per_unit": _WHOLE,
        "seed": _WHOLE,
        "steps": _NAMES | {"required": False, "description": "without it, those that ask"},
    },
)
def open_round(
    session: Session, context: ProjectContext, body: Any, version_id: str
) -> dict[str, Any]:
    """Open a re-coding round."""
    version = codebooks.get_version(session, context.project, version_id)
    plan = Plan(
        name=body["name"],
        query="",
        size=0,
        seed=body["seed"],
        coders_per_unit=body["coders_per_unit"],
        coders=rounds.coders_named(session, context.project, body["coders"]),
    )
    made = recoding.open_recoding(
        session, actor(), context.project, version, plan, body.get("steps")
    )
    return round_json(session, made)


def _edit(
    session: Session,
    context: ProjectContext,
    version_id: str,
    body: Any,
    changed: Callable[[Codebook], Codebook],
) -> dict[str, Any]:
    version = codebooks.get_version(session, context.project, version_id)
    content = changed(codebooks.content_of(version))
    codebooks.change(session, actor(), context.project, version, content, seen=body["row_version"])
    return version_json(version)

"""Codebooks, rounds, coding, settling over the API; blindness holds here as on the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.instrument import codebook as instrument
from annotate.instrument.answers import Given
from annotate.instrument.codebook import Missing
from annotate.models import Assignment, CodebookVersion
from annotate.permissions import Act
from annotate.services import adjudication, codebooks, coding, reliability, rounds
from annotate.services.reliability import Sheet
from annotate.views.api.spec import endpoint, project, writing
from annotate.views.captures import sources_of_capture
from annotate.views.codebook_files import LARGEST, read_codebook
from annotate.views.context import ProjectContext, actor, person

_TEXT = {"type": "string"}
_OPTIONAL = {"type": "string", "required": False}
_WHOLE = {"type": "integer"}
_ANSWERS = {
    "type": "object",
    "description": "by variable: {values: [..]} or {missing: ..}; if wanted, quote (with start, "
    "in code points), memo, and marks: Media Fragment URIs of the capture's pictures and films",
}


@endpoint("GET", project("/codebooks"), Act.COUNT, "Codebooks with their versions")
def list_codebooks(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List codebooks."""
    return {
        "codebooks": [
            {"id": book.id, "name": book.name, "versions": [version_json(one) for one in held]}
            for book, held in codebooks.codebooks_of(session, context.project)
        ]
    }


@endpoint(
    "POST",
    project("/codebooks"),
    Act.MANAGE_CODING,
    "Begin a codebook from its JSON document (docs/coding.md)",
    body={"document": {"type": "object"}},
)
def create_codebook(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Make a codebook."""
    content = _content(body["document"])
    return version_json(codebooks.create(session, actor(), context.project, content))


@endpoint(
    "POST",
    project("/codebooks/from-file"),
    Act.MANAGE_CODING,
    "Begin a codebook from a file: JSON, CSV, XLSX, or REFI-QDA (.qdc)",
    body={"name": _OPTIONAL | {"description": "without it, the file's"}},
    file=True,
    by_itself=True,
)
def codebook_from_file(_session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Make a codebook of a file."""
    upload = body["file"]
    name = body.get("name", "").strip() or upload.filename.rpartition(".")[0]
    content = read_codebook(name, upload.stream.read(LARGEST + 1))
    with writing(context, Act.MANAGE_CODING) as (session, held):
        return version_json(codebooks.create(session, actor(), held.project, content))


@endpoint("GET", project("/codebooks/<version_id>"), Act.COUNT, "A version with its document")
def show_codebook(
    session: Session, context: ProjectContext, _body: Any, version_id: str
) -> dict[str, Any]:
    """Return a version."""
    version = codebooks.get_version(session, context.project, version_id)
    return version_json(version) | {"document": version.document}


@endpoint(
    "PUT",
    project("/codebooks/<version_id>"),
    Act.MANAGE_CODING,
    "Give a draft another document; 409 if somebody saved in between",
    body={"document": {"type": "object"}, "row_version": _WHOLE},
)
def change_codebook(
    session: Session, context: ProjectContext, body: Any, version_id: str
) -> dict[str, Any]:
    """Change a draft."""
    version = codebooks.get_version(session, context.project, version_id)
    content = _content(body["document"])
    codebooks.change(session, actor(), context.project, version, content, seen=body["row_version"])
    return version_json(version)


@endpoint("POST", project("/codebooks/<version_id>/freeze"), Act.MANAGE_CODING, "Freeze a version")
def freeze(
    session: Session, context: ProjectContext, _body: Any, version_id: str
) -> dict[str, Any]:
    """Freeze a version."""
    version = codebooks.get_version(session, context.project, version_id)
    codebooks.freeze(session, actor(), context.project, version)
    return version_json(version)


@endpoint(
    "POST",
    project("/codebooks/<version_id>/next"),
    Act.MANAGE_CODING,
    "Begin the next version",
    body={"reason": _TEXT},
)
def begin_next(
    session: Session, context: ProjectContext, body: Any, version_id: str
) -> dict[str, Any]:
    """Begin the next version."""
    version = codebooks.get_version(session, context.project, version_id)
    return version_json(
        codebooks.begin_next(session, actor(), context.project, version, body["reason"])
    )


@endpoint("GET", project("/rounds/<round_id>/units"), Act.CODE, "One's own units of a round")
def units(session: Session, context: ProjectContext, _body: Any, round_id: str) -> dict[str, Any]:
    """List the units of the one who asks."""
    one = rounds.get_round(session, context.project, round_id)
    held = session.scalars(
        select(Assignment)
        .where(Assignment.round_id == one.id, Assignment.coder_id == person().id)
        .order_by(Assignment.position)
    )
    return {"units": [{"id": u.id, "item": u.item_id, "version": u.version} for u in held]}


@endpoint("GET", project("/units/<unit_id>"), Act.CODE, "A unit of one's own, with what was given")
def show_unit(
    session: Session, context: ProjectContext, _body: Any, unit_id: str
) -> dict[str, Any]:
    """Return a unit."""
    unit = coding.get_unit(session, context.project, person(), unit_id)
    return {
        "id": unit.assignment.id,
        "item": unit.assignment.item_id,
        "capture": unit.capture_id,
        "codebook": unit.version.id,
        "version": unit.assignment.version,
        "drafted": unit.drafted,
        "answers": {key: _given(one) for key, one in unit.given.items()},
    }


@endpoint(
    "PUT",
    project("/units/<unit_id>/draft"),
    Act.CODE,
    "Keep a draft",
    body={"answers": _ANSWERS, "seconds": _WHOLE},
)
def keep_draft(
    session: Session, context: ProjectContext, body: Any, unit_id: str
) -> dict[str, Any]:
    """Keep a draft."""
    unit = coding.get_unit(session, context.project, person(), unit_id)
    coding.save_draft(session, unit, _answers(body["answers"]), body["seconds"])
    return {"saved": True}


@endpoint(
    "POST",
    project("/units/<unit_id>"),
    Act.CODE,
    "Seal answers; 409 if they were sealed elsewhere in between",
    body={"answers": _ANSWERS, "version": _WHOLE, "seconds": _WHOLE},
)
def submit(session: Session, context: ProjectContext, body: Any, unit_id: str) -> dict[str, Any]:
    """Seal answers."""
    unit = coding.get_unit(session, context.project, person(), unit_id)
    answer = coding.submit(
        session,
        actor(),
        context.project,
        unit,
        _answers(body["answers"]),
        seen=body["version"],
        seconds=body["seconds"],
        sources=sources_of_capture(session, unit.capture_id),
    )
    return {"version": answer.version, "commitment": answer.commitment}


@endpoint(
    "GET", project("/rounds/<round_id>/agreement"), Act.COUNT, "Agreement of a revealed round"
)
def agreement(
    session: Session, context: ProjectContext, _body: Any, round_id: str
) -> dict[str, Any]:
    """Return the agreement on each variable, under each policy."""
    held = _sheet(session, context, round_id)
    return {
        "held_back": held.held_back,
        "variables": [
            {
                "variable": one.variable.key,
                "policy": one.policy,
                "words": one.agreement.words,
                "masi_alpha": one.masi,
                **asdict(one.agreement),
            }
            for one in reliability.report(held)
        ],
    }


@endpoint(
    "GET", project("/rounds/<round_id>/disputes"), Act.MANAGE_CODING, "What coders disagree on"
)
def disputes(
    session: Session, context: ProjectContext, _body: Any, round_id: str
) -> dict[str, Any]:
    """Return disagreements, with decisions."""
    held = _sheet(session, context, round_id)
    return {
        "held_back": held.held_back,
        "disputes": [
            {
                "item": one.item_id,
                "address": one.address,
                "variable": one.variable,
                "answers": {name: _given(given) if given else None for name, given in one.answers},
                "settled": one.decision is not None,
                "rationale": one.decision.rationale if one.decision else None,
            }
            for one in adjudication.disputes(session, held)
        ],
    }


@endpoint(
    "POST",
    project("/rounds/<round_id>/decisions"),
    Act.MANAGE_CODING,
    "Settle a disagreement",
    body={"item": _TEXT, "variable": _TEXT, "answer": {"type": "object"}, "rationale": _TEXT},
)
def decide(session: Session, context: ProjectContext, body: Any, round_id: str) -> dict[str, Any]:
    """Settle one variable of one unit."""
    held = _sheet(session, context, round_id)
    capture_id = adjudication.capture_of(session, held, body["item"])
    made = adjudication.decide(
        session,
        actor(),
        context.project,
        held,
        item_id=body["item"],
        variable=body["variable"],
        given=_answers({"answer": body["answer"]}).get("answer", Given()),
        rationale=body["rationale"],
        sources=sources_of_capture(session, capture_id),
    )
    return {"id": made.id}


@endpoint("GET", project("/rounds/<round_id>/finals"), Act.READ, "Final answers with their basis")
def finals(session: Session, context: ProjectContext, _body: Any, round_id: str) -> dict[str, Any]:
    """Return final answers."""
    held = _sheet(session, context, round_id)
    return {
        "held_back": held.held_back,
        "finals": [
            {
                "item": one.item_id,
                "variable": one.variable,
                "answer": _given(one.given),
                "basis": one.basis.value,
                "rationale": one.rationale,
            }
            for one in adjudication.finals(session, held)
        ],
    }


def _sheet(session: Session, context: ProjectContext, round_id: str) -> Sheet:
    return reliability.sheet(session, rounds.get_round(session, context.project, round_id))


def _content(document: Mapping[str, Any]) -> instrument.Codebook:
    return instrument.read(dict(document))


def version_json(one: CodebookVersion) -> dict[str, Any]:
    """Return a codebook version without its document."""
    return {
        "id": one.id,
        "number": one.number,
        "state": one.state.value,
        "sha256": one.digest,
        "reason": one.reason,
        "row_version": one.row_version,
    }


def _given(one: Given) -> dict[str, Any]:
    return {
        "values": list(one.values),
        "missing": one.missing.value if one.missing else None,
        "quote": one.quote,
        "memo": one.memo,
        "start": one.start,
        "marks": list(one.marks),
    }


def _answers(sent: Mapping[str, Any]) -> dict[str, Given]:
    """Read answers.

    :raises UsageError: one is not of the form; names the variable
    """
    found = {}
    for key, one in sent.items():
        try:
            values = one.get("values") or []
            if not isinstance(values, list):
                raise TypeError("values")
            missing = Missing(one["missing"]) if one.get("missing") else None
            quote, memo = str(one.get("quote") or ""), str(one.get("memo") or "")
            start, marks = one.get("start"), one.get("marks") or []
            if not isinstance(marks, list) or not (start is None or type(start) is int):
                raise TypeError("marks")
        except (AttributeError, TypeError, ValueError) as error:
            raise UsageError(
                f"{key}: an answer is an object with “values”, a list, or “missing”, one of "
                f"{', '.join(kind.value for kind in Missing)}; “marks” is a list."
            ) from error
        found[key] = Given(
            values=tuple(str(value) for value in values),
            missing=missing,
            quote=quote,
            memo=memo,
            start=start,
            marks=tuple(str(mark) for mark in marks),
        )
    return found

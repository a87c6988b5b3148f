"""Rounds over the API: opening, handing units out, who has what, passing on, revealing."""

from __future__ import annotations

import csv
import io
from typing import Any

from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import CodingRound
from annotate.permissions import Act
from annotate.services import (
    adjudication,
    codebooks,
    consistency,
    fields,
    handing,
    library,
    reliability,
    rounds,
    withdrawing,
)
from annotate.views.api.spec import endpoint, number, project
from annotate.views.context import ProjectContext, actor, parts, person
from archive.clock import isoformat

_TEXT = {"type": "string"}
_OPTIONAL = {"type": "string", "required": False}
_WHOLE = {"type": "integer"}


@endpoint("GET", project("/rounds"), Act.COUNT, "Rounds, newest first")
def list_rounds(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """List rounds."""
    held = rounds.rounds_of(session, context.project)
    return {"rounds": [round_json(session, one) for one in held]}


@endpoint(
    "POST",
    project("/rounds"),
    Act.MANAGE_CODING,
    "Draw a sample and open a blind round",
    body={
        "name": _TEXT,
        "codebook": _TEXT,
        "query": _OPTIONAL,
        "size": _WHOLE | {"required": False},
        "seed": _WHOLE,
        "coders": {"type": "array", "items": _TEXT, "description": "sign-in names"},
        "coders_per_unit": _WHOLE,
        "strata": _OPTIONAL | {"description": "key of a study field whose shares are kept"},
        "dynamic": {
            "type": "boolean",
            "required": False,
            "description": "units are handed to whoever asks next (POST …/take)",
        },
        "patience": _WHOLE
        | {"required": False, "description": "minutes until an untouched unit is let go"},
        "repeats": _WHOLE
        | {"required": False, "description": "percent of a coder's units that come again"},
    },
)
def open_round(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Open a round."""
    plan = rounds.Plan(
        name=body["name"],
        query=body.get("query", ""),
        size=body.get("size", 0),
        seed=body["seed"],
        coders_per_unit=body["coders_per_unit"],
        coders=rounds.coders_named(session, context.project, body["coders"]),
        strata_field=body.get("strata", ""),
        dynamic=body.get("dynamic", False),
        patience=body.get("patience", 60),
        repeats=body.get("repeats", 0),
    )
    version = codebooks.get_version(session, context.project, body["codebook"])
    found = library.ids_for(session, context.project, plan.query, parts().engine, context.zone)
    strata = fields.strata_of(session, context.project, plan.strata_field, found)
    made = rounds.open_round(session, actor(), context.project, version, plan, found, strata)
    return round_json(session, made)


@endpoint("POST", project("/rounds/<round_id>/reveal"), Act.MANAGE_CODING, "End the blindness")
def reveal(session: Session, context: ProjectContext, _body: Any, round_id: str) -> dict[str, Any]:
    """Reveal a round."""
    one = rounds.get_round(session, context.project, round_id)
    rounds.reveal(session, actor(), context.project, one)
    adjudication.refresh(session, one)
    return round_json(session, one)


@endpoint(
    "POST",
    project("/rounds/<round_id>/withdraw"),
    Act.MANAGE_CODING,
    "Take back the opening of a round in which nobody has sealed an answer",
    body={"reason": _TEXT},
)
def withdraw(session: Session, context: ProjectContext, body: Any, round_id: str) -> dict[str, Any]:
    """Withdraw a round."""
    one = rounds.get_round(session, context.project, round_id)
    withdrawing.withdraw(session, actor(), context.project, one, body["reason"])
    return round_json(session, one)


@endpoint("GET", project("/rounds/<round_id>"), Act.COUNT, "A round with how far its coders are")
def show(session: Session, context: ProjectContext, _body: Any, round_id: str) -> dict[str, Any]:
    """Return a round."""
    return round_json(session, rounds.get_round(session, context.project, round_id))


@endpoint(
    "POST",
    project("/rounds/<round_id>/take"),
    Act.CODE,
    "Take the next unit of a round whose units are handed out one by one",
)
def take(session: Session, context: ProjectContext, _body: Any, round_id: str) -> dict[str, Any]:
    """Hand the next unit to the one who asks; null where none is left."""
    one = rounds.get_round(session, context.project, round_id)
    made = handing.hand_out(session, actor(), context.project, one, person())
    unit = None if made is None else {"id": made.id, "item": made.item_id, "version": made.version}
    return {"unit": unit}


@endpoint(
    "GET",
    project("/rounds/<round_id>/workload"),
    Act.MANAGE_CODING,
    "Who has which unit and how it stands, never what was answered",
    query={"page": _WHOLE, "size": _WHOLE},
)
def workload(
    session: Session, context: ProjectContext, _body: Any, round_id: str
) -> dict[str, Any]:
    """Return one page of units with their coders."""
    one = rounds.get_round(session, context.project, round_id)
    page, size = number("page", 1, 1_000_000), number("size", 100, 500)
    coders = [each.coder for each in rounds.progress(session, one)]
    rows = handing.workload(session, one, coders, (page - 1) * size, size)
    return {
        "total": handing.units_of(session, one),
        "page": page,
        "units": [
            {
                "item": row.item_id,
                "address": row.address,
                "coders": {
                    coder.login: {
                        "standing": cell[0].value,
                        "handed_at": isoformat(cell[1]) if cell[1] else None,
                    }
                    for coder, cell in zip(coders, row.cells, strict=True)
                    if cell is not None
                },
            }
            for row in rows
        ],
    }


@endpoint(
    "POST",
    project("/rounds/<round_id>/pass"),
    Act.MANAGE_CODING,
    "Pass what a coder has not sealed to another",
    body={"from": _TEXT, "to": _TEXT},
)
def pass_on(session: Session, context: ProjectContext, body: Any, round_id: str) -> dict[str, Any]:
    """Pass units on; both are named by their sign-in names."""
    one = rounds.get_round(session, context.project, round_id)
    held = {each.coder.login: each.coder for each in rounds.progress(session, one)}
    if body["from"] not in held:
        raise UsageError("Nobody of that name has units in this round.")
    (taker,) = rounds.coders_named(session, context.project, [body["to"]])
    passed = handing.pass_on(session, actor(), context.project, one, held[body["from"]], taker)
    return {"passed": passed}


@endpoint(
    "GET",
    project("/rounds/<round_id>/consistency"),
    Act.COUNT,
    "Agreement over time, with oneself on hidden repeats, and which units are used",
)
def steady(session: Session, context: ProjectContext, _body: Any, round_id: str) -> dict[str, Any]:
    """Return drift, steadiness and use of units of a revealed round."""
    held = reliability.sheet(session, rounds.get_round(session, context.project, round_id))
    return {
        "held_back": held.held_back,
        "drift": {
            variable.key: {
                each.coder.pseudonym: [
                    {"units": tenth.units, "agree": tenth.agree} for tenth in each.tenths
                ]
                for each in consistency.drift(session, held, variable)
            }
            for variable in reliability.compared(held.codebook)
        },
        "repeats": [
            {
                "coder": one.coder.pseudonym,
                "variable": one.variable.key,
                "units": one.agreement.units,
                "agree": one.agreement.percent,
                "alpha": one.agreement.alpha,
            }
            for one in consistency.steadiness(session, held)
        ],
        "units": [
            {"item": one.item_id, "variable": one.variable, "use": one.use.value}
            for one in consistency.uses(held)
        ],
    }


@endpoint(
    "GET",
    project("/rounds/<round_id>/answers"),
    Act.EXPORT,
    "Every sealed answer of a revealed round with its nonce and commitment",
)
def answers(session: Session, context: ProjectContext, _body: Any, round_id: str) -> dict[str, Any]:
    """Return what the file of all answers holds, row by row."""
    held = reliability.sheet(session, rounds.get_round(session, context.project, round_id))
    text = reliability.answers_csv(session, reliability.complete(held))
    return {"answers": list(csv.DictReader(io.StringIO(text)))}


def round_json(session: Session, one: CodingRound) -> dict[str, Any]:
    """Return a round with how far its coders are."""
    return {
        "id": one.id,
        "name": one.name,
        "state": one.state.value,
        "codebook": one.version_id,
        "query": one.query,
        "population": one.population,
        "dynamic": one.dynamic,
        "recodes": one.recodes.split("\n") if one.recodes else [],
        "seed": one.seed,
        "coders_per_unit": one.coders_per_unit,
        "opened_at": isoformat(one.opened_at),
        "revealed_at": isoformat(one.revealed_at) if one.revealed_at else None,
        "withdrawn_at": isoformat(one.withdrawn_at) if one.withdrawn_at else None,
        "withdrawn_why": one.withdrawn_why or None,
        "progress": {
            each.coder.display_name: {"submitted": each.submitted, "assigned": each.assigned}
            for each in rounds.progress(session, one)
        },
    }

"""The project's history: who did what and when, and the undo of what one did oneself."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, jsonify, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.permissions import Act
from annotate.services import history
from annotate.services.history import Line, Wanted
from annotate.services.projects import members_of
from annotate.views.context import ProjectContext, actor, load_project, person, signed_in, wiring

bp = Blueprint("history", __name__)


@bp.get("/p/<slug>/history")
@signed_in
def index(slug: str) -> str:
    """Show what happened, newest first, narrowed as the address says."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        found, older = _found(session, context)
        return render_template(
            "history.html",
            lines=found,
            older=older,
            further=_address(slug, older),
            members=[
                (user.id, user.display_name) for user, _role in members_of(session, context.project)
            ],
            subjects=[(one, history.SUBJECT_LABELS.get(one, one)) for one in history.subjects()],
        )


@bp.get("/p/<slug>/history.json")
@signed_in
def as_json(slug: str) -> Response:
    """Return the same as JSON."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        found, older = _found(session, context)
        body = [as_value(one) for one in found]
    return jsonify(events=body, older=older)


def as_value(one: Line) -> dict[str, Any]:
    """Return a line as JSON values."""
    held = one.happening
    return {
        "position": held.position,
        "at": held.at.isoformat(),
        "who": held.who,
        "kind": held.kind,
        "words": one.words,
        "item": held.item_id,
        "body": held.body,
        "before": held.before,
        "after": held.after,
        "reason": held.reason,
        "sha256": held.digest,
    }


def wanted(context: ProjectContext) -> Wanted:
    """Read which events the address asks for; `who=me` stands for whoever asks.

    :raises UsageError: a day is none
    """
    args = request.args
    until = _day(args.get("to", ""))
    who = args.get("who", "")
    return Wanted(
        who=person().id if who == "me" else who,
        what=args.get("what", ""),
        since=_start(_day(args.get("from", "")), context),
        until=_start(until + timedelta(days=1) if until else None, context),
        item_id=args.get("item", ""),
        before=args.get("before", type=int),
    )


def _found(session: Session, context: ProjectContext) -> tuple[list[Line], int | None]:
    return history.lines(session, context.project, actor(), wanted(context))


def _address(slug: str, older: int | None) -> str:
    kept: dict[str, Any] = {
        name: request.args[name]
        for name in ("who", "what", "from", "to", "item", "zone")
        if request.args.get(name)
    }
    return url_for("history.index", slug=slug, before=older, **kept)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise UsageError(f"{text!r} is no day such as 2020-01-31.") from error


def _start(day: date | None, context: ProjectContext) -> datetime | None:
    """Return the first moment of a local day of the project's zone."""
    return datetime.combine(day, time.min, context.zone) if day is not None else None

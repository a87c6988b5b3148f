"""The capture queue: what was asked for, how it stands, and adding more."""

from __future__ import annotations

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from sqlalchemy import Select, select
from werkzeug.wrappers import Response

from annotate.models import CaptureRequest, RequestState
from annotate.permissions import Act
from annotate.services import requests
from annotate.services.live import head
from annotate.views.context import actor, load_project, signed_in, wiring
from archive.capture.outcome import Outcome
from archive.errors import AddressError
from archive.urlkey import Address

bp = Blueprint("queue", __name__)
PAGE = 100  # requests on a page


@bp.get("/p/<slug>/queue")
@signed_in
def index(slug: str) -> str:
    """Show the requests, the open ones first."""
    state = request.args.get("state", "")
    number = max(1, request.args.get("page", 1, type=int))
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        query = _query(context.project.id, state)
        rows = session.scalars(query.offset((number - 1) * PAGE).limit(PAGE + 1)).all()
        queue = requests.counts(session, context.project.id)
        feed = head(session, context.project.id)
    return render_template(
        "queue.html",
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        number=number,
        queue=queue,
        state=state,
        outcomes=list(Outcome),
        engines=requests.ENGINES,
        feed=feed,
        kept="",
        faults=[],
    )


@bp.get("/p/<slug>/queue.json")
@signed_in
def as_json(slug: str) -> Response:
    """Return every request with its state, outcome and reason."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        rows = session.scalars(_query(context.project.id, request.args.get("state", ""))).all()
        queue = requests.counts(session, context.project.id)
    return jsonify(
        total=queue.total,
        waiting=queue.waiting,
        running=queue.running,
        cancelled=queue.cancelled,
        outcomes={outcome.value: number for outcome, number in queue.by_outcome.items()},
        requests=[
            {
                "id": one.id,
                "address": one.address,
                "item": one.item_id,
                "state": one.state.value,
                "outcome": one.outcome.value if one.outcome else None,
                "reason": one.reason,
                "attempts": one.attempts,
                "capture": one.capture_id,
            }
            for one in rows
        ],
    )


@bp.post("/p/<slug>/queue")
@signed_in
def add(slug: str) -> Response | tuple[str, int]:
    """Queue the addresses typed, one a line; lines that are none come back with their fault."""
    text = request.form.get("addresses", "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    good, faults = [], []
    for line in lines:
        try:
            good.append(Address.parse(line))
        except AddressError as error:
            faults.append((line, str(error)))
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CAPTURE)
        asked = requests.ask(
            session,
            actor(),
            context.project,
            good,
            engine=request.form.get("engine", "auto"),
            why=request.form.get("why", "").strip() or "by hand",
            priority=10,
        )
        queue = requests.counts(session, context.project.id)
        rows = session.scalars(_query(context.project.id, "").limit(PAGE)).all()
        feed = head(session, context.project.id)
    told = f"{len(asked.requests)} queued"
    if asked.already_waiting:
        told += f", {asked.already_waiting} were waiting already"
    if not faults:
        flash(f"{told}.")
        return redirect(url_for("queue.index", slug=slug))
    flash(f"{told}; {len(faults)} could not be read and stand in the form below.")
    html = render_template(
        "queue.html",
        rows=rows,
        more=False,
        number=1,
        queue=queue,
        state="",
        outcomes=list(Outcome),
        engines=requests.ENGINES,
        feed=feed,
        kept="\n".join(line for line, _why in faults),
        faults=faults,
    )
    return html, 400


@bp.post("/p/<slug>/queue/<request_id>/<act>")
@signed_in
def act_on(slug: str, request_id: str, act: str) -> Response:
    """Cancel a waiting request, or queue an ended one again."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CAPTURE)
        wanted = requests.get_request(session, context.project.id, request_id)
        if act == "cancel":
            requests.cancel(session, actor(), wanted)
        elif act == "retry":
            requests.retry(session, actor(), wanted)
    return redirect(url_for("queue.index", slug=slug))


def _query(project_id: str, state: str) -> Select[CaptureRequest]:
    query = select(CaptureRequest).where(CaptureRequest.project_id == project_id)
    if state in {one.value for one in RequestState}:
        query = query.where(CaptureRequest.state == RequestState(state))
    elif state in {one.value for one in Outcome}:
        query = query.where(CaptureRequest.outcome == Outcome(state))
    # Waiting and running first, then what ended last.
    return query.order_by(
        CaptureRequest.finished_at.is_not(None),
        CaptureRequest.finished_at.desc(),
        CaptureRequest.priority,
        CaptureRequest.id,
    )

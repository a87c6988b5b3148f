"""The capture queue: what was asked for, how it stands, adding more, and steering it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import NotAllowedError, UsageError
from annotate.events import Actor
from annotate.models import CaptureRequest, ImportFile, Item, RequestState, User
from annotate.permissions import Act
from annotate.services import identities, pauses, queue_list, replay_checks, requests
from annotate.services.live import head
from annotate.services.progress import progress
from annotate.services.requests import BATCH, FIRST, LATER, NORMAL, Wanted
from annotate.views import ways
from annotate.views.context import (
    ProjectContext,
    actor,
    load_project,
    person,
    signed_in,
    wiring,
)
from archive.capture.outcome import Outcome
from archive.errors import AddressError
from archive.urlkey import Address

bp = Blueprint("queue", __name__)
_Many = Callable[[Session, Actor, Iterable[CaptureRequest]], int]
ACTS: Final[Mapping[str, tuple[str, _Many]]] = {
    "cancel": ("cancelled", requests.cancel_all),
    "retry": ("queued again", requests.retry_all),
    "first": ("go first", lambda s, a, rows: requests.set_priority(s, a, rows, FIRST)),
    "normal": ("go in their turn", lambda s, a, rows: requests.set_priority(s, a, rows, NORMAL)),
    "later": ("go last", lambda s, a, rows: requests.set_priority(s, a, rows, LATER)),
}


@bp.get("/p/<slug>/queue")
@signed_in
def index(slug: str) -> str:
    """Show the requests, the open ones first."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        return _page(session, context)


@bp.get("/p/<slug>/queue.json")
@signed_in
def as_json(slug: str) -> Response:
    """Return every request that is wanted, with its state, outcome and reason."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        rows = session.scalars(
            _wanted(request.args).query(context.project.id).order_by(CaptureRequest.id)
        ).all()
        how = progress(session, context.project.id)
    return jsonify(**how.as_json(), requests=[_as_json(one) for one in rows])


@bp.post("/p/<slug>/queue")
@signed_in
def add(slug: str) -> Response | tuple[str, int]:
    """Queue the addresses typed, one a line; lines that are none come back with their fault."""
    good: list[Address] = []
    faults: list[tuple[str, str]] = []
    for line in filter(None, map(str.strip, request.form.get("addresses", "").splitlines())):
        try:
            good.append(Address.parse(line))
        except AddressError as error:
            faults.append((line, str(error)))
    queued = waiting = 0
    for start in range(0, max(1, len(good)), BATCH):  # others write between two batches
        with wiring().database.write() as session:
            context = load_project(session, slug, Act.CAPTURE)
            asked = requests.ask(
                session,
                actor(),
                context.project,
                good[start : start + BATCH],
                engine=request.form.get("engine", "auto"),
                why=request.form.get("why", "").strip() or "by hand",
                priority=FIRST if len(good) <= BATCH else NORMAL,
                signed_in=identities.chosen(
                    session, context.project.id, request.form.get("session", "")
                ),
                media=request.form.get("media") == "yes",
            )
            queued += len(asked.requests)
            waiting += asked.already_waiting
    told = f"{queued} queued"
    if waiting:
        told += f", {waiting} were waiting already"
    if not faults:
        flash(f"{told}.")
        return redirect(url_for("queue.index", slug=slug))
    flash(f"{told}; {len(faults)} could not be read and stand in the form below.")
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.CAPTURE)
        return _page(session, context, faults=faults), 400


@bp.post("/p/<slug>/queue/bulk")
@signed_in
def bulk(slug: str) -> Response:
    """Cancel, try again or move many: those ticked, or all that the filter leaves."""
    form = request.form
    if form.get("act") not in ACTS:
        raise UsageError("Choose what is to be done with them.")
    told, do = ACTS[form["act"]]
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.CAPTURE)
        query = _wanted(form).query(context.project.id)
        if form.get("all") != "yes":
            query = query.where(CaptureRequest.id.in_(form.getlist("request")))
        ids = list(session.scalars(query.with_only_columns(CaptureRequest.id)))
    if not ids:
        raise UsageError("No request is ticked. Tick some, or choose all that the filter finds.")
    done = 0
    for start in range(0, len(ids), BATCH):
        with wiring().database.write() as session:
            wanted = CaptureRequest.id.in_(ids[start : start + BATCH])
            done += do(
                session,
                actor(),
                session.scalars(Wanted().query(context.project.id).where(wanted)).all(),
            )
    flash(f"{done} of {len(ids)} {told}. Others were not in a state for it.")
    return redirect(_here(slug, form))


@bp.post("/p/<slug>/queue/pause")
@signed_in
def pause(slug: str) -> Response:
    """Let no further request begin: of this project, or of the whole instance."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CHANGE_PROJECT)
        whole = _whole(request.form.get("scope", ""))
        pauses.pause(
            session, actor(), None if whole else context.project, request.form.get("reason", "")
        )
    flash("Paused. What is running now ends by itself; nothing else begins.")
    return redirect(url_for("queue.index", slug=slug))


@bp.post("/p/<slug>/queue/resume")
@signed_in
def resume(slug: str) -> Response:
    """Let requests begin again."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CHANGE_PROJECT)
        whole = _whole(request.form.get("scope", ""))
        pauses.resume(session, actor(), None if whole else context.project)
    flash("The queue goes on.")
    return redirect(url_for("queue.index", slug=slug))


@bp.get("/p/<slug>/queue/<request_id>")
@signed_in
def show(slug: str, request_id: str) -> str:
    """Show one request: who asked, every try, and what came of it."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        one = requests.get_request(session, context.project.id, request_id)
        return render_template(
            "request.html",
            one=one,
            item=session.get(Item, one.item_id),
            by=session.get(User, one.requested_by),
            attempts=requests.attempts_of(session, one.id),
            answered_by=session.get(ImportFile, one.answered_by) if one.answered_by else None,
            feed=head(session, context.project.id),
        )


@bp.post("/p/<slug>/queue/<request_id>/<act>")
@signed_in
def act_on(slug: str, request_id: str, act: str) -> Response:
    """Cancel a request that waits or runs, queue an ended one again, or move it."""
    if act not in ACTS:
        raise UsageError(f"There is nothing called {act!r} to be done with a request.")
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CAPTURE)
        one = requests.get_request(session, context.project.id, request_id)
        if not ACTS[act][1](session, actor(), [one]):
            raise UsageError("The request is not in a state for that: it has begun, or has ended.")
    return redirect(_here(slug, request.form))


def _page(
    session: Session, context: ProjectContext, *, faults: list[tuple[str, str]] | None = None
) -> str:
    project_id = context.project.id
    wanted = _wanted(request.args)
    number = request.args.get("page", 1, type=int)
    listed = queue_list.page(session, project_id, wanted, number)
    return render_template(
        "queue.html",
        page=listed,
        how=progress(session, project_id),
        hosts=queue_list.hosts(session, project_id),
        pauses=pauses.standing(session, project_id),
        state=request.args.get("state", ""),
        wanted=wanted,
        states=[*RequestState, *Outcome],
        engines=requests.ENGINES,
        acts=ACTS,
        feed=head(session, project_id),
        phrase_faults=wiring().phrases.current().faults,
        kept="\n".join(line for line, _why in faults or ()),
        faults=faults or (),
        scores=replay_checks.scores(session, (one.capture_id for one in listed.rows)),
        **ways.shown(session, project_id),
    )


def _wanted(words: Mapping[str, Any]) -> Wanted:
    return Wanted.read(str(words.get("state", "")), str(words.get("host", "")))


def _as_json(one: CaptureRequest) -> dict[str, object]:
    return {
        "id": one.id,
        "address": one.address,
        "item": one.item_id,
        "state": one.state.value,
        "outcome": one.outcome.value if one.outcome else None,
        "reason": one.reason,
        "attempts": one.attempts,
        "again_at": one.not_before.isoformat() if one.not_before else None,
        "purpose": one.purpose.value,
        "capture": one.capture_id,
        "answered_by": one.answered_by,
    }


def _whole(scope: str) -> bool:
    """Tell whether the whole instance is meant.

    :raises NotAllowedError: it is, by somebody who does not manage it
    """
    if scope != "instance":
        return False
    if not person().is_admin:
        raise NotAllowedError("Only who manages this Holdfast may hold everybody's queue.")
    return True


def _here(slug: str, words: Mapping[str, Any]) -> str:
    kept = {name: words.get(name) or None for name in ("state", "host", "page")}
    return url_for("queue.index", slug=slug, **kept)

"""Coding: one unit at a time, evidence left, form right; nobody sees another's answers here."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import StaleSaveError
from annotate.instrument.answers import Given
from annotate.models import Capture, CodingRound, CommentOn, Item, Project, Rendition
from annotate.permissions import Act
from annotate.services import coding, comments, handing, returning, rounds
from annotate.services.coding import Unit
from annotate.services.comments import Subject
from annotate.services.sources import SourceKind
from annotate.views.answer_form import read_answers, read_number
from annotate.views.captures import sources_of_capture
from annotate.views.context import (
    ProjectContext,
    actor,
    load_project,
    person,
    signed_in,
    wants_json,
    wiring,
)
from annotate.views.veiling import SHOW, veil_over

bp = Blueprint("coding", __name__)


@bp.get("/p/<slug>/coding")
@signed_in
def index(slug: str) -> str:
    """Show what there is to code for the person who asks."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.CODE)
        work = coding.open_work(session, context.project, person())
        return render_template("coding.html", work=work)


@bp.get("/p/<slug>/coding/<round_id>/next")
@signed_in
def following(slug: str, round_id: str) -> Response:
    """Lead to the next unit without answers."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.CODE)
        one = rounds.get_round(session, context.project, round_id)
        after = request.args.get("after", -1, type=int)
        unit = coding.next_unit(session, one, person(), after=after)
        dynamic = one.dynamic
    if unit is None and dynamic:
        return redirect(url_for("coding.index", slug=slug))
    if unit is None:
        flash("All your units of this round are coded.")
        return redirect(url_for("coding.index", slug=slug))
    return redirect(url_for("coding.show", slug=slug, assignment_id=unit.id))


@bp.post("/p/<slug>/coding/<round_id>/take")
@signed_in
def take(slug: str, round_id: str) -> Response:
    """Take the next unit of a round whose units are handed out one by one."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CODE)
        one = rounds.get_round(session, context.project, round_id)
        return redirect(_handed(session, context, one))


@bp.get("/p/<slug>/coding/unit/<assignment_id>")
@signed_in
def show(slug: str, assignment_id: str) -> str:
    """Show one unit of one's own."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.CODE)
        unit = coding.get_unit(session, context.project, person(), assignment_id)
        return _page(session, context.project, unit)


@bp.post("/p/<slug>/coding/unit/<assignment_id>/draft")
@signed_in
def draft(slug: str, assignment_id: str) -> Response:
    """Keep what is typed so far. A form without scripts comes back, the unit shown if asked."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CODE)
        unit = coding.get_unit(session, context.project, person(), assignment_id)
        given = read_answers(unit.codebook, draft=True)
        coding.save_draft(session, unit, given, read_number("seconds"))
    if wants_json():
        return jsonify(saved=True)
    here = url_for("coding.show", slug=slug, assignment_id=assignment_id)
    return redirect(f"{here}?{SHOW}=yes" if request.form.get(SHOW) else here)


@bp.post("/p/<slug>/coding/unit/<assignment_id>")
@signed_in
def submit(slug: str, assignment_id: str) -> Response:
    """Seal the answers, and go on to the next unit."""
    stale: StaleSaveError | None = None
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CODE)
        unit = coding.get_unit(session, context.project, person(), assignment_id)
        given = read_answers(unit.codebook)
        seconds = read_number("seconds")
        try:
            coding.submit(
                session,
                actor(),
                context.project,
                unit,
                given,
                seen=read_number("version"),
                seconds=seconds,
                sources=sources_of_capture(session, unit.capture_id) if _marks(given) else (),
            )
        except StaleSaveError as error:
            coding.save_draft(session, unit, given, seconds)
            stale = error
        round_id, place = unit.round.id, unit.assignment.position
        following = url_for("coding.following", slug=slug, round_id=round_id, after=place)
        if unit.round.dynamic and stale is None:
            following = _handed(session, context, unit.round)
    if stale is not None:
        raise stale
    flash("Saved and sealed.")
    return redirect(following)


@bp.post("/p/<slug>/coding/unit/<assignment_id>/hand-back")
@signed_in
def hand_back(slug: str, assignment_id: str) -> Response:
    """Give a sensitive unit back; it goes to another coder of the round where there is one."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CODE)
        unit = coding.get_unit(session, context.project, person(), assignment_id)
        round_id, place = unit.round.id, unit.assignment.position
        taken = returning.hand_back(session, actor(), context.project, unit)
    flash(
        "Handed back. Another coder has it now."
        if taken
        else "Handed back. No other coder can take it; whoever manages the round sees that."
    )
    return redirect(url_for("coding.following", slug=slug, round_id=round_id, after=place))


def _marks(given: Mapping[str, Given]) -> bool:
    return any(one.marks for one in given.values())


def _handed(session: Session, context: ProjectContext, one: CodingRound) -> str:
    """Hand out the next unit; return where it is, or the list of rounds where none is left."""
    slug = context.project.slug
    made = handing.hand_out(session, actor(), context.project, one, person())
    if made is None:
        flash("No unit of this round is left for you.")
        return url_for("coding.index", slug=slug)
    return url_for("coding.show", slug=slug, assignment_id=made.id)


def _page(session: Session, project: Project, unit: Unit) -> str:
    capture = session.get(Capture, unit.capture_id) if unit.capture_id else None
    rendition = session.get(Rendition, unit.capture_id) if unit.capture_id else None
    before, behind = coding.neighbours(session, unit.assignment)
    held = sources_of_capture(session, unit.capture_id)
    mine = [one for one in rounds.progress(session, unit.round) if one.coder.id == person().id]
    return render_template(
        "unit.html",
        unit=unit,
        item=session.get_one(Item, unit.assignment.item_id),
        capture=capture,
        rendition=rendition,
        pictures=[one for one in held if one.kind is SourceKind.PICTURE],
        films=[one for one in held if one.kind is not SourceKind.PICTURE],
        before=before,
        behind=behind,
        mine=mine[0],
        veil=veil_over(session, unit.assignment.item_id),
        threads=comments.threads_on(session, project, Subject(CommentOn.UNIT, unit.assignment.id)),
        may_return=returning.may_hand_back(session, unit),
    )

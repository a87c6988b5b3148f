"""Rounds: opening, following, revealing; then reliability, settling, and what goes out."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from annotate.errors import UsageError
from annotate.instrument.answers import Given
from annotate.models import Capture, CodebookVersion, RoundState, VersionState
from annotate.permissions import Act
from annotate.services import (
    adjudication,
    codebooks,
    consistency,
    exports,
    fields,
    handing,
    library,
    reliability,
    rounds,
    withdrawing,
)
from annotate.services.consistency import Drift
from annotate.services.reliability import Sheet
from annotate.services.sources import SourceKind
from annotate.views.answer_form import read_answers
from annotate.views.captures import sources_of_capture
from annotate.views.context import ProjectContext, actor, load_project, parts, signed_in, wiring
from annotate.views.veiling import veil_over

bp = Blueprint("rounds", __name__)
_A_PAGE: Final = 100  # units of a page of who has what


@bp.get("/p/<slug>/rounds")
@signed_in
def index(slug: str) -> str:
    """List rounds, with the form of a new one."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.COUNT)
        held = rounds.rounds_of(session, context.project)
        return render_template(
            "rounds.html",
            rounds=[(one, rounds.progress(session, one)) for one in held],
            versions=_frozen(session, context),
            coders=rounds.possible_coders(session, context.project),
            fields=fields.fields_of(session, context.project.id),
            seed=secrets.randbelow(2**31),
        )


@bp.post("/p/<slug>/rounds")
@signed_in
def create(slug: str) -> AnyResponse:
    """Draw a sample and open a round."""
    form = request.form
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        chosen = set(form.getlist("coder"))
        plan = rounds.Plan(
            name=form.get("name", ""),
            query=form.get("q", "").strip(),
            size=_whole("size"),
            seed=_whole("seed"),
            coders_per_unit=_whole("coders_per_unit"),
            coders=[
                one for one in rounds.possible_coders(session, context.project) if one.id in chosen
            ],
            strata_field=form.get("strata", ""),
            dynamic=form.get("dynamic") == "yes",
            patience=_whole("patience"),
            repeats=_whole("repeats"),
        )
        version = codebooks.get_version(session, context.project, form.get("codebook", ""))
        found = library.ids_for(session, context.project, plan.query, parts().engine, context.zone)
        strata = fields.strata_of(session, context.project, plan.strata_field, found)
        made = rounds.open_round(session, actor(), context.project, version, plan, found, strata)
        round_id = made.id
        short = rounds.short_of_coders(session, made)
    flash("The round is open. Its coders find it under Coding.")
    if short:
        flash(f"{short} units are short of coders; the round's page says why.")
    return redirect(url_for("rounds.show", slug=slug, round_id=round_id))


@bp.get("/p/<slug>/rounds/<round_id>")
@signed_in
def show(slug: str, round_id: str) -> str:
    """Show how far a round is; after the reveal, its reliability."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.COUNT)
        one = rounds.get_round(session, context.project, round_id)
        version = session.get_one(CodebookVersion, one.version_id)
        held = reliability.sheet(session, one) if one.state is RoundState.REVEALED else None
        disputes = adjudication.disputes(session, held) if held else []
        return render_template(
            "round.html",
            round=one,
            version=version,
            progress=rounds.progress(session, one),
            short=rounds.short_of_coders(session, one),
            answered=withdrawing.is_answered(session, one),
            sheet=held,
            reports=reliability.report(held) if held else [],
            disputes=disputes,
            unsettled=sum(dispute.decision is None for dispute in disputes),
            drifts=_drifts(session, held),
            steady=consistency.steadiness(session, held) if held else [],
            uses=_uses(held),
        )


@bp.get("/p/<slug>/rounds/<round_id>/workload")
@signed_in
def workload(slug: str, round_id: str) -> str:
    """Show who has which unit, and how it stands; nothing of what was answered."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        one = rounds.get_round(session, context.project, round_id)
        coders = [each.coder for each in rounds.progress(session, one)]
        total = handing.units_of(session, one)
        number = max(1, min(request.args.get("page", 1, type=int), -(-total // _A_PAGE) or 1))
        return render_template(
            "workload.html",
            round=one,
            coders=coders,
            rows=handing.workload(session, one, coders, (number - 1) * _A_PAGE, _A_PAGE),
            number=number,
            pages=-(-total // _A_PAGE) or 1,
            total=total,
            takers=rounds.possible_coders(session, context.project),
        )


@bp.post("/p/<slug>/rounds/<round_id>/pass")
@signed_in
def pass_on(slug: str, round_id: str) -> AnyResponse:
    """Pass what a coder has not sealed to another."""
    form = request.form
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        one = rounds.get_round(session, context.project, round_id)
        people = {each.id: each for each in rounds.possible_coders(session, context.project)}
        held = {each.coder.id: each.coder for each in rounds.progress(session, one)}
        giver = held.get(form.get("from", ""))
        taker = people.get(form.get("to", ""))
        if giver is None or taker is None:
            raise UsageError("Say whose units are passed on, and to whom.")
        number = handing.pass_on(session, actor(), context.project, one, giver, taker)
    flash(f"{number} units were passed on. What was sealed stays.")
    return redirect(url_for("rounds.workload", slug=slug, round_id=round_id))


@bp.post("/p/<slug>/rounds/<round_id>/reveal")
@signed_in
def reveal(slug: str, round_id: str) -> AnyResponse:
    """End the blindness of a round."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        one = rounds.get_round(session, context.project, round_id)
        if request.form.get("sure") != "yes":
            raise UsageError("Tick that you are sure: a reveal cannot be taken back.")
        rounds.reveal(session, actor(), context.project, one)
        adjudication.refresh(session, one)
    return redirect(url_for("rounds.show", slug=slug, round_id=round_id))


@bp.post("/p/<slug>/rounds/<round_id>/withdraw")
@signed_in
def withdraw(slug: str, round_id: str) -> AnyResponse:
    """Take back the opening of a round in which nobody answered anything."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        one = rounds.get_round(session, context.project, round_id)
        withdrawing.withdraw(session, actor(), context.project, one, request.form.get("reason", ""))
    flash("Withdrawn. Its units count nowhere, and nobody codes them blind any more.")
    return redirect(url_for("rounds.show", slug=slug, round_id=round_id))


@bp.get("/p/<slug>/rounds/<round_id>/settle")
@signed_in
def settle(slug: str, round_id: str) -> str:
    """Show disagreements, the unsettled ones first, one at a time."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        held = _sheet(session, context, round_id)
        disputes = adjudication.disputes(session, held)
        left = [one for one in disputes if one.decision is None]
        wanted = (request.args.get("item"), request.args.get("variable"))
        chosen = next(
            (one for one in disputes if (one.item_id, one.variable) == wanted),
            left[0] if left else None,
        )
        unit = next((u for u in held.units if chosen and u[0] == chosen.item_id), None)
        return render_template(
            "settle.html",
            round=held.round,
            disputes=disputes,
            left=len(left),
            dispute=chosen,
            variable=held.codebook.variable(chosen.variable) if chosen else None,
            unit=unit,
            veil=veil_over(session, chosen.item_id) if chosen else None,
            **_evidence(session, held, chosen.item_id if chosen else ""),
        )


@bp.post("/p/<slug>/rounds/<round_id>/settle")
@signed_in
def decide(slug: str, round_id: str) -> AnyResponse:
    """Keep a decision with its rationale."""
    form = request.form
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        held = _sheet(session, context, round_id)
        key = form.get("variable", "")
        given = read_answers(held.codebook).get(key, Given())
        adjudication.decide(
            session,
            actor(),
            context.project,
            held,
            item_id=form.get("item", ""),
            variable=key,
            given=given,
            rationale=form.get("rationale", ""),
            sources=sources_of_capture(
                session, adjudication.capture_of(session, held, form.get("item", ""))
            ),
        )
    flash("Settled. The coders' own answers stay as they are.")
    return redirect(url_for("rounds.settle", slug=slug, round_id=round_id))


@bp.get("/p/<slug>/rounds/<round_id>/matrix.csv")
@signed_in
def matrix(slug: str, round_id: str) -> Response:
    """Return the reliability matrix of one variable, for R or another program."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        held = reliability.complete(_sheet(session, context, round_id))
        variable = held.codebook.variable(request.args.get("variable", ""))
        if variable is None:
            raise UsageError("Say which variable, as in ?variable=include.")
        text = reliability.matrix_csv(held, variable)
        _exported(session, context, held, f"matrix {variable.key}", len(held.units))
    return _csv(text, f"matrix-{variable.key}.csv")


@bp.get("/p/<slug>/rounds/<round_id>/units.csv")
@signed_in
def units(slug: str, round_id: str) -> Response:
    """Return every unit and variable with whether the agreement rests on it, and why not."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        held = reliability.complete(_sheet(session, context, round_id))
        text = consistency.uses_csv(held)
        _exported(session, context, held, "units used", len(held.units))
    return _csv(text, "units-used.csv")


@bp.get("/p/<slug>/rounds/<round_id>/answers.csv")
@signed_in
def answers(slug: str, round_id: str) -> Response:
    """Return every sealed answer with its nonce and commitment."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        held = reliability.complete(_sheet(session, context, round_id))
        text = reliability.answers_csv(session, held)
        _exported(session, context, held, "answers", len(held.given))
    return _csv(text, "answers.csv")


@bp.get("/p/<slug>/rounds/<round_id>/finals.csv")
@signed_in
def finals(slug: str, round_id: str) -> Response:
    """Return the final answers with their basis."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        held = reliability.complete(_sheet(session, context, round_id))
        text = adjudication.finals_csv(session, held)
        _exported(session, context, held, "final answers", len(held.units))
    return _csv(text, "final-answers.csv")


def _evidence(session: Session, held: Sheet, item_id: str) -> dict[str, Any]:
    """Return what a unit was coded from, with its pictures and films."""
    capture_id = adjudication.capture_of(session, held, item_id)
    found = sources_of_capture(session, capture_id)
    return {
        "capture": session.get(Capture, capture_id) if capture_id else None,
        "pictures": [one for one in found if one.kind is SourceKind.PICTURE],
        "films": [one for one in found if one.kind is not SourceKind.PICTURE],
    }


def _sheet(session: Session, context: ProjectContext, round_id: str) -> Sheet:
    return reliability.sheet(session, rounds.get_round(session, context.project, round_id))


def _drifts(session: Session, held: Sheet | None) -> dict[str, list[Drift]]:
    """By the key of each compared variable."""
    if held is None:
        return {}
    return {
        one.key: consistency.drift(session, held, one)
        for one in reliability.compared(held.codebook)
    }


def _uses(held: Sheet | None) -> dict[str, Counter[str]]:
    """Count, by the key of each compared variable, the units used and why others are not."""
    found: dict[str, Counter[str]] = {}
    for one in consistency.uses(held) if held is not None else ():
        found.setdefault(one.variable, Counter())[one.use.value] += 1
    return found


def _exported(session: Session, context: ProjectContext, held: Sheet, kind: str, rows: int) -> None:
    exports.record_export(
        session,
        actor(),
        context.project,
        query=f"round {held.round.name}",
        kind=kind,
        rows=rows,
    )


def _frozen(session: Session, context: ProjectContext) -> list[tuple[str, CodebookVersion]]:
    return [
        (book.name, version)
        for book, versions in codebooks.codebooks_of(session, context.project)
        for version in versions
        if version.state is VersionState.FROZEN
    ]


def _whole(name: str) -> int:
    value = request.form.get(name, "").strip() or "0"
    if not value.isdigit():
        raise UsageError(f"“{name}” is a whole number, 0 or more.")
    return int(value)


def _csv(text: str, name: str) -> Response:
    return Response(
        "\ufeff" + text,
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )

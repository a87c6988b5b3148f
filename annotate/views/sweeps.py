"""Sweeps: how the items were looked for, and what each pass found."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.models import Sweep, SweepKind
from annotate.permissions import Act
from annotate.services import library, live, sweeps
from annotate.services.registry import keeping
from annotate.services.sweeps import SweepSpec
from annotate.views import registry_forms as forms
from annotate.views.context import (
    ProjectContext,
    actor,
    load_project,
    parts,
    signed_in,
    wiring,
)

bp = Blueprint("sweeps", __name__)


@bp.get("/p/<slug>/sweeps")
@signed_in
def index(slug: str) -> str:
    """List the sweeps, with what came of each."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        return render_template(
            "sweeps.html",
            found=sweeps.funnel(session, context.project, context.zone),
            sweeps={one.id: one for one in sweeps.sweeps_of(session, context.project.id)},
            named=sweeps.named_in_lists(session, context.project),
            kinds=list(SweepKind),
            feed=live.head(session, context.project.id),
        )


@bp.post("/p/<slug>/sweeps")
@signed_in
def add(slug: str) -> Response:
    """Write a sweep down."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.SWEEP)
        row = sweeps.create(session, actor(), context.project, _spec(context))
    return redirect(url_for("sweeps.show", slug=slug, sweep_id=row.id))


@bp.post("/p/<slug>/sweeps/from-lists")
@signed_in
def from_lists(slug: str) -> Response:
    """Write down a sweep that a list names, with its items."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.SWEEP)
        row = sweeps.record_from_list(session, actor(), context.project, forms.field("name"))
    flash("Written down, with the items the list says it found. Add what else was noted of it.")
    return redirect(url_for("sweeps.show", slug=slug, sweep_id=row.id))


@bp.get("/p/<slug>/sweeps/<sweep_id>")
@signed_in
def show(slug: str, sweep_id: str) -> str:
    """Show one sweep."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        row = keeping.get(session, context.project, Sweep, sweep_id, "sweep")
        found = sweeps.funnel(session, context.project, context.zone)
        return render_template(
            "sweep.html",
            sweep=row,
            found=next((one for one in found if one.sweep_id == row.id), None),
            kinds=list(SweepKind),
            history=keeping.history_of_sweep(session, row.id),
            feed=live.head(session, context.project.id),
        )


@bp.post("/p/<slug>/sweeps/<sweep_id>")
@signed_in
def change(slug: str, sweep_id: str) -> Response:
    """Give a sweep other words and numbers."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.SWEEP)
        row = keeping.get(session, context.project, Sweep, sweep_id, "sweep")
        sweeps.change(
            session, actor(), context.project, row, _spec(context),
            seen=forms.seen(), reason=forms.field("reason"),
        )  # fmt: skip
    return redirect(url_for("sweeps.show", slug=slug, sweep_id=sweep_id))


@bp.post("/p/<slug>/sweeps/<sweep_id>/items")
@signed_in
def find(slug: str, sweep_id: str) -> Response:
    """Say of items, or of all that a search finds, that this sweep found them, or take it back."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.SWEEP)
        row = keeping.get(session, context.project, Sweep, sweep_id, "sweep")
        query, ids = forms.field("q").strip(), request.form.getlist("item")
        if not query and not ids:
            raise UsageError("Write a search; what it finds is then said to come from the sweep.")
        if query:
            ids = library.ids_for(session, context.project, query, parts().engine, context.zone)
        act = sweeps.take_off if forms.field("act") == "take off" else sweeps.add_items
        number = act(session, actor(), context.project, row, ids)
    flash(f"{number} of {len(ids)} items changed.")
    return redirect(url_for("sweeps.show", slug=slug, sweep_id=sweep_id))


def _spec(context: ProjectContext) -> SweepSpec:
    kind = request.form.get("kind", "other")
    if kind not in {one.value for one in SweepKind}:
        raise UsageError(f"{kind!r} is none of {', '.join(SweepKind)}.")
    return SweepSpec(
        name=forms.field("name"),
        kind=SweepKind(kind),
        platform=forms.field("platform"),
        query=forms.field("query"),
        identity=forms.field("identity"),
        began_at=_moment("began_at", context),
        ended_at=_moment("ended_at", context),
        seen=_number("seen"),
        taken=_number("taken"),
        stopped=forms.field("stopped"),
        note=forms.field("note"),
        capture_id=forms.field("capture_id").strip() or None,
    )


def _moment(name: str, context: ProjectContext) -> datetime | None:
    """Read a time; one that says no zone is in the project's reporting zone."""
    text = forms.field(name).strip()
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time such as 2020-05-31T18:00.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=context.zone)


def _number(name: str) -> int | None:
    text = forms.field(name).strip()
    if text and not text.isdigit():
        raise UsageError(f"{text!r} is no whole number. Nothing was saved.")
    return int(text) if text else None

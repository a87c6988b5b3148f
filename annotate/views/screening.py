"""Screening: a grid for the keyboard, and an act on all that a search finds, shown before."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import StaleSaveError, UsageError
from annotate.models import Verdict
from annotate.permissions import Act
from annotate.services import items, library, screening
from annotate.services.rows import rows_of
from annotate.services.screening import Said
from annotate.views.context import (
    ProjectContext,
    actor,
    load_project,
    parts,
    signed_in,
    wiring,
)
from search.query import parse_query

bp = Blueprint("screening", __name__)
_A_PAGE: Final = 50
_UNDECIDED: Final = "undecided"


@bp.get("/p/<slug>/screening")
@signed_in
def grid(slug: str) -> str:
    """Show a page of items to decide on, those nobody decided on first."""
    query = request.args.get("q", "is:unscreened").strip()
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.SCREEN)
        page = library.search_items(
            session,
            context.project,
            query,
            parts().engine,
            context.zone,
            sort=library.Sort.OLDEST,
            number=max(1, request.args.get("page", 1, type=int)),
            size=_A_PAGE,
            with_facets=False,
        )
        held = screening.said_of(session, [row.item.id for row in page.rows])
        return render_template(
            "screening.html",
            page=page,
            held=held,
            reasons=screening.reasons_of(session, context.project),
            verdicts=list(Verdict),
        )


@bp.post("/p/<slug>/screening")
@signed_in
def save_page(slug: str) -> Response:
    """Save the decisions of a page; rows somebody else decided meanwhile keep theirs."""
    form = request.form
    saved, theirs = 0, []
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.SCREEN)
        for item_id in form.getlist("item"):
            if form.get(f"verdict.{item_id}", "") == form.get(f"was.{item_id}", "") and form.get(
                f"reason.{item_id}", ""
            ) == form.get(f"because.{item_id}", ""):
                continue
            try:
                _screen(session, context, item_id, f".{item_id}")
                saved += 1
            except StaleSaveError as error:
                theirs.append(f"{error.saved_by}: {error.theirs}")
    flash(f"{saved} decision{'' if saved == 1 else 's'} saved.")
    if theirs:
        flash(
            f"{len(theirs)} of these items were decided by somebody else meanwhile. Theirs stand: "
            + "; ".join(theirs[:5])
        )
    return redirect(
        url_for("screening.grid", slug=slug, q=form.get("q", ""), page=form.get("page"))
    )


@bp.post("/p/<slug>/screening/items/<item_id>")
@signed_in
def save_one(slug: str, item_id: str) -> Response:
    """Save one decision."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.SCREEN)
        held = _screen(session, context, item_id, "")
        version = held.row_version
    if request.accept_mimetypes.best == "application/json":
        return jsonify(version=version)
    flash("The decision is saved.")
    return redirect(url_for("items.show", slug=slug, item_id=item_id))


@bp.get("/p/<slug>/screening/many")
@signed_in
def before_many(slug: str) -> str:
    """Show what an act on all that a search finds would do."""
    query = request.args.get("q", "").strip()
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.SCREEN)
        ids = _found(session, context, query, related=request.args.get("forms") == "related")
        seen = screening.preview(session, ids)
        return render_template(
            "screening_many.html",
            query=query,
            related=request.args.get("forms") == "related",
            preview=seen,
            rows=rows_of(session, context.project, seen.sample, parse_query(query)),
            held=screening.said_of(session, seen.sample),
            reasons=screening.reasons_of(session, context.project),
        )


@bp.post("/p/<slug>/screening/many")
@signed_in
def do_many(slug: str) -> Response:
    """Say the same of all that a search finds, if it is what was shown."""
    form = request.form
    query = form.get("q", "").strip()
    with wiring().database.write_many() as session:
        context = load_project(session, slug, Act.SCREEN)
        ids = _found(session, context, query, related=form.get("forms") == "related")
        made = screening.screen_many(
            session,
            actor(),
            context.project,
            ids,
            _said(form.get("verdict", ""), form.get("reason", "")),
            query=query,
            shown=form.get("shown", ""),
        )
        operation_id = made.id
    flash("Done. It can be undone here at any time.")
    return redirect(url_for("screening.show_act", slug=slug, operation_id=operation_id))


@bp.get("/p/<slug>/screening/acts")
@signed_in
def acts(slug: str) -> str:
    """List the acts on many items."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        done = screening.acts_of(session, actor(), context.project)
        return render_template("screening_acts.html", acts=done, one=None, kept=[])


@bp.get("/p/<slug>/screening/acts/<operation_id>")
@signed_in
def show_act(slug: str, operation_id: str) -> str:
    """Show one act on many items, and what its undo left alone."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        one = screening.get_act(session, context.project, operation_id)
        done = [
            each
            for each in screening.acts_of(session, actor(), context.project, limit=10_000)
            if each.operation.id == one.id
        ]
        kept = screening.kept_items(session, one)
        found = [items.get_item(session, context.project.id, item_id) for item_id in kept[:200]]
        return render_template("screening_acts.html", acts=done, one=one, kept=found)


@bp.post("/p/<slug>/screening/acts/<operation_id>/undo")
@signed_in
def undo(slug: str, operation_id: str) -> Response:
    """Take an act on many items back."""
    with wiring().database.write_many() as session:
        context = load_project(session, slug, Act.SCREEN)
        made = screening.undo(session, actor(), context.project, operation_id)
        made_id = made.id
    flash("Undone. What somebody changed since was left as they said; it is listed below.")
    return redirect(url_for("screening.show_act", slug=slug, operation_id=made_id))


def _screen(session: Session, context: ProjectContext, item_id: str, ending: str) -> Any:
    form = request.form
    version = form.get(f"version{ending}", "")
    if not version.isdigit():
        raise UsageError("The form does not say which state of the item it began from.")
    item = items.get_item(session, context.project.id, item_id)
    said = _said(form.get(f"verdict{ending}", ""), form.get(f"reason{ending}", ""))
    return screening.screen(session, actor(), context.project, item, said, seen=int(version))


def _found(session: Session, context: ProjectContext, query: str, *, related: bool) -> list[str]:
    return library.ids_for(
        session, context.project, query, parts().engine, context.zone, related=related
    )


def _said(verdict: str, reason: str) -> Said:
    if verdict in {"", _UNDECIDED}:
        return Said()
    try:
        return Said(Verdict(verdict), reason)
    except ValueError as error:
        raise UsageError("Say whether they are included, excluded or undecided.") from error

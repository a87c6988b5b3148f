"""Saved searches: the list with what is new in each, saving, marking as seen, taking away."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.models import SavedSearch
from annotate.permissions import Act
from annotate.services import library, live, saved
from annotate.services.zones import parse_zone
from annotate.views.context import (
    ProjectContext,
    actor,
    load_project,
    parts,
    person,
    signed_in,
    wiring,
)
from annotate.visibility import is_blind
from search.errors import QuerySyntaxError

bp = Blueprint("saved", __name__)


@bp.get("/p/<slug>/searches")
@signed_in
def index(slug: str) -> str:
    """List the saved searches with how many items each finds, and how many are new."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        listed = [
            (one, *_standing(session, context, one))
            for one in saved.saved_of(session, context.project.id)
        ]
        feed = live.head(session, context.project.id)
        blind = is_blind(session)
    return render_template(
        "searches.html", listed=listed, state_of=state_of, feed=feed, blind=blind
    )


@bp.post("/p/<slug>/searches")
@signed_in
def save(slug: str) -> Response:
    """Save the search of a library page; what it finds now counts as seen."""
    form = request.form
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.SAVE_SEARCH)
        made = saved.save(
            session,
            actor(),
            context.project,
            name=form.get("name", ""),
            query=form.get("q", ""),
            sort=form.get("sort", ""),
            zone=form.get("zone"),
            related=form.get("forms") == "related",
        )
        saved.mark_seen(session, person().id, made, _found(session, context, made))
        state: dict[str, Any] = dict(state_of(made))
    flash(f"Saved as “{made.name}”. What it finds from now on is shown as new.")
    return redirect(url_for("library.index", slug=slug, **state))


@bp.post("/p/<slug>/searches/<saved_id>/seen")
@signed_in
def seen(slug: str, saved_id: str) -> Response:
    """Mark all that a search finds now as seen by the person."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.READ)
        one = saved.get_saved(session, context.project, saved_id)
        saved.mark_seen(session, person().id, one, _found(session, context, one))
        state: dict[str, Any] = dict(state_of(one))
    return redirect(url_for("library.index", slug=slug, **state))


@bp.post("/p/<slug>/searches/<saved_id>/remove")
@signed_in
def remove(slug: str, saved_id: str) -> Response:
    """Take a saved search off the list."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.SAVE_SEARCH)
        one = saved.get_saved(session, context.project, saved_id)
        saved.remove(session, actor(), context.project, one)
    flash(f"The saved search “{one.name}” is off the list. Nothing it found was changed.")
    return redirect(url_for("library.saved.index", slug=slug))


@bp.post("/p/<slug>/searches/<saved_id>/restore")
@signed_in
def restore(slug: str, saved_id: str) -> Response:
    """Put a saved search back on the list."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.SAVE_SEARCH)
        saved.restore(session, actor(), context.project, saved_id)
    flash("The saved search is on the list again.")
    return redirect(url_for("library.saved.index", slug=slug))


def state_of(one: SavedSearch) -> dict[str, str]:
    """Return what the address of a saved search says."""
    state = {
        "q": one.query,
        "sort": one.sort if one.sort != library.Sort.BEST else "",
        "zone": one.zone or "",
        "forms": "related" if one.related else "",
        "saved": one.id,
    }
    return {key: value for key, value in state.items() if value}


def _found(session: Session, context: ProjectContext, one: SavedSearch) -> list[str]:
    zone = parse_zone(one.zone) if one.zone else context.zone
    return library.ids_for(
        session, context.project, one.query, parts().engine, zone, related=one.related
    )


def _standing(
    session: Session, context: ProjectContext, one: SavedSearch
) -> tuple[int | None, int, object]:
    """Return how much it finds, how much of it is new, and since when; None if it cannot."""
    try:
        found = _found(session, context, one)
    except QuerySyntaxError:  # a field it names is gone
        return None, 0, None
    since, new = saved.new_since(session, person().id, one, found)
    return len(found), len(new), since

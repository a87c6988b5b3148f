"""Sensitive items: marking them, and what each person and the project want of them."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.models import FieldType, PictureChoice
from annotate.permissions import Act
from annotate.services import fields, items, library, sensitive, veils
from annotate.views.context import actor, load_project, parts, person, signed_in, wiring

bp = Blueprint("sensitive", __name__)


@bp.get("/p/<slug>/sensitive")
@signed_in
def index(slug: str) -> str:
    """Show how many items are marked, with the person's choice and the project's."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        project = context.project
        held = fields.fields_of(session, project.id)
        return render_template(
            "sensitive.html",
            number=len(
                library.ids_for(session, project, "is:sensitive", parts().engine, context.zone)
            ),
            choice=veils.choice_of(session, project, person()),
            operation=sensitive.last_operation(session, project, person().id),
            has_field=any(
                one.key == sensitive.FIELD_KEY and one.type is FieldType.BOOLEAN for one in held
            ),
        )


@bp.post("/p/<slug>/items/<item_id>/sensitive")
@signed_in
def mark(slug: str, item_id: str) -> Response:
    """Mark an item sensitive."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.TAG)
        item = items.get_item(session, context.project.id, item_id)
        sensitive.mark(session, actor(), context.project, item, request.form.get("reason", ""))
    flash("Marked. Its pictures are blurred for everybody from now on.")
    return redirect(_item(slug, item_id))


@bp.post("/p/<slug>/items/<item_id>/sensitive/remove")
@signed_in
def unmark(slug: str, item_id: str) -> Response:
    """Take the mark off an item."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.TAG)
        item = items.get_item(session, context.project.id, item_id)
        sensitive.unmark(session, actor(), context.project, item)
    flash("The mark is off. It stays in the item's history.")
    return redirect(_item(slug, item_id))


@bp.post("/p/<slug>/sensitive/bulk")
@signed_in
def bulk(slug: str) -> Response:
    """Mark the ticked items, or all that the search finds; or take their marks off."""
    form = request.form
    with wiring().database.write_many() as session:
        context = load_project(session, slug, Act.TAG)
        project = context.project
        if form.get("all") == "yes":
            related = form.get("forms") == "related"
            ids = library.ids_for(
                session, project, form.get("q", ""), parts().engine, context.zone, related=related
            )
        else:
            ids = form.getlist("item")
        if not ids:
            raise UsageError("No item is ticked. Tick some, or choose all that the search finds.")
        if form.get("sensitive") == "off":
            _operation, changed = sensitive.unmark_many(session, actor(), project, ids)
        else:
            reason = form.get("reason", "")
            _operation, changed = sensitive.mark_many(session, actor(), project, ids, reason)
    words = "lost their mark" if form.get("sensitive") == "off" else "are marked sensitive now"
    flash(f"{changed} of {len(ids)} items {words}. This can be undone on this page.")
    return redirect(url_for("sensitive.index", slug=slug))


@bp.post("/p/<slug>/sensitive/<operation_id>/undo")
@signed_in
def undo(slug: str, operation_id: str) -> Response:
    """Take an act on many items back."""
    with wiring().database.write_many() as session:
        context = load_project(session, slug, Act.TAG)
        restored = sensitive.undo(session, actor(), context.project, operation_id)
    flash(f"Undone on {restored} items.")
    return redirect(url_for("sensitive.index", slug=slug))


@bp.post("/p/<slug>/sensitive/choice")
@signed_in
def choose(slug: str) -> Response:
    """Keep what the person who asks wants of sensitive items."""
    word = request.form.get("pictures", "")
    if word not in {one.value for one in PictureChoice}:
        raise UsageError(f"{word!r} is no choice.")
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.READ)
        veils.choose(session, actor(), context.project, person(), PictureChoice(word))
    flash("Saved.")
    return redirect(url_for("sensitive.index", slug=slug))


@bp.post("/p/<slug>/sensitive/project")
@signed_in
def blur_all(slug: str) -> Response:
    """Let the pictures of every item wait blurred, or of sensitive ones only."""
    wanted = request.form.get("blurs_all") == "yes"
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CHANGE_PROJECT)
        veils.blur_all(session, actor(), context.project, wanted=wanted)
    flash("Saved.")
    return redirect(url_for("sensitive.index", slug=slug))


def _item(slug: str, item_id: str) -> str:
    tab = request.args.get("tab")
    return url_for("items.show", slug=slug, item_id=item_id, tab=tab) + "#sensitive"

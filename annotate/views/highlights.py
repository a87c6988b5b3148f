"""Highlights on the text of a capture: marking, saying, carrying over, handing out."""

from __future__ import annotations

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from annotate.errors import NotFoundError
from annotate.models import Capture, Rendition
from annotate.permissions import Act
from annotate.services import annotating, exports, items
from annotate.views.answer_form import read_number
from annotate.views.context import ProjectContext, actor, load_project, signed_in, wiring

bp = Blueprint("highlights", __name__)


@bp.get("/p/<slug>/items/<item_id>/highlights")
@signed_in
def show(slug: str, item_id: str) -> str:
    """Show a capture's text with its highlights, and those of other captures."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        item = items.get_item(session, context.project.id, item_id)
        capture = _capture(session, context, request.args.get("capture") or item.latest_capture_id)
        rendition = session.get(Rendition, capture.id)
        shown = annotating.of_item(session, item.id)
        here = [one for one in shown if one.annotation.capture_id == capture.id]
        return render_template(
            "highlights.html",
            item=item,
            capture=capture,
            rendition=rendition,
            pieces=annotating.pieces(rendition.text if rendition else "", here),
            here=here,
            elsewhere=annotating.proposals(session, shown, capture) if rendition else [],
        )


@bp.get("/p/<slug>/items/<item_id>/highlights.json")
@signed_in
def as_json(slug: str, item_id: str) -> Response:
    """Return the item's highlights as W3C Web Annotations."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        item = items.get_item(session, context.project.id, item_id)
        shown = annotating.of_item(session, item.id)
        exports.record_export(
            session,
            actor(),
            context.project,
            query=f"item {item.id}",
            kind="annotations",
            rows=len(shown),
        )
        answer = jsonify(annotating.json_ld(context.project, item, shown))
    answer.mimetype = "application/ld+json"
    return answer


@bp.post("/p/<slug>/captures/<capture_id>/highlights")
@signed_in
def add(slug: str, capture_id: str) -> AnyResponse:
    """Mark words."""
    form = request.form
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.NOTE)
        capture = _capture(session, context, capture_id)
        made = annotating.add(
            session,
            actor(),
            context.project,
            capture,
            quote=form.get("quote", "").replace("\r\n", "\n"),
            start=_place("start"),
            end=_place("end"),
            body=form.get("body", ""),
        )
        made_id, item_id = made.id, capture.item_id
    flash("Highlighted.")
    return redirect(_here(slug, item_id, capture_id) + f"#h-{made_id}")


@bp.post("/p/<slug>/highlights/<annotation_id>")
@signed_in
def edit(slug: str, annotation_id: str) -> AnyResponse:
    """Change what is said of a highlight, or take it off."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.NOTE)
        one = annotating.get(session, context.project, annotation_id)
        if request.form.get("act") == "withdraw":
            annotating.withdraw(session, actor(), one)
        else:
            body = request.form.get("body", "")
            annotating.edit(session, actor(), one, body, seen=read_number("version"))
        item_id, capture_id = one.item_id, one.capture_id
    return redirect(_here(slug, item_id, capture_id))


@bp.post("/p/<slug>/highlights/<annotation_id>/carry")
@signed_in
def carry(slug: str, annotation_id: str) -> AnyResponse:
    """Carry a highlight over to another capture, as it was proposed."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.NOTE)
        one = annotating.get(session, context.project, annotation_id)
        capture = _capture(session, context, request.form.get("capture", ""))
        annotating.carry_over(session, actor(), context.project, one, capture)
        item_id, capture_id = capture.item_id, capture.id
    flash("Carried over. The highlight on the other capture stays.")
    return redirect(_here(slug, item_id, capture_id))


def _capture(session: Session, context: ProjectContext, capture_id: str | None) -> Capture:
    found = session.scalar(
        select(Capture).where(
            Capture.id == (capture_id or ""), Capture.project_id == context.project.id
        )
    )
    if found is None:
        raise NotFoundError("Nothing is captured here to mark words in.")
    return found


def _place(name: str) -> int | None:
    value = request.form.get(name, "")
    return int(value) if value.isdigit() else None


def _here(slug: str, item_id: str, capture_id: str) -> str:
    return url_for("highlights.show", slug=slug, item_id=item_id, capture=capture_id)

"""Marks on a capture: in its text, its page, its pictures and its films."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from annotate.errors import NotFoundError, UsageError
from annotate.models import Annotation, AnnotationKind, Capture, Item, Rendition
from annotate.permissions import Act
from annotate.services import annotating, annotation_json, carrying, exports, items, sources
from annotate.services.annotating import Carried, Shown
from annotate.views.answer_form import read_number
from annotate.views.captures import viewing
from annotate.views.context import ProjectContext, actor, load_project, person, signed_in, wiring
from annotate.views.mark_form import read_media_marks
from annotate.views.veiling import veil_over

bp = Blueprint("highlights", __name__)
ON_LABELS: Final = {
    "text": "Text",
    "page": "Page",
    "pictures": "Pictures",
    "films": "Films and sound",
}
_SHOWS: Final = {
    "text": AnnotationKind.TEXT,
    "page": AnnotationKind.TEXT,
    "pictures": AnnotationKind.REGION,
    "films": AnnotationKind.TIME,
}


@bp.get("/p/<slug>/items/<item_id>/highlights")
@signed_in
def show(slug: str, item_id: str) -> str:
    """Show a capture with what is marked on it, and the marks of other captures."""
    on = request.args.get("on", "text")
    on = on if on in ON_LABELS else "text"
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        item = items.get_item(session, context.project.id, item_id)
        capture = _capture(session, context, request.args.get("capture") or item.latest_capture_id)
        return render_template(
            "highlights.html",
            item=item,
            capture=capture,
            on=on,
            tabs=ON_LABELS,
            veil=veil_over(session, item.id),
            again=_again(session, context, item, request.args.get("from", "")),
            **_marks(session, item, capture, on),
        )


def _marks(session: Session, item: Item, capture: Capture, on: str) -> dict[str, Any]:
    rendition = session.get(Rendition, capture.id)
    shown = annotating.marks_of_item(session, item.id)
    own = [one for one in shown if annotating.stands_on(one.annotation, capture, rendition)]
    taken_off = annotating.marks_of_item(session, item.id, withdrawn=True)
    held = sources.of_capture(session, viewing(), capture) if on in {"pictures", "films"} else []
    return {
        "rendition": rendition,
        "here": [one for one in own if one.annotation.kind is _SHOWS[on]],
        "counts": {tab: sum(one.annotation.kind is kind for one in own)
                   for tab, kind in _SHOWS.items()},
        "pieces": annotating.pieces(rendition.text if rendition and on == "text" else "", own),
        "pictures": [one for one in held if one.kind is sources.SourceKind.PICTURE],
        "films": [one for one in held if one.kind is not sources.SourceKind.PICTURE],
        "elsewhere": carrying.proposals(session, shown, capture),
        "taken_off": [one for one in taken_off if _is_own(one, capture)],
    }  # fmt: skip


def _is_own(one: Shown, capture: Capture) -> bool:
    return one.annotation.made_by == person().id and one.annotation.capture_id == capture.id


@bp.get("/p/<slug>/highlights")
@signed_in
def index(slug: str) -> str:
    """List marks that the newest capture of their item lacks: proposals, orphans, to redo."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        found, after = carrying.open_marks(
            session, context.project, after=request.args.get("after", "")
        )
        return render_template(
            "carrying.html",
            found=found,
            after=after,
            left=carrying.left_marks(session, context.project),
        )


@bp.get("/p/<slug>/items/<item_id>/highlights.json")
@signed_in
def as_json(slug: str, item_id: str) -> Response:
    """Return the item's marks as W3C Web Annotations."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        item = items.get_item(session, context.project.id, item_id)
        shown = annotating.marks_of_item(session, item.id)
        exports.record_export(
            session,
            actor(),
            context.project,
            query=f"item {item.id}",
            kind="annotations",
            rows=len(shown),
        )
        answer = jsonify(annotation_json.collection(context.project, item, shown))
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
            carried=_carried(session, context, capture),
        )
        made_id, item_id = made.id, capture.item_id
    flash("Highlighted.")
    return redirect(_here(slug, item_id, capture_id) + f"#h-{made_id}")


@bp.post("/p/<slug>/captures/<capture_id>/marks")
@signed_in
def add_media(slug: str, capture_id: str) -> AnyResponse:
    """Mark a region of a picture or a range of time in a film."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.NOTE)
        capture = _capture(session, context, capture_id)
        marks = read_media_marks()
        if not marks:
            raise UsageError("Draw a region or give its numbers; in a film, give start and end.")
        made = [
            annotating.add_media(
                session,
                actor(),
                context.project,
                capture,
                sources.of_capture(session, viewing(), capture),
                mark,
                body=request.form.get("body", ""),
                carried=_carried(session, context, capture),
            )
            for mark in marks
        ]
        made_id, item_id = made[0].id, capture.item_id
    flash("Marked.")
    return redirect(_here(slug, item_id, capture_id) + f"#h-{made_id}")


@bp.post("/p/<slug>/highlights/<annotation_id>")
@signed_in
def edit(slug: str, annotation_id: str) -> AnyResponse:
    """Change what is said of a mark, take it off, or put it back."""
    act = request.form.get("act", "")
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.NOTE)
        one = annotating.get(session, context.project, annotation_id, withdrawn=act == "restore")
        if act == "withdraw":
            annotating.withdraw(session, actor(), one)
        elif act == "restore":
            annotating.restore(session, actor(), one)
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
        carrying.carry_over(session, actor(), context.project, one, capture)
        item_id, capture_id = capture.item_id, capture.id
    flash("Carried over. The highlight on the other capture stays.")
    if request.form.get("back") == "list":
        return redirect(url_for("highlights.index", slug=slug))
    return redirect(_here(slug, item_id, capture_id))


@bp.post("/p/<slug>/highlights/<annotation_id>/leave")
@signed_in
def leave(slug: str, annotation_id: str) -> AnyResponse:
    """Decide that a mark is not carried over to a capture; without one, take that back."""
    wanted = request.form.get("capture", "")
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.NOTE)
        one = annotating.get(session, context.project, annotation_id)
        capture = _capture(session, context, wanted) if wanted else None
        carrying.leave(session, actor(), one, capture)
    flash("Left on its own capture." if wanted else "It is listed again.")
    return redirect(url_for("highlights.index", slug=slug))


def _capture(session: Session, context: ProjectContext, capture_id: str | None) -> Capture:
    found = session.scalar(
        select(Capture).where(
            Capture.id == (capture_id or ""), Capture.project_id == context.project.id
        )
    )
    if found is None:
        raise NotFoundError("Nothing is captured here to mark words in.")
    return found


def _again(session: Session, context: ProjectContext, item: Item, wanted: str) -> Annotation | None:
    """Return the mark on an earlier capture that is to be made again here."""
    one = annotating.get(session, context.project, wanted) if wanted else None
    return one if one is not None and one.item_id == item.id else None


def _carried(session: Session, context: ProjectContext, capture: Capture) -> Carried | None:
    wanted = request.form.get("from", "")
    if not wanted:
        return None
    return carrying.by_hand(annotating.get(session, context.project, wanted), capture)


def _place(name: str) -> int | None:
    value = request.form.get(name, "")
    return int(value) if value.isdigit() else None


def _here(slug: str, item_id: str, capture_id: str) -> str:
    on = request.form.get("on", "")
    return url_for(
        "highlights.show",
        slug=slug,
        item_id=item_id,
        capture=capture_id,
        on=on if on in ON_LABELS else None,
    )

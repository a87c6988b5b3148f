"""Values that the page contradicts, one by one, for a person to decide."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.models import Capture, Item, KeptClaim, Rendition, ValueDecision
from annotate.permissions import Act
from annotate.services import differing, items, live
from annotate.services.differing import Question
from annotate.views import registry_forms as forms
from annotate.views.context import actor, load_project, signed_in, wiring
from annotate.views.veiling import veil_over

bp = Blueprint("differing", __name__)


@bp.get("/p/<slug>/differences")
@signed_in
def index(slug: str) -> str:
    """Show the next open question, or the one asked for, and what was decided."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        questions = differing.questions(session, context.project)
        waiting = [one for one in questions if one.decision is None]
        at = _position(waiting)
        here = waiting[at] if waiting else None
        return render_template(
            "differing.html",
            here=here,
            at=at,
            waiting=waiting,
            decisions=differing.decisions_of(session, context.project),
            veil=veil_over(session, here.difference.item_id) if here else None,
            **_evidence(session, here),
            feed=live.head(session, context.project.id),
        )


@bp.post("/p/<slug>/differences/<item_id>/<key>")
@signed_in
def decide(slug: str, item_id: str, key: str) -> Response:
    """Decide one question and go to the next."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.SET_FIELD)
        item = items.get_item(session, context.project.id, item_id)
        differing.decide(
            session, actor(), context.project, item, key, kept_claim(forms.field("kept")),
            value=forms.field("value"), reason=forms.field("reason"), seen=forms.field("version"),
        )  # fmt: skip
    flash("Decided. Both claims are kept, and it can be undone below.")
    return redirect(url_for("differing.index", slug=slug, at=forms.field("at") or None))


@bp.post("/p/<slug>/decisions-of-values/<decision_id>/undo")
@signed_in
def undo(slug: str, decision_id: str) -> Response:
    """Take a decision back."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.SET_FIELD)
        row: ValueDecision = differing.undo(session, actor(), context.project, decision_id)
    flash("Taken back. The question is open again.")
    return redirect(url_for("differing.index", slug=slug, item=row.item_id))


def kept_claim(text: str) -> KeptClaim:
    """Read which claim holds.

    :raises UsageError: there is none of that name
    """
    if text not in {one.value for one in KeptClaim}:
        raise UsageError(f"{text!r} is none of {', '.join(KeptClaim)}. Nothing was saved.")
    return KeptClaim(text)


def _position(waiting: list[Question]) -> int:
    wanted = request.args.get("item")
    if wanted:
        named = [n for n, one in enumerate(waiting) if one.difference.item_id == wanted]
        return named[0] if named else 0
    return max(0, min(request.args.get("at", 0, type=int), len(waiting) - 1))


def _evidence(session: Session, here: Question | None) -> dict[str, object]:
    capture_id = here.difference.capture_id if here is not None else None
    return {
        "item": session.get(Item, here.difference.item_id) if here is not None else None,
        "capture": session.get(Capture, capture_id) if capture_id else None,
        "rendition": session.get(Rendition, capture_id) if capture_id else None,
    }

"""Pairs of items that may be the same, side by side, for a person to judge."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.models import Item, Judgement, Rendition
from annotate.permissions import Act
from annotate.services import items, live, sameness
from annotate.services.suggestions import Suggestion, suggestions
from annotate.views.context import actor, load_project, signed_in, wiring

bp = Blueprint("sameness", __name__)
SHOWN = 20  # pairs on the page
_READ = 600  # characters of each text


@dataclass(frozen=True, slots=True)
class Side:
    """One item of a pair."""

    item: Item
    text: str


@bp.get("/p/<slug>/same")
@signed_in
def index(slug: str) -> str:
    """Show the pairs nobody has judged yet."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        found = suggestions(session, context.project)
        return render_template(
            "same.html",
            total=len(found),
            pairs=_pairs(session, found[:SHOWN]),
            feed=live.head(session, context.project.id),
        )


@bp.post("/p/<slug>/same")
@signed_in
def judge(slug: str) -> Response:
    """Say of a pair whether it is the same item."""
    form = request.form
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.JUDGE_SAME)
        word = form.get("judgement", "")
        if word not in set(Judgement):
            raise UsageError("Say whether the two are the same, not the same, or unsure.")
        item = items.get_item(session, context.project.id, form.get("item", ""))
        other = items.get_item(session, context.project.id, form.get("other", ""))
        sameness.judge(
            session, actor(), context.project, item, other, Judgement(word), form.get("reason", "")
        )
    flash(f"Written down: {word}. It can be taken back on the page of either item.")
    return redirect(url_for("sameness.index", slug=slug))


def _pairs(session: Session, found: list[Suggestion]) -> list[tuple[Suggestion, Side, Side]]:
    ids = [key for one in found for key in (one.item_id, one.other_id)]
    rows = session.execute(
        select(Item, func.substr(Rendition.text, 1, _READ))
        .outerjoin(Rendition, Rendition.capture_id == Item.latest_capture_id)
        .where(Item.id.in_(ids))
    )
    sides = {item.id: Side(item, text or "") for item, text in rows}
    return [(one, sides[one.item_id], sides[one.other_id]) for one in found]

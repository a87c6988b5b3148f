"""Looking again: what later visits saw, asking for them, watches, and two captures compared."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.models import Keep, ObservedState
from annotate.permissions import Act
from annotate.services import items, library, observations, requests, revisits, timeline, watches
from annotate.services.live import head
from annotate.services.requests import BATCH
from annotate.views.context import actor, load_project, parts, signed_in, wiring
from archive.urlkey import Address

bp = Blueprint("watching", __name__)
_NEWS = 50  # observations shown on the page


@bp.get("/p/<slug>/watching")
@signed_in
def index(slug: str) -> str:
    """Show what later visits saw, and what is watched."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        return render_template(
            "watching.html",
            counts=observations.counts(session, context.project.id),
            states=list(ObservedState),
            news=observations.newest(session, context.project.id, most=_NEWS),
            watches=watches.of_project(session, context.project.id),
            keeps=list(Keep),
            engines=revisits.ENGINES,
            query=request.args.get("q", ""),
            feed=head(session, context.project.id),
        )


@bp.post("/p/<slug>/watching")
@signed_in
def make(slug: str) -> Response:
    """Begin to watch what a search finds."""
    form = request.form
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CHANGE_PROJECT)
        query = form.get("q", "")
        found = library.ids_for(session, context.project, query, parts().engine, context.zone)
        watches.make(
            session,
            actor(),
            context.project,
            query=query,
            every_hours=_hours(form.get("every", "")) * (24 if form.get("unit") == "days" else 1),
            spread_hours=_hours(form.get("spread", "0")),
            keep=_keep(form.get("keep", "")),
            engine=form.get("engine", revisits.AS_BEFORE_LABEL),
        )
    flash(
        f"Watched from now on; the search finds {len(found)} items today. "
        "The first visits come one interval from now."
    )
    return redirect(url_for("watching.index", slug=slug))


@bp.post("/p/<slug>/watching/<watch_id>/<act>")
@signed_in
def switch(slug: str, watch_id: str, act: str) -> Response:
    """Stop a watch, or let it go on."""
    if act not in {"stop", "go-on"}:
        raise UsageError(f"A watch cannot {act!r}.")
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CHANGE_PROJECT)
        watch = watches.get(session, context.project.id, watch_id)
        watches.switch(session, actor(), watch, active=act == "go-on")
    return redirect(url_for("watching.index", slug=slug))


@bp.post("/p/<slug>/items/<item_id>/look")
@signed_in
def look(slug: str, item_id: str) -> Response:
    """Look once whether an item is still there."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CAPTURE)
        item = items.get_item(session, context.project.id, item_id)
        asked = revisits.ask(session, actor(), context.project, [item.id], priority=requests.FIRST)
    flash(f"{asked}.")
    return redirect(url_for("items.show", slug=slug, item_id=item_id))


@bp.post("/p/<slug>/revisit")
@signed_in
def revisit(slug: str) -> Response:
    """Look at, or capture, the ticked items again, or all that a search finds."""
    form = request.form
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.CAPTURE)
        if form.get("all") == "yes":
            query = form.get("q", "")
            ids = library.ids_for(session, context.project, query, parts().engine, context.zone)
        else:
            ids = form.getlist("item")
    if not ids:
        raise UsageError("No item is ticked. Tick some, or choose all that the search finds.")
    told = _capture_again(slug, ids) if form.get("again") == "capture" else _look_again(slug, ids)
    flash(told)
    return redirect(url_for("queue.index", slug=slug))


@bp.get("/p/<slug>/items/<item_id>/compare")
@signed_in
def compare(slug: str, item_id: str) -> str:
    """Show the difference between the texts of two captures."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        item = items.get_item(session, context.project.id, item_id)
        captures = [one for one, _by in timeline.captures_of(session, item)]
        old = request.args.get("old") or (captures[-1].id if captures else "")
        new = request.args.get("new") or (captures[0].id if captures else "")
        return render_template(
            "compare.html",
            item=item,
            captures=captures,
            compared=timeline.compare_captures(session, item, old, new),
            everything=request.args.get("all") == "yes",
        )


def _look_again(slug: str, ids: list[str]) -> str:
    spread = timedelta(hours=_hours(request.form.get("spread", "0") or "0"))
    done = revisits.Round()
    for start in range(0, len(ids), BATCH):
        with wiring().database.write() as session:
            context = load_project(session, slug, Act.CAPTURE)
            some = ids[start : start + BATCH]
            done.add(revisits.ask(session, actor(), context.project, some, spread=spread))
    return f"{done}."


def _capture_again(slug: str, ids: list[str]) -> str:
    asked = waiting = 0
    for start in range(0, len(ids), BATCH):
        with wiring().database.write() as session:
            context = load_project(session, slug, Act.CAPTURE)
            found = [
                items.get_item(session, context.project.id, one)
                for one in ids[start : start + BATCH]
            ]
            done = requests.ask(
                session,
                actor(),
                context.project,
                [Address.parse(item.address) for item in found],
                why="again",
            )
            asked += len(done.requests)
            waiting += done.already_waiting
    return f"{asked} captures asked for" + (
        f", {waiting} were waiting already." if waiting else "."
    )


def _hours(text: str) -> int:
    if not text.isdigit():
        raise UsageError(f"{text!r} is no whole number of hours or days.")
    return int(text)


def _keep(text: str) -> Keep:
    if text not in {one.value for one in Keep}:
        raise UsageError(f"Bytes cannot be kept {text!r}.")
    return Keep(text)

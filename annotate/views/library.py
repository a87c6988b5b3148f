"""The library: search, facets, rows, bulk tagging; the same address as .json, .csv and Atom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from annotate.errors import NotFoundError, UsageError
from annotate.models import BulkKind, PictureChoice, SavedSearch
from annotate.permissions import Act
from annotate.services import exports, library, saved, tags, veils
from annotate.services.hints import Hints, hints_for
from annotate.services.label_index import labels_of
from annotate.services.live import head
from annotate.services.rows import Row
from annotate.views.context import (
    ProjectContext,
    actor,
    load_project,
    parts,
    person,
    signed_in,
    wiring,
)
from annotate.views.saved import bp as saved_searches
from annotate.views.saved import state_of
from annotate.views.veiling import SHOW
from annotate.visibility import is_blind
from search.errors import QuerySyntaxError
from search.query import parse_query

bp = Blueprint("library", __name__)
bp.register_blueprint(saved_searches)
# What the address of a list says, in the order it says it; everything else is not passed on.
STATE: Final = ("q", "sort", "page", "size", "zone", "forms", "more", "saved", "new")
_FURTHEST: Final = 10**9  # pages
ATOM_ENTRIES: Final = 50
_PLAIN: Final = "!$'()*,/:;?@"  # what may stand in a query as it is (URL Standard, 1.3)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of a library page says."""

    query: str
    sort: library.Sort
    number: int
    size: int
    opened: frozenset[str]
    related: bool


def asked_for() -> Asked:
    """Read the address; what it says wrongly is passed over."""
    size = request.args.get("size", 50, type=int)
    sort = request.args.get("sort", library.Sort.BEST)
    return Asked(
        query=request.args.get("q", "").strip(),
        sort=library.Sort(sort) if sort in library.SORTS else library.Sort.BEST,
        number=min(_FURTHEST, max(1, request.args.get("page", 1, type=int))),
        size=size if size in library.PAGE_SIZES else 50,
        opened=frozenset(request.args.getlist("more")),
        related=request.args.get("forms") == "related",
    )


def address_of(endpoint: str, slug: str, **changes: object) -> str:
    """Return an address with the state of the one asked for, but for `changes`; None takes out."""
    return url_for(endpoint, slug=slug, **_kept(_asked_state(), changes))


def _asked_state() -> dict[str, Any]:
    args = request.args
    return {key: args.getlist(key) for key in STATE if args.get(key)}


def _kept(state: dict[str, Any], changes: dict[str, object]) -> dict[str, Any]:
    """Return a state but for some changes; a changed list begins with its first page."""
    kept = {**state, "page": None, **changes}
    return {key: value for key, value in kept.items() if value not in (None, "", [])}


def _addresses(slug: str) -> Callable[..., str]:
    """Return what makes addresses as `address_of` does, for a page with hundreds of them."""
    state = _asked_state()
    paths = cache(lambda endpoint: url_for(endpoint, slug=slug))

    def here(endpoint: str = "library.index", **changes: object) -> str:
        kept = urlencode(_kept(state, changes), doseq=True, safe=_PLAIN)
        return f"{paths(endpoint)}?{kept}" if kept else paths(endpoint)

    return here


@bp.get("/p/<slug>/")
@signed_in
def index(slug: str) -> tuple[str, int]:
    """Show what a search finds; a query that cannot be read is shown with its fault."""
    asked = asked_for()
    fault: QuerySyntaxError | None = None
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        looked = _looked(session, context, asked)
        hints = Hints()
        try:
            page = _page(session, context, asked, looked)
            if not asked.related:
                hints = hints_for(
                    session, context.project, asked.query, parts().engine, context.zone
                )
        except QuerySyntaxError as error:
            fault = error
            page = library.Page(asked.query, 0, 1, asked.size, (), ())
        searches = saved.saved_of(session, context.project.id)
        everything = tags.all_tags(session, context.project.id)
        operation = tags.last_operation(session, context.project.id, person().id)
        feed = head(session, context.project.id)
        choice = veils.choice_of(session, context.project, person())
    asked_to_see = frozenset(request.args.getlist(SHOW))

    def hides(row: Row) -> bool:
        shown = row.item.id in asked_to_see
        return veils.blurred(context.project, choice, sensitive=row.sensitive, shown=shown)

    def avoids(row: Row) -> bool:
        return row.sensitive and choice is PictureChoice.AVOID and row.item.id not in asked_to_see

    html = render_template(
        "library.html",
        page=page,
        asked=asked,
        fault=fault,
        here=_addresses(slug),
        hides=hides,
        avoids=avoids,
        all_tags=everything,
        operation=operation,
        feed=feed,
        sorts=library.SORT_LABELS,
        sizes=library.PAGE_SIZES,
        hints=hints,
        looked=looked,
        searches=searches,
        state_of=state_of,
    )
    return html, 400 if fault else 200


@bp.get("/p/<slug>/items.json")
@signed_in
def as_json(slug: str) -> AnyResponse:
    """Return the whole result as JSON, facets included."""
    asked = asked_for()
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        if (unchanged := _unchanged(session, context)) is not None:
            return unchanged
        ids = _ids(session, context, asked)
        query = parse_query(asked.query)
        facets = library.facets_for(
            session, context.project, context.zone, ids, asked.query, query, asked.opened
        )
        rows = _export(session, context, asked, ids, "json")
    body: dict[str, Any] = {
        "query": asked.query,
        "sort": asked.sort.value,
        "zone": context.zone_name,
        "total": len(rows),
        "items": rows,
        "facets": exports.facets_json(facets),
        "without": {facet.key: facet.without.number for facet in facets if facet.without},
    }
    return _tagged(exports.to_json(body), "application/json")


@bp.get("/p/<slug>/items.csv")
@signed_in
def as_csv(slug: str) -> AnyResponse:
    """Return the whole result as CSV."""
    asked = asked_for()
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        if (unchanged := _unchanged(session, context)) is not None:
            return unchanged
        rows = _export(session, context, asked, _ids(session, context, asked), "csv")
        text = exports.to_csv(session, context.project, rows)
    response = _tagged(text, "text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{slug}-items.csv"'
    return response


@bp.get("/p/<slug>/items.atom")
@signed_in
def as_atom(slug: str) -> AnyResponse:
    """Return what a search found last as an Atom feed (RFC 4287)."""
    asked = asked_for()
    sort = library.Sort.NEWEST if asked.sort is library.Sort.BEST else asked.sort
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.EXPORT)
        if (unchanged := _unchanged(session, context)) is not None:
            return unchanged
        page = library.search_items(
            session,
            context.project,
            asked.query,
            parts().engine,
            context.zone,
            sort=sort,
            size=ATOM_ENTRIES,
            with_facets=False,
            related=asked.related,
        )
    xml = render_template(
        "library.atom",
        page=page,
        project=context.project,
        itself=address_of("library.as_atom", slug, _external=True),
        page_address=address_of("library.index", slug, _external=True),
    )
    return _tagged(xml, "application/atom+xml")


@bp.post("/p/<slug>/bulk")
@signed_in
def bulk(slug: str) -> AnyResponse:
    """Tag or untag the ticked items, or all that the search finds."""
    form = request.form
    with wiring().database.write_many() as session:
        context = load_project(session, slug, Act.TAG)
        if form.get("all") == "yes":
            ids = library.ids_for(
                session,
                context.project,
                form.get("q", ""),
                parts().engine,
                context.zone,
                related=form.get("forms") == "related",
            )
        else:
            ids = form.getlist("item")
        if not ids:
            raise UsageError("No item is ticked. Tick some, or choose all that the search finds.")
        kind = BulkKind.UNTAG if form.get("act") == "untag" else BulkKind.TAG
        name = form.get("tag", "")
        operation = tags.tag_many(session, actor(), context.project, ids, name, kind)
        changed = operation.items.count('"') // 2
    flash(f"{changed} of {len(ids)} items changed: {kind.value} “{name.strip()}”.")
    return redirect(_back(slug))


@bp.post("/p/<slug>/bulk/<operation_id>/undo")
@signed_in
def undo(slug: str, operation_id: str) -> AnyResponse:
    """Take a bulk act back."""
    with wiring().database.write_many() as session:
        context = load_project(session, slug, Act.TAG)
        restored = tags.undo(session, actor(), context.project, operation_id)
    flash(f"Undone on {restored} items.")
    return redirect(_back(slug))


@dataclass(frozen=True, slots=True)
class _Looked:
    """A saved search as the person who looks at it has it."""

    search: SavedSearch
    since: datetime | None
    new: frozenset[str]
    only_new: bool


def _looked(session: Session, context: ProjectContext, asked: Asked) -> _Looked | None:
    """Return the saved search the address names, if it still asks what was saved."""
    saved_id = request.args.get("saved")
    if not saved_id:
        return None
    try:
        one = saved.get_saved(session, context.project, saved_id)
        if (one.query, one.related) != (asked.query, asked.related):
            return None
        since, new = saved.new_since(session, person().id, one, _ids(session, context, asked))
    except (NotFoundError, QuerySyntaxError):
        return None
    return _Looked(one, since, new, request.args.get("new") == "yes")


def _page(
    session: Session, context: ProjectContext, asked: Asked, looked: _Looked | None
) -> library.Page:
    return library.search_items(
        session,
        context.project,
        asked.query,
        parts().engine,
        context.zone,
        sort=asked.sort,
        number=asked.number,
        size=asked.size,
        opened=asked.opened,
        related=asked.related,
        only=looked.new if looked is not None and looked.only_new else None,
    )


def _ids(session: Session, context: ProjectContext, asked: Asked) -> list[str]:
    return library.ids_for(
        session,
        context.project,
        asked.query,
        parts().engine,
        context.zone,
        sort=asked.sort,
        related=asked.related,
    )


def _export(
    session: Session, context: ProjectContext, asked: Asked, ids: list[str], kind: str
) -> list[dict[str, Any]]:
    rows = exports.item_rows(session, context.project, ids)
    exports.record_export(
        session, actor(), context.project, query=asked.query, kind=kind, rows=len(rows)
    )
    return rows


def _unchanged(session: Session, context: ProjectContext) -> AnyResponse | None:
    """Answer 304 where nothing a list is made of changed since the caller last had it."""
    if is_blind(session):
        return None  # a changed mark would tell of what is hidden
    labels = labels_of(session, context.project.id)
    tag = f"{labels.content}-{parts().engine.position()}-{person().id[-12:]}"
    request.environ["holdfast.etag"] = tag
    if request.if_none_match.contains_weak(tag):
        response = Response(status=304)
        response.set_etag(tag, weak=True)
        return response
    return None


def _tagged(text: str, kind: str) -> Response:
    response = Response(text, content_type=f"{kind}; charset=utf-8")
    if "holdfast.etag" in request.environ:
        response.set_etag(request.environ["holdfast.etag"], weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _back(slug: str) -> str:
    names = ("q", "page", "sort", "size", "forms")
    kept: dict[str, Any] = {name: request.form.get(name) for name in names}
    return url_for("library.index", slug=slug, zone=request.args.get("zone"), **kept)

"""The numbers, each a link to the list it counts; and where pages contradict the list."""

from __future__ import annotations

from flask import Blueprint, g, jsonify, render_template
from werkzeug.wrappers import Response

from annotate.permissions import Act, may
from annotate.services import checks, counted_tables, data_only, sweeps
from annotate.views.context import load_project, signed_in, wiring

bp = Blueprint("results", __name__)


@bp.get("/p/<slug>/results")
@signed_in
def index(slug: str) -> str:
    """Show the tables."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.COUNT)
        results = counted_tables.count(session, context.project, zone=context.zone)
        reads = may(context.role, Act.READ)
        differences = checks.differing(session, context.project.id) if reads else []
        codes = data_only.code_tables(session, context.project, reads=reads)
        found = sweeps.funnel(session, context.project, context.zone)
    return render_template(
        "results.html", results=results, differences=differences, codes=codes, found=found
    )


@bp.get("/p/<slug>/results.json")
@signed_in
def as_json(slug: str) -> Response:
    """Return the same numbers."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.COUNT)
        results = counted_tables.count(session, context.project, zone=context.zone)
        reads = may(context.role, Act.READ)
        codes = data_only.code_tables(session, context.project, reads=reads)
        found = sweeps.funnel(session, context.project, context.zone)
    return jsonify(
        zone=context.zone_name,
        posts=results.posts,
        sharers=results.sharers,
        creators=results.creators,
        first_post=results.first_post,
        last_post=results.last_post,
        closed_to_you=len(g.hidden),
        sweeps={
            one.name: {
                "seen": one.seen,
                "taken": one.taken,
                "items": one.items.number,
                "counted": one.counted.number,
            }
            for one in found
        },
        scope={cell.label: cell.number for cell in results.scope},
        tables={
            table.key: {cell.label: cell.number for cell in table.cells}
            for table in (*results.tables, *codes)
        },
    )


@bp.get("/p/<slug>/differences.json")
@signed_in
def differences_json(slug: str) -> Response:
    """Return every field in which a page contradicts the claim."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        found = checks.differing(session, context.project.id)
    return jsonify(
        [
            {
                "item": one.item_id,
                "address": one.address,
                "field": one.field_key,
                "claimed": one.claimed,
                "shown": one.shown,
            }
            for one in found
        ]
    )

"""The network of accounts, creators and entities among what counts: a table, CSV and GEXF."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, render_template, request

from annotate.permissions import Act
from annotate.services import exports, live
from annotate.services.registry.network import network, to_gexf
from annotate.views.context import actor, load_project, signed_in, wiring

bp = Blueprint("network", __name__)
PAGE: Final = 200


@bp.get("/p/<slug>/network")
@signed_in
def show(slug: str) -> str:
    """Show who promotes whom and who is behind whom."""
    number = max(1, request.args.get("page", 1, type=int))
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        edges = network(session, context.project, context.zone)
        feed = live.head(session, context.project.id)
    return render_template(
        "network.html",
        edges=edges[(number - 1) * PAGE : number * PAGE],
        total=len(edges),
        number=number,
        pages=-(-len(edges) // PAGE) or 1,
        feed=feed,
    )


@bp.get("/p/<slug>/network.gexf")
@signed_in
def gexf(slug: str) -> Response:
    """Return the network for Gephi and its like."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.EXPORT)
        edges = network(session, context.project, context.zone)
        exports.record_export(
            session, actor(), context.project, query="network", kind="gexf", rows=len(edges)
        )
        body = to_gexf(edges, context.project.name)
    answer = Response(body, mimetype="application/gexf+xml")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{slug}-network.gexf")
    return answer

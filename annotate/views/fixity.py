"""When stored bytes were last re-read, what differed, and re-reading them now."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from annotate.jobs import fixity as job
from annotate.permissions import Act
from annotate.services import fixity
from annotate.views.context import load_project, person, signed_in, wiring

bp = Blueprint("fixity", __name__)


@bp.get("/p/<slug>/fixity")
@signed_in
def index(slug: str) -> str:
    """Show the last re-reading as far as it concerns the project, and one that is going on."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        found = fixity.of_project(session, context.project.id, whole=person().is_admin)
    going = job.progress_of(wiring())
    return render_template(
        "fixity.html",
        found=found,
        going=going,
        began=datetime.fromisoformat(going.began) if going else None,
    )


@bp.post("/p/<slug>/fixity")
@signed_in
def check(slug: str) -> Response:
    """Re-read all stored evidence now, in the background."""
    with wiring().database.read() as session:
        load_project(session, slug, Act.CHANGE_PROJECT)
    job.start(wiring(), person())
    flash("The stored evidence is being re-read. Reload this page to see how far it is.")
    return redirect(url_for("fixity.index", slug=slug))

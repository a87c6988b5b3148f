"""A project's way out, and the identities its captures may be made with."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.permissions import Act
from annotate.services import identities, ways
from annotate.services.ways import ProxyForm
from annotate.views.context import actor, load_project, signed_in, wiring
from archive.capture.cookies import FILE_LIMIT
from archive.capture.egress import NamesBy

bp = Blueprint("ways", __name__)


def shown(session: Session, project_id: str) -> dict[str, Any]:
    """What the settings and queue pages say of the way out and the sessions."""
    return {
        "way_out": ways.egress_row(session, project_id),
        "capture_sessions": identities.sessions_of(session, project_id),
        "names_by": NamesBy,
    }


@bp.post("/p/<slug>/way-out")
@signed_in
def set_way_out(slug: str) -> Response:
    """Let captures leave directly, or through a proxy."""
    form = request.form
    secrets = wiring().secrets
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CHANGE_PROJECT)
        if form.get("way") == "proxy":
            typed = ProxyForm(
                form.get("host", ""),
                form.get("port", ""),
                form.get("user", ""),
                form.get("password") or None,
                form.get("names", ""),
                form.get("resolver", ""),
            )
            old = ways.set_proxy(session, actor(), context.project, typed, secrets)
            words = "From now on captures leave through the proxy, or not at all."
        elif form.get("way") == "direct":
            old = ways.clear_proxy(session, actor(), context.project)
            words = "From now on captures leave directly, from this machine's own address."
        else:
            raise UsageError("Say whether captures leave directly or through a proxy.")
    if old is not None:
        secrets.forget(old)
    flash(words)
    return redirect(url_for("projects.settings", slug=slug) + "#way-out")


@bp.post("/p/<slug>/sessions")
@signed_in
def add(slug: str) -> Response:
    """Keep the cookies of an identity."""
    form = request.form
    upload = request.files.get("cookies")
    file = upload.stream.read(FILE_LIMIT + 1) if upload is not None else b""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CHANGE_PROJECT)
        row = identities.add_session(
            session,
            actor(),
            context.project,
            wiring().sessions,
            name=form.get("name", ""),
            consent=form.get("consent", ""),
            file=file,
            identity=form.get("identity", "").splitlines(),
        )
    flash(f"The session {row.name} is kept: {row.cookies} cookies.")
    return redirect(url_for("projects.settings", slug=slug) + "#sessions")


@bp.post("/p/<slug>/sessions/<session_id>/delete")
@signed_in
def delete(slug: str, session_id: str) -> Response:
    """Delete the cookies of an identity; captures made with them stay."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CHANGE_PROJECT)
        row = identities.find_session(session, context.project.id, session_id)
        identities.delete_session(session, actor(), context.project, row)
    wiring().sessions.delete(row.id)
    flash(f"The cookies of {row.name} are deleted. Captures made with them stay as they are.")
    return redirect(url_for("projects.settings", slug=slug) + "#sessions")

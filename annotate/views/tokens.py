"""One's own API tokens of a project: made, shown once, revoked."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from annotate.errors import UsageError
from annotate.models import Scope
from annotate.permissions import Act
from annotate.services import tokens
from annotate.views.answer_form import read_number
from annotate.views.context import ProjectContext, actor, load_project, person, signed_in, wiring

bp = Blueprint("tokens", __name__)


@bp.get("/p/<slug>/tokens")
@signed_in
def index(slug: str) -> str:
    """List one's tokens, with the form of a new one."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.COUNT)
        return _page(session, context, "")


@bp.post("/p/<slug>/tokens")
@signed_in
def make(slug: str) -> Response:
    """Make a token and show it, once."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.COUNT)
        _token, words = tokens.make_token(
            session,
            actor(),
            context.project,
            name=request.form.get("name", ""),
            scopes=_scopes(),
            days=read_number("days"),
        )
        page = _page(session, context, words)
    answer = make_response(page)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/p/<slug>/tokens/<token_id>/revoke")
@signed_in
def revoke(slug: str, token_id: str) -> AnyResponse:
    """End a token."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.COUNT)
        tokens.revoke(session, actor(), context.project, token_id)
    return redirect(url_for("tokens.index", slug=slug))


def _page(session: Session, context: ProjectContext, words: str) -> str:
    held = tokens.tokens_of(session, person().id, context.project.id)
    return render_template("tokens.html", tokens=held, words=words, scopes=list(Scope))


def _scopes() -> list[Scope]:
    try:
        return [Scope(one) for one in request.form.getlist("scope")]
    except ValueError as error:
        raise UsageError("There is no such scope.") from error

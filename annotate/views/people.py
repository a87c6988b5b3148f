"""People of this installation, for those who manage them."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from annotate.errors import NotAllowedError
from annotate.services import people
from annotate.views.context import actor, person, signed_in, wiring

bp = Blueprint("people", __name__)


def _require_admin() -> None:
    if not person().is_admin:
        raise NotAllowedError("Only those who manage this installation may see its people.")


@bp.get("/people")
@signed_in
def index() -> str:
    """List everybody."""
    _require_admin()
    with wiring().database.read() as session:
        everybody = people.people(session)
    return render_template("people.html", everybody=everybody, link="")


@bp.post("/people")
@signed_in
def add() -> str:
    """Add somebody, and show the one-time link by which they come in."""
    _require_admin()
    with wiring().database.write() as session:
        user = people.create_user(
            session,
            actor(),
            login=request.form.get("login", ""),
            display_name=request.form.get("display_name", ""),
        )
        link = _link(people.make_link(session, user, minutes=wiring().config.sign_in_minutes))
        everybody = people.people(session)
    return render_template("people.html", everybody=everybody, link=link, whose=user)


@bp.post("/people/<login>/link")
@signed_in
def new_link(login: str) -> str:
    """Make a new one-time link for somebody."""
    _require_admin()
    with wiring().database.write() as session:
        user = people.find_user(session, login)
        link = _link(people.make_link(session, user, minutes=wiring().config.sign_in_minutes))
        everybody = people.people(session)
    return render_template("people.html", everybody=everybody, link=link, whose=user)


@bp.post("/people/<login>/active")
@signed_in
def activate(login: str) -> Response:
    """Let somebody in or out."""
    _require_admin()
    with wiring().database.write() as session:
        user = people.find_user(session, login)
        people.change_user(session, actor(), user, is_active=request.form.get("active") == "yes")
    flash("Saved.")
    return redirect(url_for("people.index"))


@bp.route("/me", methods=["GET", "POST"])
@signed_in
def me() -> Response | str:
    """Set one's own password."""
    if request.method == "GET":
        return render_template("me.html")
    with wiring().database.write() as session:
        user = people.find_user(session, person().login)
        people.change_user(session, actor(), user, password=request.form.get("password", ""))
    flash("Your password is set. Sign in with it.")
    return redirect(url_for("auth.sign_in"))


def _link(token: str) -> str:
    return url_for("auth.link", token=token, _external=True)

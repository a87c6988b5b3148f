"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from annotate.errors import SignInError
from annotate.services import people
from annotate.views.context import limiter, session_cookie_name, wiring
from annotate.views.targets import own_target

bp = Blueprint("auth", __name__)


def _limit() -> str:
    return f"{wiring().config.sign_ins_per_minute} per minute"


@bp.get("/sign-in")
def sign_in() -> Response | str:
    """Ask for name and password."""
    if g.person is not None:
        return redirect(own_target())
    return render_template("sign_in.html", target=own_target(), message="")


@bp.post("/sign-in")
@limiter.limit(_limit)
def do_sign_in() -> Response | tuple[str, int]:
    """Check them."""
    hours = wiring().config.session_hours
    try:
        with wiring().database.write() as session:
            _user, token = people.sign_in(
                session,
                request.form.get("login", ""),
                request.form.get("password", ""),
                hours=hours,
            )
    except SignInError as error:
        return render_template("sign_in.html", target=own_target(), message=str(error)), 401
    return _signed_in(token)


@bp.get("/sign-in/link/<token>")
def link(token: str) -> str:
    """Show whom the link signs in, and a button: opening it changes nothing."""
    with wiring().database.read() as session:
        user = people.check_link(session, token)
    return render_template("sign_in_link.html", user=user, token=token)


@bp.post("/sign-in/link/<token>")
@limiter.limit(_limit)
def use_link(token: str) -> Response:
    """Use the link, once."""
    with wiring().database.write() as session:
        _user, session_token = people.use_link(session, token, hours=wiring().config.session_hours)
    return _signed_in(session_token)


@bp.post("/sign-out")
def sign_out() -> Response:
    """End this sign-in."""
    token = request.cookies.get(session_cookie_name())
    if token:
        with wiring().database.write() as session:
            people.sign_out(session, token)
    response = redirect(url_for("auth.sign_in"))
    response.delete_cookie(session_cookie_name(), path="/")
    return response


def _signed_in(token: str) -> Response:
    config = wiring().config
    response = redirect(own_target())
    response.set_cookie(
        session_cookie_name(),
        token,
        max_age=int(config.session_hours * 3600),
        httponly=True,
        samesite="Lax",
        secure=config.behind_tls,
        path="/",
    )
    return response

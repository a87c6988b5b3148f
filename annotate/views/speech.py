"""The language pages are said in: what was chosen in this browser, else what it asks for."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, current_app, g, has_request_context, redirect, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from annotate.views.targets import own_target
from annotate.words import catalog
from annotate.words.catalog import ENGLISH, LANGUAGES, Language
from annotate.words.messages import script_messages

bp = Blueprint("speech", __name__)
COOKIE: Final = "holdfast_language"


def language() -> Language:
    """Return the language of the one who asks."""
    if not has_request_context():
        return ENGLISH
    if "language" not in g:
        chosen = request.cookies.get(COOKIE)
        tags = [one.tag for one in LANGUAGES]
        g.language = catalog.language(
            chosen if chosen in tags else request.accept_languages.best_match(tags)
        )
    found: Language = g.language
    return found


@bp.post("/language")
def choose() -> Response:
    """Keep the language that somebody chose, for a year, in this browser."""
    response = redirect(own_target())
    response.set_cookie(
        COOKIE,
        catalog.language(request.form.get("language")).tag,
        max_age=365 * 24 * 3600,
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
    )
    return response


def say(message: str, *values: object) -> Markup:
    """Say a message of a template."""
    return catalog.say(message, *values, tag=language().tag)


def translated(text: object) -> str:
    """Say a sentence of the rules, or the word for a kind of thing."""
    return catalog.translated(text, language().tag)


def script_words() -> dict[str, str]:
    """Return what the scripts of a page may say, in the language of the one who asks."""
    tag = language().tag
    return {one: catalog.translated(one, tag) for one in script_messages()}

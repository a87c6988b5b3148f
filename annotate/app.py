"""The web application: a factory that puts the views, their guards and the headers together."""

from __future__ import annotations

import importlib
import json
from datetime import datetime
from typing import Final

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFProtect
from jinja2 import pass_context
from jinja2.runtime import Context

from annotate.selectors.media import read_mark, read_place
from annotate.services.history import words_of
from annotate.views import api, errors, speech
from annotate.views.context import (
    EXTENSION,
    Parts,
    limiter,
    load_person,
    template_words,
)
from annotate.wiring import Wiring
from annotate.words.runs import SAY, SaidExtension
from archive.markup import straight

ROOMS: Final = (
    "api",
    "auth",
    "captures",
    "citing",
    "codebooks",
    "coding",
    "differing",
    "exchange",
    "comments",
    "fixity",
    "data",
    "highlights",
    "history",
    "imports",
    "items",
    "library",
    "lists",
    "live",
    "memento",
    "memos",
    "network",
    "packages",
    "people",
    "projects",
    "queue",
    "recoding",
    "recorded",
    "records",
    "registry",
    "registry_lists",
    "relations",
    "results",
    "rounds",
    "sameness",
    "screening",
    "sensitive",
    "spreadsheets",
    "speech",
    "sweeps",
    "tokens",
    "watching",
    "ways",
)
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; connect-src 'self'; font-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def create_app(wiring: Wiring) -> Flask:
    """Make the application of one home."""
    app = Flask("annotate", template_folder="templates", static_folder="static")
    config = wiring.config
    app.config.update(
        SECRET_KEY=wiring.web_key,
        MAX_CONTENT_LENGTH=config.upload_bytes,
        MAX_FORM_MEMORY_SIZE=8_000_000,
        SESSION_COOKIE_NAME="__Host-holdfast_form" if config.behind_tls else "holdfast_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.behind_tls,
        WTF_CSRF_TIME_LIMIT=None,
        RATELIMIT_HEADERS_ENABLED=False,
    )
    app.extensions[EXTENSION] = Parts(wiring)
    csrf = CSRFProtect(app)
    limiter.init_app(app)
    app.before_request(errors.refuse_other_hosts if not config.behind_tls else lambda: None)
    app.before_request(load_person)
    app.after_request(_add_headers)
    app.context_processor(template_words)
    for room in ROOMS:
        app.register_blueprint(importlib.import_module(f"annotate.views.{room}").bp)
    csrf.exempt(api.bp)  # it takes tokens only, which no browser sends by itself
    errors.register(app)
    app.jinja_env.add_extension(SaidExtension)
    app.jinja_env.globals[SAY] = speech.say
    app.jinja_env.filters["translated"] = _translated
    app.jinja_env.filters["moment"] = _moment
    app.jinja_env.filters["straight"] = straight
    app.jinja_env.filters["place"] = read_place
    app.jinja_env.filters["media_mark"] = read_mark
    app.jinja_env.filters["listed"] = _listed
    app.jinja_env.filters["happened"] = _happened
    return app


def _add_headers(response: Response) -> Response:
    """Put the security headers on; the static view of a capture brings stricter ones."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _listed(document: str) -> str:
    """Return a list that is kept as JSON as words."""
    return "; ".join(str(one) for one in json.loads(document))


# A filter that asks for the context is not worked out when a template is compiled: else the first
# reader's language would stay in the template for everybody.
@pass_context
def _translated(_context: Context, text: object) -> str:
    """Say a sentence of the rules, or the word for a kind of thing, to the one who reads."""
    return speech.translated(text)


def _happened(kind: str) -> str:
    """Say what an event of a kind did."""
    return speech.translated(words_of(kind))


def _moment(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if value is not None else ""

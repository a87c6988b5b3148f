"""Errors as pages and as JSON: what happened, what was kept, what to do."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, SecurityError

from annotate.errors import (
    AnnotateError,
    NotAllowedError,
    NotFoundError,
    SignInError,
    StaleSaveError,
    TooLargeError,
)
from annotate.views.context import wants_json, wiring
from archive.errors import (
    AddressError,
    ArchiveError,
    CookieFormatError,
    NotAnArchiveError,
    UnsafePackageError,
)
from search.errors import QuerySyntaxError

_HTTP_LABELS: Final[dict[int, str]] = {
    404: "There is no such page.",
    405: "This address is not asked for in that way.",
    429: "Too many attempts. Wait a minute and try again.",
}
_log = logging.getLogger(__name__)
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_STATUS: Final[tuple[tuple[type[Exception], int], ...]] = (
    (NotAllowedError, 403),
    (NotFoundError, 404),
    (SignInError, 401),
    (StaleSaveError, 409),
    (TooLargeError, 413),
    (AnnotateError, 400),
    (QuerySyntaxError, 400),
    (AddressError, 400),
    (CookieFormatError, 400),
    (NotAnArchiveError, 400),
    (UnsafePackageError, 400),
    (ArchiveError, 500),
)


def register(app: Flask) -> None:
    """Let the application answer every error in plain words."""
    app.register_error_handler(CSRFError, _expired_form)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _any)


def refuse_other_hosts() -> None:
    """Refuse a request that names another host: a page elsewhere could point its name at us.

    :raises SecurityError: the Host header names neither loopback nor the address served
    """
    host = request.host.rpartition(":")[0] or request.host
    if host.strip("[]") not in {*_LOOPBACK, wiring().config.host}:
        raise SecurityError(f"This Holdfast is not reached as {request.host}.")


def status_of(error: Exception) -> int:
    """Return the HTTP status for one of our errors; 500 for what nobody foresaw."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def _any(error: Exception) -> Response:
    status = status_of(error)
    if isinstance(error, StaleSaveError):
        return _answer(status, str(error), stale=error)
    if isinstance(error, QuerySyntaxError):
        return _answer(status, str(error), fault=error)
    if status < 500:
        return _answer(status, str(error))
    _log.error("unexpected", exc_info=error)
    g.pop("context", None)  # its rows belong to a transaction that broke; the page does without
    return _answer(status, "Holdfast failed on something it did not expect. Nothing was saved.")


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if status in {301, 302, 303, 307, 308}:
        return make_response(error.get_response())
    return _answer(status, _HTTP_LABELS.get(status) or error.description or str(error))


def _expired_form(error: CSRFError) -> Response:
    del error
    return _answer(
        400, "The form is too old or came from another page. Go back, reload, and send it again."
    )


def _too_large(error: RequestEntityTooLarge) -> Response:
    del error
    limit = wiring().config.upload_bytes
    return _answer(
        413,
        f"This is larger than the {limit / 1e9:.1f} GB that are taken by upload. Nothing was kept. "
        "Larger files are imported on the machine itself with: holdfast import FILE",
    )


def _answer(
    status: int,
    message: str,
    *,
    stale: StaleSaveError | None = None,
    fault: QuerySyntaxError | None = None,
) -> Response:
    if wants_json():
        body: dict[str, object] = {"error": message, "status": status}
        if stale is not None:
            body |= {"theirs": stale.theirs, "yours": stale.yours, "version": stale.version}
        return make_response(jsonify(body), status)
    title = HTTPStatus(status).phrase
    page = render_template(
        "error.html", title=title, status=status, message=message, stale=stale, fault=fault
    )
    return make_response(page, status)

"""Endpoints of the API: declared once, routed and described from the same declaration."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from importlib.metadata import version
from typing import Any, Final

from flask import Blueprint, Response, g, jsonify, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from annotate.errors import SignInError, UsageError
from annotate.permissions import Act
from annotate.views.context import ProjectContext, load_project, wiring

bp = Blueprint("api", __name__, url_prefix="/api/v1")
Schema = Mapping[str, Any]
_TYPES: Final = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
_PROJECT: Final = "/projects/<slug>"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint, as declared."""

    method: str
    path: str
    """Below /api/v1, with Flask's placeholders."""
    act: Act | None
    summary: str
    body: Schema
    """Properties of the JSON body by name; `required: False` makes one optional."""
    query: Schema
    file: bool = False
    """The body is a form (multipart/form-data) with a part `file` beside the properties."""
    gives: str = "application/json"
    """What the answer is, where all is well."""
    by_itself: bool = False
    """The view writes in transactions of its own: what comes from outside the database is read
    before, and what is to be forgotten is forgotten after."""


ENDPOINTS: Final[list[Endpoint]] = []
View = Callable[..., Any]


def endpoint(
    method: str,
    path: str,
    act: Act | None,
    summary: str,
    *,
    body: Schema | None = None,
    query: Schema | None = None,
    file: bool = False,
    gives: str = "application/json",
    by_itself: bool = False,
) -> Callable[[View], View]:
    """Declare an endpoint: the view gets session, project and body, and returns JSON values.

    A GET reads; everything else writes, in one transaction. A view that is `by_itself` gets a
    session that reads, and writes by `writing`. With `file` the body has the upload as `file`.
    """
    declared = Endpoint(method, path, act, summary, body or {}, query or {}, file, gives, by_itself)
    ENDPOINTS.append(declared)

    def declare(view: View) -> View:
        @wraps(view)
        def answered(**placeholders: str) -> AnyResponse:
            slug = placeholders.pop("slug", None)
            if file:  # before a byte of it is read
                with wiring().database.read() as session:
                    _context(session, slug, act)
            sent = _body(declared)
            with _session(declared) as session:
                context = _context(session, slug, act)
                answer = view(session, context, sent, **placeholders)
                return answer if isinstance(answer, AnyResponse) else jsonify(answer)

        name = f"{view.__module__.rpartition('.')[2]}_{view.__name__}"
        bp.add_url_rule(path, name, answered, methods=[method])
        return view

    return declare


@contextmanager
def _session(declared: Endpoint) -> Iterator[Session]:
    database = wiring().database
    reads = declared.method == "GET" or declared.by_itself
    with database.read() if reads else database.write() as session:
        yield session


@contextmanager
def writing(context: ProjectContext, act: Act) -> Iterator[tuple[Session, ProjectContext]]:
    """Open a transaction of a view that is `by_itself`; the act is asked once more in it."""
    with wiring().database.write() as session:
        yield session, load_project(session, context.project.slug, act)


def _context(session: Session, slug: str | None, act: Act | None) -> ProjectContext | None:
    """Load the project, if token and role allow the act.

    :raises SignInError: there is no token
    """
    if g.get("token") is None:
        raise SignInError("Send a token: Authorization: Bearer hft_…; Settings makes one.")
    if slug is None or act is None:
        return None
    return load_project(session, slug, act)


def _body(declared: Endpoint) -> dict[str, Any]:
    """Read the body and check it against the declaration.

    :raises UsageError: it is not of the form, or a property is missing, unknown or ill-typed
    """
    if declared.file:
        return _form(declared)
    if declared.method == "GET" or not declared.body:
        return {}
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict):
        raise UsageError("Send a JSON object, with Content-Type: application/json.")
    return _checked(declared, sent)


def _form(declared: Endpoint) -> dict[str, Any]:
    """Read a form with a file: what is no text is written as in JSON, a list is repeated.

    :raises UsageError: there is no file, or a property is missing, unknown or ill-typed
    """
    upload = request.files.get("file")
    if upload is None or not upload.filename or len(request.files) > 1:
        raise UsageError("Send a form (multipart/form-data) with one file, named, as “file”.")
    sent = {
        name: _value(declared.body.get(name, {}), request.form.getlist(name))
        for name in request.form
    }
    return _checked(declared, sent) | {"file": upload}


def _value(schema: Schema, given: list[str]) -> Any:
    kind = schema.get("type", "string")
    if kind == "array":
        return given
    text = given[-1]
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return int(text) if kind == "integer" and text.isdigit() else text


def _checked(declared: Endpoint, sent: dict[str, Any]) -> dict[str, Any]:
    unknown = sent.keys() - declared.body.keys()
    if unknown:
        known = ", ".join(declared.body)
        raise UsageError(f"Unknown: {', '.join(sorted(unknown))}. The body takes: {known}.")
    for name, schema in declared.body.items():
        if name not in sent:
            if schema.get("required", True):
                raise UsageError(f"The body lacks “{name}”.")
            continue
        kind = _TYPES[schema["type"]]
        if not isinstance(sent[name], kind) or (kind is int and isinstance(sent[name], bool)):
            raise UsageError(f"“{name}” has to be of type {schema['type']}.")
    return sent


def number(name: str, default: int, most: int) -> int:
    """Read a whole number of the query string, from 1 to `most`.

    :raises UsageError: it is none
    """
    value = request.args.get(name, str(default))
    if not value.isdigit() or not 1 <= int(value) <= most:
        raise UsageError(f"“{name}” is a whole number from 1 to {most}.")
    return int(value)


@bp.get("/openapi.json")
def openapi() -> Response:
    """Return the API's description (OpenAPI 3.1)."""
    return jsonify(document())


def document() -> dict[str, Any]:
    """Return the OpenAPI document of every endpoint declared."""
    paths: dict[str, dict[str, Any]] = {}
    for one in ENDPOINTS:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", one.path)
        paths.setdefault(path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Holdfast",
            "version": version("holdfast"),
            "description": "What the pages do, for programs. Errors are JSON objects with "
            "`error` and `status`; a stale save is 409 with `theirs` and `yours`.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "paths": paths,
    }


def _operation(one: Endpoint) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"<(?:\w+:)?(\w+)>", one.path)
    ]
    parameters += [
        {"name": name, "in": "query", "required": False, "schema": dict(schema)}
        for name, schema in one.query.items()
    ]
    operation: dict[str, Any] = {
        "summary": one.summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "done", "content": {one.gives: {"schema": {}}}},
            "4XX": {"description": "not done; `error` says why"},
        },
    }
    if one.act is not None:
        operation["description"] = f"Needs a role that may {one.act.value}."
    if one.body or one.file:
        properties = {
            name: {key: value for key, value in schema.items() if key != "required"}
            for name, schema in one.body.items()
        }
        required = [name for name, schema in one.body.items() if schema.get("required", True)]
        if one.file:
            # OpenAPI 3.1, "Considerations for File Uploads": bytes are a schema of this alone
            properties["file"] = {"contentMediaType": "application/octet-stream"}
            required.append("file")
        operation["requestBody"] = {
            "required": True,
            "content": {
                "multipart/form-data" if one.file else "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": properties,
                        "required": required,
                        "additionalProperties": False,
                    }
                }
            },
        }
    return operation


def project(path: str) -> str:
    """Return a path below a project."""
    return _PROJECT + path

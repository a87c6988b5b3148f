"""Memento (RFC 7089): when a view is of, which others there are, and the nearest to a time."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from flask import Blueprint, Response, jsonify, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from annotate.errors import NotFoundError, UsageError
from annotate.models import Capture, Item, Project
from annotate.permissions import Act
from annotate.services.mementos import Memento, link_format, links, mementos_of, nearest
from annotate.views.context import load_project, signed_in, wiring

bp = Blueprint("memento", __name__)
LINK_FORMAT = "application/link-format"


@bp.get("/p/<slug>/timemap")
@signed_in
def timemap(slug: str) -> AnyResponse:
    """List the captures of an address in time, in the link format or as JSON."""
    address, found = _asked(slug)
    entries = _entries(slug, address, found)
    if request.args.get("format") == "json":
        return jsonify(
            original_uri=address,
            timemap_uri={
                "link_format": _timemap(slug, address),
                "json_format": _timemap(slug, address, kind="json"),
            },
            timegate_uri=_timegate(slug, address),
            mementos={
                "list": [
                    {
                        "datetime": one.to_the_microsecond,
                        "uri": _view(one.capture_id),
                        "capture": one.capture_id,
                    }
                    for one in found
                ]
            },
        )
    return Response(link_format(entries) + "\n", content_type=LINK_FORMAT)


@bp.get("/p/<slug>/timegate")
@signed_in
def timegate(slug: str) -> AnyResponse:
    """Lead to the capture of an address that is nearest to Accept-Datetime; else the newest."""
    address, found = _asked(slug)
    wanted = _accepted()
    chosen = nearest(found, wanted) if wanted is not None else found[-1]
    response = redirect(_view(chosen.capture_id))
    response.headers["Vary"] = "accept-datetime"
    response.headers["Link"] = _one_line(
        [
            entry
            for entry in _entries(slug, address, found)
            if not entry["rel"].endswith("memento") or entry["href"] == _view(chosen.capture_id)
        ]
    )
    return response


def memento_headers(session: Session, capture: Capture) -> dict[str, str]:
    """Return the headers that say of when a view is, and where the others are."""
    item = session.get(Item, capture.item_id)
    project = session.get(Project, capture.project_id)
    if item is None or project is None:
        raise NotFoundError("The capture's item is gone.")
    me = Memento(capture.id, capture.captured_at)
    entries = [
        {"href": item.address, "rel": "original"},
        {"href": _timemap(project.slug, item.address), "rel": "timemap", "type": LINK_FORMAT},
        {"href": _timegate(project.slug, item.address), "rel": "timegate"},
        {"href": _view(capture.id), "rel": "memento", "datetime": me.datetime},
    ]
    return {"Memento-Datetime": me.datetime, "Link": _one_line(entries)}


def _asked(slug: str) -> tuple[str, list[Memento]]:
    address = request.args.get("url", "").strip()
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        found = mementos_of(session, context.project.id, address)
    if not found:
        raise NotFoundError("This project holds no capture of exactly this address.")
    return address, found


def _accepted() -> datetime | None:
    text = request.headers.get("Accept-Datetime", "")
    if not text:
        return None
    try:
        wanted = parsedate_to_datetime(text)
    except ValueError as error:
        raise UsageError(f"Accept-Datetime: {text!r} is no date as HTTP writes it.") from error
    return wanted if wanted.tzinfo is not None else wanted.replace(tzinfo=UTC)


def _entries(slug: str, address: str, found: list[Memento]) -> list[dict[str, str]]:
    return links(
        address,
        found,
        here=_view,
        timemap=_timemap(slug, address),
        timegate=_timegate(slug, address),
    )


def _view(capture_id: str) -> str:
    return url_for("captures.view", capture_id=capture_id, _external=True)


def _timemap(slug: str, address: str, kind: str | None = None) -> str:
    return url_for("memento.timemap", slug=slug, url=address, format=kind, _external=True)


def _timegate(slug: str, address: str) -> str:
    return url_for("memento.timegate", slug=slug, url=address, _external=True)


def _one_line(entries: list[dict[str, str]]) -> str:
    """Write links into a header, whose value is ASCII in one line."""
    text = link_format(entries).replace("\n", " ")
    return "".join(one if " " <= one <= "~" else _percent(one) for one in text)


def _percent(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "replace"))

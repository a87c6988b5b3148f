"""Packages and indexes of a selection: what would be in it, then the file itself, streamed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, render_template, request
from sqlalchemy.orm import Session

from annotate.errors import NotFoundError
from annotate.permissions import Act
from annotate.replay_app import is_offered
from annotate.services import exports, items, leaving, library, packages, replay_links
from annotate.services.leaving import Cookies, Identities, Leaving
from annotate.services.packages import Selection
from annotate.services.projects import find_project
from annotate.services.replay_links import ReplayLink
from annotate.views.captures import viewing
from annotate.views.context import ProjectContext, actor, load_project, parts, signed_in, wiring
from archive.export.signing import package_key

bp = Blueprint("packages", __name__)
_Pieces = Callable[[Session, Selection, Leaving], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The file that is asked for."""

    kind: str
    """`wacz` or `cdxj`."""
    item: str
    """Id of the one item it is about; empty: what the query finds."""
    query: str
    cookies: Cookies
    known: bool
    """Somebody says that an identity's strings may leave."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A package that waits for a word: an identity's strings stand in it."""

    chosen: Selection
    who: Identities
    seen: list[leaving.Seen]


@bp.get("/p/<slug>/package")
@signed_in
def show(slug: str) -> str:
    """Say what a package of the selection would hold, and how large it is."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.EXPORT)
        chosen = _chosen(session, context)
        return _page(chosen, _identities(session, chosen))


@bp.post("/p/<slug>/package.wacz")
@signed_in
def wacz(slug: str) -> Response | tuple[str, int]:
    """Return the selection as a WACZ; first ask, where an identity's strings stand in it."""
    return _answer(slug, "wacz")


@bp.post("/p/<slug>/package.cdxj")
@signed_in
def cdxj(slug: str) -> Response | tuple[str, int]:
    """Return the index of the selection's files."""
    return _answer(slug, "cdxj")


@bp.post("/p/<slug>/package/replay")
@signed_in
def replay(slug: str) -> str | tuple[str, int]:
    """Make the package ready on the replay host, and give the link; ask first, as for a file."""
    home = wiring().home
    if not is_offered(wiring()):
        raise NotFoundError("No ReplayWeb.page is put in here: see docs/packages.md.")
    cookies = Cookies.read(request.form.get("cookies", ""))
    known = request.form.get("known") == "yes"
    with tempfile.TemporaryDirectory(prefix="package-", dir=wiring().temporary) as folder:
        with wiring().database.read() as session:
            context = load_project(session, slug, Act.EXPORT)
            chosen = _chosen(session, context)
            _permit(context, chosen, cookies)
            first = packages.first_page(chosen)
            who = _identities(session, chosen)
            ready = packages.make_ready(chosen, viewing(), cookies, Path(folder))
            if seen := _seen(ready, who, known=known):
                return _page(chosen, who, cookies, seen), 409
            key = package_key(home)
            pieces = packages.wacz_of(session, chosen, ready, key, wiring().temporary)
        name = replay_links.keep_package(home, pieces)
    with wiring().database.write() as session:  # before anybody has the link
        exports.record_export(
            session, actor(), find_project(session, slug), query=chosen.what, kind="replay",
            rows=len(chosen.captures), cookies=cookies.value, identity_known=known,
        )  # fmt: skip
    link = ReplayLink(name, first.url, first.digits)
    words = replay_links.sign(wiring().web_key, link)
    address = f"{wiring().config.replay_address.rstrip('/')}/open/{words}"
    return render_template("replay_link.html", args=_args(), link=link, address=address)


def packed(slug: str, wanted: Wanted) -> Response | Stopped:
    """Return the file that is asked for, streamed; or why a person has to look first.

    :raises UsageError: nothing of the selection is captured, or a file cannot be copied
    """
    mime, make = _KINDS[wanted.kind]
    with ExitStack() as held:
        work = tempfile.TemporaryDirectory(prefix="package-", dir=wiring().temporary)
        folder = Path(held.enter_context(work))
        with wiring().database.read() as session:  # indexes may be made now: no writer waits
            context = load_project(session, slug, Act.EXPORT)
            chosen = selected(session, context, wanted.item, wanted.query)
            _permit(context, chosen, wanted.cookies)
            who = _identities(session, chosen)
            ready = packages.make_ready(chosen, viewing(), wanted.cookies, folder)
            if wanted.kind == "wacz" and (seen := _seen(ready, who, known=wanted.known)):
                return Stopped(chosen, who, seen)
            pieces = make(session, chosen, ready)
        with wiring().database.write() as session:  # before the first byte is sent
            exports.record_export(
                session, actor(), find_project(session, slug), query=chosen.what,
                kind=wanted.kind, rows=len(chosen.captures), cookies=wanted.cookies.value,
                identity_known=wanted.known,
            )  # fmt: skip
        kept = held.pop_all()
        response = Response(_while_held(pieces, kept), content_type=mime)
        response.call_on_close(kept.close)  # also where nobody takes the first byte
    response.headers["Content-Disposition"] = f'attachment; filename="{slug}.{wanted.kind}"'
    return response


def selected(session: Session, context: ProjectContext, item_id: str, query: str) -> Selection:
    """Return what an item, or else a query, selects; an empty one selects everything."""
    if item_id:
        item = items.get_item(session, context.project.id, item_id)
        return packages.select_items(session, context.project, [item.id], item.address)
    ids = library.ids_for(session, context.project, query, parts().engine, context.zone)
    return packages.select_items(session, context.project, ids, query or "everything")


def _answer(slug: str, kind: str) -> Response | tuple[str, int]:
    args = _args()
    wanted = Wanted(
        kind,
        args.get("item", ""),
        args.get("q", "").strip(),
        Cookies.read(request.form.get("cookies", "")),
        known=request.form.get("known") == "yes",
    )
    found = packed(slug, wanted)
    if isinstance(found, Stopped):
        return _page(found.chosen, found.who, wanted.cookies, found.seen), 409
    return found


def _wacz(session: Session, chosen: Selection, ready: Leaving) -> Iterator[bytes]:
    key = package_key(wiring().home)
    return packages.wacz_of(session, chosen, ready, key, wiring().temporary)


def _cdxj(_session: Session, _chosen: Selection, ready: Leaving) -> Iterator[bytes]:
    return packages.cdxj_of(ready, wiring().temporary)


_KINDS: Final[Mapping[str, tuple[str, _Pieces]]] = {
    "wacz": ("application/wacz", _wacz),
    "cdxj": ("text/plain; charset=utf-8", _cdxj),
}


def _permit(context: ProjectContext, chosen: Selection, cookies: Cookies) -> None:
    if cookies is Cookies.KEEP and chosen.with_session:
        context.permit(Act.SEE_COOKIES)


def _seen(ready: Leaving, who: Identities, *, known: bool) -> list[leaving.Seen]:
    """Return where an identity shows in what is to leave, unless somebody said that it may."""
    return [] if known else leaving.look_through(ready, who.strings)


def _while_held(pieces: Iterator[bytes], kept: ExitStack) -> Iterator[bytes]:
    with kept:
        yield from pieces


def _page(
    chosen: Selection,
    who: Identities,
    cookies: Cookies = Cookies.SIGNED_IN,
    seen: list[leaving.Seen] | None = None,
) -> str:
    return render_template(
        "package.html",
        chosen=chosen,
        args=_args(),
        who=who,
        cookies=cookies,
        seen=seen or (),
        replay=is_offered(wiring()),
    )


def _identities(session: Session, chosen: Selection) -> Identities:
    return leaving.identities_in(session, wiring().sessions, chosen.project.id, chosen.captures)


def _args() -> dict[str, str]:
    """Return what of the address names the selection."""
    return {key: value for key in ("item", "q", "zone") if (value := request.values.get(key))}


def _chosen(session: Session, context: ProjectContext) -> Selection:
    args = _args()
    return selected(session, context, args.get("item", ""), args.get("q", "").strip())

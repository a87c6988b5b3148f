"""`holdfast export`."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click
from sqlalchemy.orm import Session

from annotate.cli import GOOD, NOT_GOOD, Invocation
from annotate.commands.context import InProject, as_option, in_project, project_option
from annotate.errors import EnvironmentMissingError, UsageError
from annotate.exchange import spreadsheet
from annotate.jobs.indexing import index_now
from annotate.models import Project
from annotate.services import (
    exports,
    interchange,
    interchange_out,
    items,
    leaving,
    library,
    packages,
    projects,
)
from annotate.services.leaving import Cookies
from annotate.services.viewing import Viewing
from annotate.services.zones import parse_zone
from archive.export.signing import package_key
from archive.urlkey import Address
from search.whoosh_engine import WhooshEngine

_TIMES: Final = ("captured_at", "observed_at")
_FORGOTTEN: Final = (
    "A capture session of these captures was deleted with its identity strings; nothing can be "
    "searched for them any more."
)
_NOTHING_LEFT: Final = (
    "Nothing was written, since this tells who was signed in. Choose other items, or add "
    "--identity-known if whoever gets the package may know it."
)
KINDS = ("csv", "json", "wacz", "cdxj", "qdpx", "xlsx")


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--query", default="", help="Only what this search finds.")
@click.option("--tag", default="", help="Only the items of this tag.")
@click.option("--item", "address", default="", help="Only the item of this address.")
@click.option("--out", type=click.Path(path_type=Path), help="The file; else standard output.")
@click.option(
    "--cookies",
    type=click.Choice([one.value for one in Cookies]),
    default=Cookies.SIGNED_IN.value,
    help="From which WARCs of a package cookies and authorisation are left out, or keep them all.",
)
@click.option(
    "--identity-known",
    is_flag=True,
    help="Write the package although strings of an identity stand in it.",
)
@project_option
@as_option
@click.pass_obj
def export(
    invocation: Invocation,
    kind: str,
    query: str,
    tag: str,
    address: str,
    out: Path | None,
    cookies: str,
    identity_known: bool,
    slug: str | None,
    login: str | None,
) -> int:
    """Take items out: a list of them (csv, json, xlsx), their captures (wacz, cdxj), or texts with
    what was coded in them, for other programs (qdpx)."""
    if kind == "xlsx" and out is None:
        raise UsageError("A workbook is no text for a terminal: say where to with --out FILE.")
    here = in_project(invocation, slug, login)
    index_now(here.wiring)
    asked = _asked(query, tag)
    if kind in {"wacz", "cdxj"}:
        leave = _Leave(kind, Cookies(cookies), identity_known)
        return _export_captures(invocation, here, leave, (asked, address), out)
    if kind == "qdpx":
        _export_project(invocation, here, asked, address, out)
        return GOOD
    with here.wiring.database.write() as session:
        project = projects.find_project(session, here.project.slug)
        ids, what = _selected(here, session, project, asked, address)
        rows = exports.item_rows(session, project, ids)
        text = (
            json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
            if kind == "json"
            else exports.to_csv(session, project, rows)
        )
        exports.record_export(session, here.actor, project, query=what, kind=kind, rows=len(rows))
    if kind == "xlsx" and out is not None:
        out.write_bytes(spreadsheet.from_csv(text, "Items", spreadsheet.kinds(times=_TIMES)))
    elif out is not None:
        out.write_text(text, "utf-8", newline="")
    else:
        click.echo(text, nl=False)
    if out is not None:
        click.echo(f"{len(rows)} items in {out}", err=True)
    return GOOD


def _export_project(
    invocation: Invocation, here: InProject, query: str, address: str, out: Path | None
) -> None:
    """Write a REFI-QDA project, and say what of it is held back."""
    if out is None:
        raise UsageError("A project is no text for a terminal: say where to with --out FILE.")
    with (
        here.wiring.database.read() as session,
        tempfile.TemporaryFile(dir=here.wiring.temporary) as file,
    ):
        project = projects.find_project(session, here.project.slug)
        chosen = _selected(here, session, project, query, address) if query or address else None
        ids, what = chosen if chosen is not None else (None, "everything")
        outgoing = interchange_out.gather(session, project, ids)
        interchange.write_out(session, Viewing(here.wiring.store), outgoing, file)
        file.seek(0)
        size, digest = _write(iter(lambda: file.read(1 << 20), b""), out)
    numbers = interchange.numbers_of(outgoing)
    with here.wiring.database.write() as session:
        project = projects.find_project(session, here.project.slug)
        exports.record_export(
            session, here.actor, project, query=what, kind="qdpx", rows=numbers["texts"]
        )
    told = {"file": str(out), "bytes": size, "sha256": digest, **numbers,
            "held_back": outgoing.held_back}  # fmt: skip
    if invocation.as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
    elif not invocation.quiet:
        listed = ", ".join(f"{number} {name}" for name, number in numbers.items())
        click.echo(f"{listed}; {size} bytes, SHA-256 {digest}", err=True)
        for reason in outgoing.held_back:
            click.echo(f"Held back. {reason}", err=True)


@dataclass(frozen=True, slots=True)
class _Leave:
    """How captures are to leave."""

    kind: str
    cookies: Cookies
    identity_known: bool


def _export_captures(
    invocation: Invocation,
    here: InProject,
    leave: _Leave,
    wanted: tuple[str, str],
    out: Path | None,
) -> int:
    if out is None and sys.stdout.isatty():
        raise UsageError("A package is no text for a terminal: say where to with --out FILE.")
    if out is not None and out.exists():
        raise UsageError(f"{out} exists already; name another file.")
    work = here.wiring.temporary
    with tempfile.TemporaryDirectory(prefix="package-", dir=work) as folder:
        with here.wiring.database.read() as session:  # indexes may be made now: no writer waits
            project = projects.find_project(session, here.project.slug)
            ids, what = _selected(here, session, project, *wanted)
            chosen = packages.select_items(session, project, ids, what)
            ready = packages.make_ready(
                chosen, Viewing(here.wiring.store), leave.cookies, Path(folder)
            )
            if leave.kind == "wacz" and not leave.identity_known:
                who = leaving.identities_in(
                    session, here.wiring.sessions, project.id, chosen.captures
                )
                if who.forgotten:
                    click.echo(_FORGOTTEN, err=True)
                if seen := leaving.look_through(ready, who.strings):
                    _tell_seen(invocation, seen)
                    return NOT_GOOD
            if leave.kind == "wacz":
                key = package_key(here.wiring.home)
                pieces = packages.wacz_of(session, chosen, ready, key, work)
            else:
                pieces = packages.cdxj_of(ready, work)
        with here.wiring.database.write() as session:
            project = projects.find_project(session, here.project.slug)
            exports.record_export(
                session, here.actor, project, query=what, kind=leave.kind,
                rows=len(chosen.captures), cookies=leave.cookies.value,
                identity_known=leave.identity_known,
            )  # fmt: skip
        size, digest = _write(pieces, out)
    told = {"file": str(out or "-"), "captures": len(chosen.captures), "items": len(ids),
            "uncaptured": chosen.uncaptured, "without_cookies": ready.redacted, "bytes": size,
            "sha256": digest}  # fmt: skip
    if invocation.as_json and out is not None:
        click.echo(json.dumps(told, ensure_ascii=False))
    elif not invocation.quiet:
        click.echo(
            f"{told['captures']} captures of {told['items']} items, {size} bytes, SHA-256 {digest}",
            err=True,
        )
        if ready.note:
            click.echo(ready.note, err=True)
        if chosen.uncaptured:
            click.echo(f"Of {chosen.uncaptured} items nothing is captured.", err=True)
    return GOOD


def _tell_seen(invocation: Invocation, seen: list[leaving.Seen]) -> None:
    if invocation.as_json:
        found = [asdict(one) for one in seen]
        click.echo(json.dumps({"file": None, "identity_found": found}, ensure_ascii=False))
        return
    for one in seen:
        if one.problem:
            click.echo(f"{one.file} could not be searched: {one.problem}", err=True)
        else:
            click.echo(f"{one.string!r} stands {one.times} times in {one.target}", err=True)
    click.echo(_NOTHING_LEFT, err=True)


def _asked(query: str, tag: str) -> str:
    """Join a query and a tag into one query."""
    quoted = 'tag:"' + tag.replace('"', '\\"') + '"' if tag else ""
    return f"({query}) {quoted}" if query and tag else query or quoted


def _selected(
    here: InProject, session: Session, project: Project, query: str, address: str
) -> tuple[list[str], str]:
    """Return the items asked for, and the selection in words."""
    if address:
        item = items.find_item(session, project.id, Address.parse(address))
        if item is None:
            raise UsageError(f"The project has no item of exactly the address {address}.")
        return [item.id], item.address
    engine = WhooshEngine(here.wiring.index)
    zone = parse_zone(project.reporting_zone)
    return library.ids_for(session, project, query, engine, zone), query or "everything"


def _write(pieces: Iterator[bytes], out: Path | None) -> tuple[int, str]:
    """Write to a file, which gets its name when it is whole, or to standard output."""
    digest = hashlib.sha256()
    size = 0
    target = None if out is None else out.with_name(f".{out.name}.{os.getpid()}.new")
    try:
        file = sys.stdout.buffer if target is None else target.open("xb")
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            file.write(piece)
        file.flush()
        if target is not None and out is not None:
            os.fsync(file.fileno())
            file.close()
            os.link(target, out)
    except FileExistsError as error:
        raise UsageError(f"{out} exists already; name another file.") from error
    except OSError as error:
        raise EnvironmentMissingError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        if target is not None:
            target.unlink(missing_ok=True)
    return size, digest.hexdigest()

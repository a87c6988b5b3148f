"""`holdfast search` and `holdfast rebuild`."""

from __future__ import annotations

import json
import time
from typing import Final

import click

from annotate.cli import NOT_GOOD, Invocation
from annotate.commands.context import as_option, in_project, project_option
from annotate.jobs.indexing import index_now
from annotate.jobs.likening import liken_some
from annotate.jobs.rereading import Reread, rebuild_text
from annotate.services import library
from annotate.services.zones import parse_zone
from annotate.wiring import Wiring, open_home
from search.engine import Progress
from search.shelf import Shelf
from search.whoosh_engine import WhooshEngine

_LOOK: Final = 0.3  # seconds between two looks at a rebuild


@click.command()
@click.argument("query")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1))
@click.option("--sort", default="best", type=click.Choice(library.SORTS))
@project_option
@as_option
@click.pass_obj
def search(
    invocation: Invocation, query: str, limit: int, sort: str, slug: str | None, login: str | None
) -> None:
    """Find what the library page finds."""
    here = in_project(invocation, slug, login)
    index_now(here.wiring)
    engine = WhooshEngine(here.wiring.index)
    zone = parse_zone(here.project.reporting_zone)
    with here.wiring.database.read() as session:
        page = library.search_items(
            session, here.project, query, engine, zone, sort=sort, size=limit, with_facets=False
        )
    if invocation.as_json:
        found = [
            {"id": row.item.id, "address": row.item.address, "title": row.item.title}
            for row in page.rows
        ]
        click.echo(json.dumps({"total": page.total, "items": found}, ensure_ascii=False))
        return
    click.echo(f"{page.total} found", err=True)
    for row in page.rows:
        click.echo(f"{row.item.address}\t{row.item.title}")


@click.command()
@click.argument("what", type=click.Choice(["index", "text"]))
@click.pass_obj
def rebuild(invocation: Invocation, what: str) -> int:
    """Make what is derived anew from what it derives from; broken off, it goes on the next time.

    index: the search index, beside the one in use, which answers until the new one takes its place.

    text: the texts of captures that an earlier Holdfast made, and of documents in them that were
    never read. Earlier texts are kept. Exit code 1 where a text could not be made again; each is
    named with its reason, and stays as it was.
    """
    wiring = open_home(invocation.config)
    if what == "text":
        return _rebuild_text(wiring)
    done = index_now(wiring, anew=True, report=_report)
    if done is None:
        click.echo(f"A running server holds the {what}; it makes it anew now.", err=True)
        done = _wait_for_rebuild(wiring)
    click.echo(f"{done} items indexed")
    return 0


def _rebuild_text(wiring: Wiring) -> int:
    progress = rebuild_text(wiring, _report_text)
    for capture_id, reason in progress.problems:
        click.echo(f"capture {capture_id}: {reason}", err=True)
    click.echo(f"{progress.done} captures read again, {progress.changed} with other texts")
    while liken_some(wiring):
        pass
    index_now(wiring)
    return NOT_GOOD if progress.problems else 0


def _report_text(progress: Reread) -> None:
    share = progress.done / max(1, progress.total)
    click.echo(f"{share:.0%}: {progress.done} of {progress.total} captures", err=True)


def _report(progress: Progress) -> None:
    share = progress.position / max(1, progress.head)
    click.echo(f"{share:.0%}: {progress.items} items", err=True)


def _wait_for_rebuild(wiring: Wiring) -> int:
    """Have the process that holds the index make it anew, and wait; Ctrl-C lets it go on.

    Should that process end without having done it, it is done here.
    """
    shelf = Shelf(wiring.index)
    before, said = shelf.current(), None
    shelf.want_rebuild()
    while shelf.current() == before:
        progress = shelf.progress()
        if progress is not None and progress != said:
            said = progress
            _report(progress)
        time.sleep(_LOOK)
        done = index_now(wiring, anew=True, report=_report) if shelf.rebuild_wanted() else None
        if done is not None:
            return done
    engine = WhooshEngine(shelf.root)
    items = engine.health().items
    engine.close()
    return items

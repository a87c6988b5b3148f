"""`holdfast search` and `holdfast rebuild`."""

from __future__ import annotations

import json

import click

from annotate.cli import Invocation
from annotate.commands.context import as_option, in_project, project_option
from annotate.errors import EnvironmentMissingError
from annotate.jobs.indexing import index_now
from annotate.services import library
from annotate.services.zones import parse_zone
from annotate.wiring import open_home
from search.whoosh_engine import WhooshEngine


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
@click.argument("what", type=click.Choice(["index"]))
@click.pass_obj
def rebuild(invocation: Invocation, what: str) -> None:
    """Make what is derived anew from what it derives from."""
    done = index_now(open_home(invocation.config), anew=True)
    if done is None:
        raise EnvironmentMissingError(
            f"A running server holds the {what}. Stop it, then rebuild; nothing was changed."
        )
    click.echo(f"{done} items indexed")

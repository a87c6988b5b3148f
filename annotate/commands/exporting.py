"""`holdfast export`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from annotate.cli import Invocation
from annotate.commands.context import as_option, in_project, project_option
from annotate.jobs.indexing import index_now
from annotate.services import exports, library, projects
from annotate.services.zones import parse_zone
from search.whoosh_engine import WhooshEngine


@click.command()
@click.argument("kind", type=click.Choice(["csv", "json"]))
@click.option("--query", default="", help="Only what this search finds.")
@click.option("--out", type=click.Path(path_type=Path), help="The file; else standard output.")
@project_option
@as_option
@click.pass_obj
def export(
    invocation: Invocation,
    kind: str,
    query: str,
    out: Path | None,
    slug: str | None,
    login: str | None,
) -> None:
    """Take a list of items out."""
    here = in_project(invocation, slug, login)
    index_now(here.wiring)
    engine = WhooshEngine(here.wiring.index)
    with here.wiring.database.write() as session:
        project = projects.find_project(session, here.project.slug)
        zone = parse_zone(project.reporting_zone)
        ids = library.ids_for(session, project, query, engine, zone)
        rows = exports.item_rows(session, project, ids)
        text = (
            exports.to_csv(session, project, rows)
            if kind == "csv"
            else json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
        )
        exports.record_export(session, here.actor, project, query=query, kind=kind, rows=len(rows))
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, "utf-8", newline="")
        click.echo(f"{len(rows)} items in {out}", err=True)

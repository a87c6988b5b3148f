"""`holdfast observe`."""

from __future__ import annotations

import json
from datetime import timedelta

import click
from sqlalchemy import select

from annotate.cli import NOT_GOOD, Invocation
from annotate.commands.capture import carry_out
from annotate.commands.context import InProject, as_option, in_project, project_option
from annotate.errors import UsageError
from annotate.jobs.indexing import index_now
from annotate.models import Item, Keep, Observation, ObservedState
from annotate.services import items, library, projects, revisits
from annotate.services.requests import BATCH
from annotate.services.zones import parse_zone
from archive.urlkey import Address
from search.whoosh_engine import WhooshEngine


@click.command()
@click.argument("addresses", nargs=-1)
@click.option("--query", help="All items that this search finds; an empty one finds all.")
@click.option("--engine", default=revisits.AS_BEFORE_LABEL, type=click.Choice(revisits.ENGINES))
@click.option(
    "--keep",
    default=Keep.WHEN_CHANGED.value,
    type=click.Choice([one.value for one in Keep]),
    help="Of which visits the bytes are kept.",
)
@click.option("--spread", default=0.0, help="Scatter the visits over so many hours, at random.")
@click.option("--wait", is_flag=True, help="Make the visits now, and say what each saw.")
@project_option
@as_option
@click.pass_obj
def observe(
    invocation: Invocation,
    addresses: tuple[str, ...],
    query: str | None,
    engine: str,
    keep: str,
    spread: float,
    wait: bool,
    slug: str | None,
    login: str | None,
) -> int:
    """Look whether captured items are still there, and whether they are as they were.

    A visit tells the other side that somebody is watching.
    """
    if not addresses and query is None:
        raise UsageError('Name addresses, or say --query; --query "" means every item.')
    if wait and spread:
        raise UsageError("Visits scattered over hours cannot be waited for; leave out one of both.")
    here = in_project(invocation, slug, login)
    ids = _items(here, addresses, query)
    done = revisits.Round()
    for start in range(0, len(ids), BATCH):  # others write between two batches
        with here.wiring.database.write() as session:
            done.add(
                revisits.ask(
                    session,
                    here.actor,
                    projects.find_project(session, here.project.slug),
                    ids[start : start + BATCH],
                    keep=Keep(keep),
                    engine=engine,
                    spread=timedelta(hours=spread),
                )
            )
    click.echo(str(done), err=wait)
    if not wait:
        return 0
    carry_out(here, done.request_ids)
    return _tell(invocation, here, done.request_ids)


def _items(here: InProject, addresses: tuple[str, ...], query: str | None) -> list[str]:
    found: list[str] = []
    if query is not None:
        index_now(here.wiring)
    with here.wiring.database.read() as session:
        project = projects.find_project(session, here.project.slug)
        for text in addresses:
            item = items.find_item(session, project.id, Address.parse(text))
            if item is None:
                raise UsageError(f"The project has no item {text}; capture it first.")
            found.append(item.id)
        if query is not None:
            engine = WhooshEngine(here.wiring.index)
            zone = parse_zone(project.reporting_zone)
            found += library.ids_for(session, project, query, engine, zone)
            engine.close()
    return list(dict.fromkeys(found))


def _tell(invocation: Invocation, here: InProject, request_ids: tuple[str, ...]) -> int:
    """Say what each visit saw; 1 where one reached nothing."""
    rows: list[tuple[Observation, str]] = []
    with here.wiring.database.read() as session:
        for start in range(0, len(request_ids), BATCH):
            query = (
                select(Observation, Item.address)
                .join(Item, Item.id == Observation.item_id)
                .where(Observation.request_id.in_(request_ids[start : start + BATCH]))
            )
            rows += session.execute(query.order_by(Observation.seen_at)).all()
    for seen, address in rows:
        line = {
            "address": address,
            "state": seen.state.value,
            "reason": seen.reason,
            "status": seen.http_status,
            "phrase": seen.phrase,
            "phrases_version": seen.phrases_version,
            "text_sha256": seen.text_sha256,
            "capture": seen.capture_id,
        }
        told = json.dumps(line, ensure_ascii=False) if invocation.as_json else None
        click.echo(told or f"{seen.state}\t{address}\t{seen.reason}")
    missed = len(request_ids) - len(rows)
    if missed:
        click.echo(f"{missed} found no answer yet and are tried again later", err=True)
    reached = all(seen.state is not ObservedState.NOT_REACHED for seen, _address in rows)
    return 0 if reached and not missed else NOT_GOOD

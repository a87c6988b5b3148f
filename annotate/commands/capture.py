"""`holdfast capture`."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import click

from annotate.cli import NOT_GOOD, Invocation
from annotate.commands.context import as_option, in_project, project_option
from annotate.errors import UsageError
from annotate.jobs.indexing import index_now
from annotate.jobs.worker import Worker
from annotate.models import CaptureRequest
from annotate.services import projects, requests
from archive.capture.outcome import Outcome
from archive.urlkey import Address


@click.command()
@click.argument("urls", nargs=-1)
@click.option("--list", "file", help="A file of addresses, one a line; - reads standard input.")
@click.option("--engine", default="auto", type=click.Choice(requests.ENGINES))
@click.option("--reason", default="by hand", help="Kept with each capture.")
@click.option("--wait", is_flag=True, help="Carry them out now, and say how each ended.")
@project_option
@as_option
@click.pass_obj
def capture(
    invocation: Invocation,
    urls: tuple[str, ...],
    file: str | None,
    engine: str,
    reason: str,
    wait: bool,
    slug: str | None,
    login: str | None,
) -> int:
    """Queue captures of addresses."""
    lines = list(urls)
    if file is not None:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        lines += [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise UsageError("Name an address, or a file of them with --list.")
    addresses = [Address.parse(line) for line in lines]
    here = in_project(invocation, slug, login)
    with here.wiring.database.write() as session:
        project = projects.find_project(session, here.project.slug)
        asked = requests.ask(
            session, here.actor, project, addresses, engine=engine, why=reason, priority=10
        )
        ids = [request.id for request in asked.requests]
    if not wait:
        click.echo(f"{len(ids)} queued, {asked.already_waiting} waiting already")
        return 0
    Worker(here.wiring, "command line").run(threading.Event(), until_empty=True)
    index_now(here.wiring)
    with here.wiring.database.read() as session:
        ended = [one for key in ids if (one := session.get(CaptureRequest, key)) is not None]
    for one in ended:
        outcome = one.outcome.value if one.outcome else one.state.value
        line = {"address": one.address, "outcome": outcome, "reason": one.reason}
        told = json.dumps(line, ensure_ascii=False) if invocation.as_json else None
        click.echo(told or f"{outcome}\t{one.address}\t{one.reason}")
    return 0 if all(one.outcome is Outcome.COMPLETE for one in ended) else NOT_GOOD

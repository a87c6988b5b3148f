"""`holdfast capture`."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.cli import NOT_GOOD, Invocation
from annotate.commands.by_hand import capture_by_hand
from annotate.commands.context import InProject, as_option, in_project, project_option
from annotate.commands.queue import show_progress
from annotate.errors import UsageError
from annotate.jobs.indexing import index_now
from annotate.jobs.worker import Worker
from annotate.models import CaptureRequest, RequestState
from annotate.services import identities, projects, requests
from annotate.services.progress import progress
from archive.capture.outcome import Outcome
from archive.urlkey import Address

_LOOK: Final = 1.0  # seconds between two looks at how far it is


@click.command()
@click.argument("urls", nargs=-1)
@click.option("--list", "file", help="A file of addresses, one a line; - reads standard input.")
@click.option("--engine", default="auto", type=click.Choice(requests.ENGINES))
@click.option("--reason", default="by hand", help="Kept with each capture.")
@click.option(
    "--priority",
    default="first",
    type=click.Choice(list(requests.PRIORITIES)),
    help="When they go: before what waits, in their turn, or after it.",
)
@click.option("--session", "named", default="", help="The identity to capture with.")
@click.option("--media", is_flag=True, help="Films and sound of the page too, by yt-dlp.")
@click.option(
    "--by-hand", is_flag=True, help="Open a window: sign in yourself, then press Capture."
)
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
    priority: str,
    named: str,
    media: bool,
    by_hand: bool,
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
    if by_hand:
        if len(addresses) != 1:
            raise UsageError("By hand one address is captured at a time.")
        key = capture_by_hand(here, addresses[0], reason=reason, named=named, media=media)
        return say_how(here, invocation, [key])
    ids: list[str] = []
    already = 0
    for start in range(0, len(addresses), requests.BATCH):  # others write between two batches
        with here.wiring.database.write() as session:
            asked = requests.ask(
                session,
                here.actor,
                projects.find_project(session, here.project.slug),
                addresses[start : start + requests.BATCH],
                engine=engine,
                why=reason,
                priority=requests.PRIORITIES[priority],
                signed_in=identities.chosen(session, here.project.id, named),
                media=media,
            )
            ids += [request.id for request in asked.requests]
            already += asked.already_waiting
    if not wait:
        click.echo(f"{len(ids)} queued, {already} waiting already")
        return 0
    carry_out(here, ids)
    return say_how(here, invocation, ids)


def say_how(here: InProject, invocation: Invocation, ids: Sequence[str]) -> int:
    """Say how requests ended; return the exit code."""
    with here.wiring.database.read() as session:
        ended = [one for key in ids if (one := session.get(CaptureRequest, key)) is not None]
    for one in ended:
        outcome = one.outcome.value if one.outcome else one.state.value
        line = {"address": one.address, "outcome": outcome, "reason": one.reason}
        if one.not_before is not None:
            line["again_at"] = one.not_before.isoformat()
        told = json.dumps(line, ensure_ascii=False) if invocation.as_json else None
        click.echo(told or f"{outcome}\t{one.address}\t{one.reason}")
    return 0 if all(one.outcome is Outcome.COMPLETE for one in ended) else NOT_GOOD


def carry_out(here: InProject, ids: Sequence[str]) -> None:
    """Work the queue off in this process until these requests had their turn; show how far it is.

    One that found no answer waits for its next try, which a running server makes.
    """
    stop = threading.Event()
    worker = threading.Thread(
        target=Worker(here.wiring, "command line").run, args=(stop,), kwargs={"until_empty": True}
    )
    worker.start()
    while worker.is_alive():
        worker.join(_LOOK)
        with here.wiring.database.read() as session:
            show_progress(progress(session, here.project.id), last=not worker.is_alive())
            if not any_open(session, ids):
                stop.set()
    index_now(here.wiring)


def any_open(session: Session, ids: Sequence[str]) -> bool:
    """Tell whether one of these requests has not had its turn yet."""
    for start in range(0, len(ids), requests.BATCH):
        query = select(CaptureRequest.id).where(
            CaptureRequest.id.in_(ids[start : start + requests.BATCH]),
            (CaptureRequest.state == RequestState.RUNNING)
            | ((CaptureRequest.state == RequestState.WAITING) & (CaptureRequest.attempts == 0)),
        )
        if session.scalar(query.limit(1)) is not None:
            return True
    return False

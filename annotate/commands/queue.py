"""`holdfast queue`: how the capture queue stands, and steering it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Final

import click
from sqlalchemy.orm import Session

from annotate.cli import Invocation
from annotate.commands.context import InProject, as_option, in_project, project_option
from annotate.errors import NotAllowedError, UsageError
from annotate.events import Actor
from annotate.models import CaptureRequest, User
from annotate.services import pauses, requests
from annotate.services.progress import Progress, progress
from annotate.services.requests import BATCH, PRIORITIES, Wanted

_LOOK: Final = 2.0  # seconds between two looks while watching
filter_options = (
    click.option("--state", default="", help="A state or an outcome: waiting, failed, blocked…"),
    click.option("--site", default="", help="A host."),
)


@click.group()
def queue() -> None:
    """How the capture queue stands, and steering it."""


@queue.command()
@click.option("--watch", is_flag=True, help="Go on until nothing waits any more.")
@project_option
@as_option
@click.pass_obj
def status(invocation: Invocation, watch: bool, slug: str | None, login: str | None) -> None:
    """Say how many requests are in which state, how fast it goes, and how long it will take."""
    here = in_project(invocation, slug, login)
    how = _look(here)
    while watch and how.counts.waiting + how.counts.running:
        show_progress(how)
        time.sleep(_LOOK)
        how = _look(here)
    if watch:
        show_progress(how, last=True)
    if invocation.as_json:
        click.echo(json.dumps(how.as_json()))
    else:
        click.echo(in_words(how))


@queue.command("list")
@filter_options[0]
@filter_options[1]
@project_option
@as_option
@click.pass_obj
def list_requests(
    invocation: Invocation, state: str, site: str, slug: str | None, login: str | None
) -> None:
    """List requests with their state, outcome and reason."""
    here = in_project(invocation, slug, login)
    with here.wiring.database.read() as session:
        query = _wanted(state, site).query(here.project.id).order_by(CaptureRequest.id)
        for one in session.scalars(query):
            word = one.outcome.value if one.outcome else one.state.value
            line = {"id": one.id, "address": one.address, "state": word, "reason": one.reason}
            if invocation.as_json:
                click.echo(json.dumps(line, ensure_ascii=False))
            else:
                click.echo(f"{word}\t{one.address}\t{one.reason}")


@queue.command()
@filter_options[0]
@filter_options[1]
@click.argument("act", type=click.Choice(["cancel", "retry", *PRIORITIES]))
@project_option
@as_option
@click.pass_obj
def change(
    invocation: Invocation, act: str, state: str, site: str, slug: str | None, login: str | None
) -> None:
    """Cancel, try again now, or move (first, normal, later) the requests a filter finds.

    Without a filter, `retry` is for those that failed and all else for those that wait.
    With --state running, `cancel` stops captures that run; nothing of them is kept.
    """
    here = in_project(invocation, slug, login)
    if not state and not site:
        state = "failed" if act == "retry" else "waiting"
    with here.wiring.database.read() as session:
        query = _wanted(state, site).query(here.project.id)
        ids = list(session.scalars(query.with_only_columns(CaptureRequest.id)))
    done = 0
    for start in range(0, len(ids), BATCH):
        with here.wiring.database.write() as session:
            some = (
                Wanted()
                .query(here.project.id)
                .where(CaptureRequest.id.in_(ids[start : start + BATCH]))
            )
            done += _do(act)(session, here.actor, session.scalars(some).all())
    click.echo(f"{done} of {len(ids)} changed: {act}")


@queue.command()
@click.option("--all", "everything", is_flag=True, help="Every project of this home.")
@click.option("--reason", default="", help="Shown to everybody.")
@project_option
@as_option
@click.pass_obj
def pause(
    invocation: Invocation, everything: bool, reason: str, slug: str | None, login: str | None
) -> None:
    """Let no further capture begin; what runs ends by itself."""
    here = in_project(invocation, slug, login)
    with here.wiring.database.write() as session:
        project = None if _whole(session, here, everything) else here.project
        done = pauses.pause(session, here.actor, project, reason)
    click.echo("paused" if done else "it was paused already")


@queue.command()
@click.option("--all", "everything", is_flag=True, help="The pause of every project of this home.")
@project_option
@as_option
@click.pass_obj
def resume(invocation: Invocation, everything: bool, slug: str | None, login: str | None) -> None:
    """Let captures begin again."""
    here = in_project(invocation, slug, login)
    with here.wiring.database.write() as session:
        project = None if _whole(session, here, everything) else here.project
        done = pauses.resume(session, here.actor, project)
    click.echo("it goes on" if done else "it was not paused")


def in_words(how: Progress) -> str:
    """Say where a queue stands, in one line."""
    queue_counts = how.counts
    parts = [
        f"{queue_counts.total} asked for",
        *(f"{number} {outcome}" for outcome, number in queue_counts.by_outcome.items()),
        f"{queue_counts.running} running",
        f"{queue_counts.waiting} waiting",
        f"{queue_counts.cancelled} cancelled",
    ]
    if how.later:
        parts.append(f"{how.later} of them for their time")
    if how.per_minute is not None:
        parts.append(f"{how.per_minute:.1f} a minute")
    if how.left:
        parts.append(f"{how.left} left")
    if how.paused:
        parts.append("paused")
    return ", ".join(parts)


def show_progress(how: Progress, *, last: bool = False) -> None:
    """Draw a bar on a terminal, or say a line elsewhere, on standard error."""
    counted = how.counts
    ended = counted.done + counted.cancelled
    pace = f"{how.per_minute:.1f}/min" if how.per_minute is not None else ""
    told = f"{ended} of {counted.total} {pace} {how.left and how.left + ' left'}".rstrip()
    if sys.stderr.isatty():
        filled = round(30 * ended / max(1, counted.total))
        bar = "█" * filled + "·" * (30 - filled)
        click.echo(f"\r\033[K{bar} {told}", nl=last, err=True)
    else:
        click.echo(told, err=True)


def _look(here: InProject) -> Progress:
    with here.wiring.database.read() as session:
        return progress(session, here.project.id)


def _wanted(state: str, site: str) -> Wanted:
    wanted = Wanted.read(state, site)
    if state and wanted.state is None and wanted.outcome is None:
        raise UsageError(f"{state!r} is neither a state nor an outcome of a request.")
    return wanted


def _do(act: str) -> Callable[[Session, Actor, Iterable[CaptureRequest]], int]:
    if act == "cancel":
        return requests.cancel_all
    if act == "retry":
        return requests.retry_all
    return lambda session, actor, rows: requests.set_priority(session, actor, rows, PRIORITIES[act])


def _whole(session: Session, here: InProject, everything: bool) -> bool:
    if everything and not session.get_one(User, here.actor.user_id).is_admin:
        raise NotAllowedError("Only who manages this Holdfast may hold everybody's queue.")
    return everything

"""`holdfast capture --by-hand`: a person at a browser window, then the recorder."""

from __future__ import annotations

import os
import select
import sys
import threading
from pathlib import Path
from typing import Final

import click

from annotate.commands.context import InProject
from annotate.errors import UsageError
from annotate.jobs.indexing import index_now
from annotate.jobs.worker import Worker
from annotate.models import CaptureRequest
from annotate.services import claiming, identities, projects, requests
from annotate.services.processes import this_process
from archive.capture.browser.by_hand import ByHandEngine
from archive.capture.browsers import find_browser
from archive.errors import BrowserMissingError
from archive.urlkey import Address

_LOOK: Final = 0.2  # seconds between two looks at the terminal
_NAME: Final = "by hand"


def capture_by_hand(
    here: InProject, address: Address, *, reason: str, named: str, media: bool
) -> str:
    """Open a browser, wait for the person, capture; return the request's id.

    :raises BrowserMissingError: there is no browser or no screen; nothing was asked for then
    :raises UsageError: the address waits in the queue already
    """
    chosen = here.wiring.config.browser
    binary = find_browser(Path(chosen) if chosen else None)
    if binary is None:
        raise BrowserMissingError("No browser that starts was found. Install Chromium.")
    engine = ByHandEngine(binary, at_the_terminal)
    # Asked for and taken in one transaction: no worker of a running server comes in between.
    with here.wiring.database.write() as session:
        asked = requests.ask(
            session,
            here.actor,
            projects.find_project(session, here.project.slug),
            [address],
            engine="browser",
            why=reason,
            priority=requests.FIRST,
            signed_in=identities.chosen(session, here.project.id, named),
            media=media,
        )
        if not asked.requests:
            raise UsageError(f"{address.exact} waits in the queue already; cancel it there first.")
        request: CaptureRequest = asked.requests[0]
        capture_id = claiming.take(session, this_process(_NAME), request)
    Worker(here.wiring, _NAME).by_hand(request, capture_id, engine)
    index_now(here.wiring)
    return request.id


def at_the_terminal(over: threading.Event) -> bool:
    """Wait for Enter (capture) or q (give up), until the event is set.

    An input that has ended, as of a program without a terminal, leaves it to the window.
    """
    click.echo("Sign in and go to the page. Then press Enter here, or Capture in the small window;")
    click.echo("q and Enter gives up. Nothing is recorded before.")
    while not over.is_set():
        ready, _, _ = select.select([sys.stdin], [], [], _LOOK)
        if not ready:
            continue
        line = os.read(sys.stdin.fileno(), 1024)
        if not line:
            over.wait()
            return False
        return line.strip().lower() not in {b"q", b"quit"}
    return False

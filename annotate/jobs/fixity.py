"""Re-reading all stored evidence, apart from the server: one at a time holds `fixity.lock`.

How far it is stands in a file that whoever runs it writes; what came of it is an event. Killed
at any point it leaves the file behind, and the lock free: pages say then that it broke off.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from annotate.errors import BusyError, NotFoundError
from annotate.events import Actor
from annotate.models import User
from annotate.services import fixity
from annotate.services.fixity import Checked, Finding
from annotate.services.people import actor_of
from annotate.wiring import Wiring, open_home
from archive.clock import isoformat, utc_now
from config import load_config

_LOCK: Final = "fixity.lock"
_PROGRESS: Final = "fixity.json"
_EVERY: Final = 0.5  # seconds between two words on how far it is


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `running` is False where it broke off."""

    began: str
    files: int
    read: int
    bad: int
    running: bool = True


def run(wiring: Wiring, actor: Actor, tell: Callable[[Checked], None] = lambda _one: None) -> None:
    """Re-read everything and keep what was found as an event.

    :param tell: called with each file that was read
    :raises BusyError: another run is at it
    """
    descriptor = _locked(wiring)
    try:
        _run(wiring, actor, tell)
    finally:
        os.close(descriptor)


def start(wiring: Wiring, user: User) -> None:
    """Begin a process that re-reads everything, unless one is at it."""
    try:
        descriptor = _locked(wiring)
    except BusyError:
        return
    try:
        with wiring.database.read() as session:
            _write(wiring, Progress(isoformat(utc_now()), len(fixity.stored_files(session)), 0, 0))
        told = {
            "HOLDFAST_HOME": str(wiring.home),
            "HOLDFAST_LOG_LEVEL": wiring.config.log_level,
        }
        # The lock goes to the child with its open file.
        process = subprocess.Popen(  # noqa: S603  # our own module, an id from the database
            [sys.executable, "-m", "annotate.jobs.fixity", user.id],
            env={**os.environ, **told},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(descriptor,),
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    threading.Thread(target=process.wait, name="fixity", daemon=True).start()


def progress_of(wiring: Wiring) -> Progress | None:
    """Return how far the run is that is going on or broke off; None where neither is so."""
    try:
        found = Progress(**json.loads(_progress_path(wiring).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    try:
        os.close(_locked(wiring))
    except BusyError:
        return found
    # Between the two looks it may have ended well.
    ended = not _progress_path(wiring).exists()
    return None if ended else Progress(found.began, found.files, found.read, found.bad, False)


def _run(wiring: Wiring, actor: Actor, tell: Callable[[Checked], None]) -> None:
    with wiring.database.read() as session:
        stored = fixity.stored_files(session)
    began = utc_now()
    found: list[Checked] = []
    bad, told = 0, 0.0
    for one in fixity.check(wiring.store, stored):
        found.append(one)
        bad += one.finding is not Finding.SAME
        tell(one)
        if time.monotonic() - told > _EVERY:
            told = time.monotonic()
            _write(wiring, Progress(isoformat(began), len(stored), len(found), bad))
    with wiring.database.write() as session:
        fixity.keep(session, actor, found, began, utc_now())
    _progress_path(wiring).unlink(missing_ok=True)


def _locked(wiring: Wiring) -> int:
    descriptor = os.open(wiring.home / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise BusyError(
            "The stored evidence is being re-read already. Nothing was begun; wait for that run."
        ) from error
    return descriptor


def _write(wiring: Wiring, progress: Progress) -> None:
    path = _progress_path(wiring)
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(asdict(progress)), "utf-8")
    temporary.replace(path)


def _progress_path(wiring: Wiring) -> Path:
    return wiring.temporary / _PROGRESS


def main() -> None:
    """Re-read everything in the home the environment names; the lock came with an open file.

    The one argument is the id of the person who asked.
    """
    config = load_config(os.environ)
    logging.basicConfig(stream=sys.stderr, level=config.log_level.upper())
    wiring = open_home(config)
    with wiring.database.read() as session:
        user = session.get(User, sys.argv[1])
    if user is None:
        raise NotFoundError("The person who asked for it is gone.")
    _run(wiring, actor_of(user), lambda _one: None)


if __name__ == "__main__":
    main()

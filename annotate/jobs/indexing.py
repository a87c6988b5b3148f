"""The indexer as a process of its own: the one that writes the search index of a home."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from annotate.jobs.family import child_stop
from annotate.services.feed import EventFeed
from annotate.wiring import Wiring, open_home
from config import load_config
from search.indexer import Report, catch_up, follow, open_for_writing, rebuild

INTERVAL: Final = 0.5  # seconds between two looks at the feed


@contextmanager
def only_indexer(index: Path, *, seconds: float = -1) -> Iterator[None]:
    """Hold the right to write the index; it goes with the process that holds it.

    :raises Timeout: another process held it longer than `seconds`
    """
    with FileLock(index.with_name("index.lock"), timeout=seconds):
        yield


def index_now(wiring: Wiring, *, anew: bool = False, report: Report | None = None) -> int | None:
    """Bring the index up to date; None where a running server does it already.

    :param anew: make it anew beside the one in use; one that was broken off is gone on with
    :return: how many items were taken up, or are held by the index made anew
    """
    feed = EventFeed(wiring.database)
    try:
        with only_indexer(wiring.index, seconds=0.2):
            if anew:
                return rebuild(wiring.index, feed, report=report)
            engine = open_for_writing(wiring.index, feed)
            done = catch_up(engine, feed)
            engine.close()
            return done
    except Timeout:
        return None


def run(wiring: Wiring, stop: threading.Event) -> None:
    """Follow the events until told to stop."""
    feed = EventFeed(wiring.database)
    with only_indexer(wiring.index):
        engine = open_for_writing(wiring.index, feed)
        follow(wiring.index, engine, feed, stop, INTERVAL)
        engine.close()


def main() -> None:
    """Index the home the environment names."""
    config = load_config(os.environ)
    logging.basicConfig(stream=sys.stderr, level=config.log_level.upper())
    run(open_home(config), child_stop())


if __name__ == "__main__":
    main()

"""Following the feed: the index takes up where it stands, whatever happened in between.

A rebuild goes on beside the index in use, from the event it had reached if it was broken off, and
takes its place in one step. The one in use is kept up to date meanwhile, as long as it is whole.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from search.bulk import Builders, split
from search.documents import Document, Feed
from search.engine import Engine, Progress
from search.errors import IndexDamagedError
from search.shelf import Shelf
from search.whoosh_engine import WhooshEngine, build_segments

_BATCH: Final = 400  # changes read at once
_COMMIT_ITEMS: Final = 4000  # items taken up in one commit while there is much to do
_COMMIT_CHARACTERS: Final = 16_000_000
_MUCH: Final = 3000  # changes behind, from which on two processes are worth starting
CHECK_EVERY: Final = 3600.0  # seconds between two readings of every byte
_RETRY: Final = 10.0  # seconds to wait where the disk refuses
_log = logging.getLogger(__name__)

Report = Callable[[Progress], None]


@dataclass(slots=True)
class _Batch:
    """Changes read and not yet committed."""

    position: int
    documents: dict[str, Document] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    characters: int = 0

    def full(self) -> bool:
        """Tell whether it is time to commit."""
        many = len(self.documents) + len(self.removed) >= _COMMIT_ITEMS
        return many or self.characters >= _COMMIT_CHARACTERS


def open_for_writing(root: Path, feed: Feed) -> WhooshEngine:
    """Open the index; one that is damaged, outdated or ahead of the feed is made anew, beside."""
    shelf = Shelf(root)
    engine = WhooshEngine(root)
    if shelf.current() is None:
        return engine
    shelf.clear(keep=shelf.beside())
    try:
        engine.verify()
        if engine.position() > feed.head():
            raise IndexDamagedError("the index is ahead of the events")
    except IndexDamagedError as error:
        shelf.report_damage(str(error))
    if shelf.damage() is not None:
        engine.close()
        rebuild(root, feed)
        return WhooshEngine(root)
    return engine


def catch_up(engine: Engine, feed: Feed) -> int:
    """Take up every change there is; return how many documents were indexed or removed."""
    done = 0
    for batch in _batches(feed, engine.position(), _BATCH):
        engine.apply(list(batch.documents.values()), sorted(batch.removed), batch.position)
        done += len(batch.documents) + len(batch.removed)
    return done


def rebuild(
    root: Path,
    feed: Feed,
    *,
    stop: threading.Event | None = None,
    report: Report | None = None,
    in_use: WhooshEngine | None = None,
) -> int | None:
    """Make the index anew beside the one in use, and put it in its place.

    :param stop: set it to break off; what was done is kept and gone on with the next time
    :param in_use: a whole index to keep up to date meanwhile
    :return: how many items the new index holds, None if it was broken off
    """
    shelf = Shelf(root)
    made = _begun(root, feed)
    position = made.position()
    many = feed.head() - position > _MUCH
    with Builders() if many else nullcontext() as builders:
        build = builders.build if builders else build_segments
        for batch in _batches(feed, position, _BATCH, large=True):
            groups = split(list(batch.documents.values()), 2 if builders else 1)
            made.apply_built(groups, build, sorted(batch.removed), batch.position)
            progress = Progress(batch.position, feed.head(), made.health().items)
            shelf.say_progress(progress)
            if report is not None:
                report(progress)
            if in_use is not None:
                catch_up(in_use, feed)
            if stop is not None and stop.is_set():
                return None
    while made.tidy():
        pass
    catch_up(made, feed)
    items = made.health().items
    folder = made.folder
    made.close()
    shelf.use(folder)
    return items


def follow(
    root: Path, engine: WhooshEngine, feed: Feed, stop: threading.Event, interval: float
) -> None:
    """Catch up until told to stop, looking every `interval` seconds; make anew what is damaged."""
    shelf = Shelf(root)
    checked = time.monotonic()
    while not stop.is_set():
        try:
            if shelf.rebuild_wanted():
                whole = engine if shelf.damage() is None else None
                rebuild(root, feed, stop=stop, in_use=whole)
                engine.close()
            elif catch_up(engine, feed) or engine.tidy():
                continue
            elif time.monotonic() - checked > CHECK_EVERY:
                engine.verify()
                checked = time.monotonic()
        except IndexDamagedError as error:
            shelf.report_damage(str(error))
            continue
        except OSError as error:
            _log.warning("the search index could not be written: %s; trying again", error)
            stop.wait(_RETRY)
        stop.wait(interval)


def _begun(root: Path, feed: Feed) -> WhooshEngine:
    """Return the rebuild that was broken off, if it is whole, or a new one."""
    folder = Shelf(root).beside()
    made = WhooshEngine(root, folder=folder)
    if not folder.exists():
        return made
    try:
        made.verify()
        if made.position() <= feed.head():
            return made
    except IndexDamagedError as error:
        _log.warning("the rebuild that was broken off cannot be gone on with: %s", error)
    made.close()
    shutil.rmtree(folder)
    return WhooshEngine(root, folder=folder)


def _batches(feed: Feed, position: int, size: int, *, large: bool = False) -> Iterator[_Batch]:
    """Yield changes to commit, in order.

    What is read of an item is how it stands now, so an item read once covers all its changes up
    to the head at the beginning.
    """
    head = feed.head()
    covered: set[str] = set()
    batch = _Batch(position)
    while position < feed.head():
        change = feed.changed_since(position, size)
        if change.position == position:
            break
        position = batch.position = change.position
        ids = [one for one in change.item_ids if position > head or one not in covered]
        found = {one.item_id: one for one in feed.documents(ids)} if ids else {}
        covered.update(ids)
        batch.documents |= found
        batch.removed |= set(ids) - found.keys()
        batch.removed -= found.keys()
        for item_id in batch.removed:
            batch.documents.pop(item_id, None)
        batch.characters += sum(len(one.text) + len(one.notes) for one in found.values())
        if batch.full() or not large:
            yield batch
            batch = _Batch(position)
    if batch.documents or batch.removed:
        yield batch

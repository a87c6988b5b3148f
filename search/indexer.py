"""Following the feed: the index takes up where it stands, whatever happened in between."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Final

from search.documents import Feed
from search.engine import Engine
from search.errors import IndexDamagedError
from search.whoosh_engine import WhooshEngine, discard_index

_BATCH: Final = 400  # changes taken up in one commit
_log = logging.getLogger(__name__)


def open_for_writing(folder: Path, feed: Feed) -> WhooshEngine:
    """Open the index; one that is damaged, or ahead of the feed, is made anew."""
    try:
        engine = WhooshEngine(folder)
        position = engine.position()
    except IndexDamagedError as error:
        _log.warning("%s; it is made again", error)
        discard_index(folder)
        return WhooshEngine(folder)
    if position > feed.head():
        _log.warning("the search index is ahead of the events; it is made again")
        engine.close()
        discard_index(folder)
        return WhooshEngine(folder)
    return engine


def catch_up(engine: Engine, feed: Feed) -> int:
    """Take up every change there is; return how many documents were indexed or removed."""
    done = 0
    position = engine.position()
    while position < feed.head():
        batch = feed.changed_since(position, _BATCH)
        documents = list(feed.documents(batch.item_ids))
        present = {document.item_id for document in documents}
        removed = [item_id for item_id in batch.item_ids if item_id not in present]
        if batch.item_ids or batch.position - position >= _BATCH:
            engine.apply(documents, removed, batch.position)
        elif batch.position == position:
            break
        position = batch.position
        done += len(batch.item_ids)
    return done


def follow(engine: Engine, feed: Feed, stop: threading.Event, interval: float) -> None:
    """Catch up until told to stop, looking every `interval` seconds."""
    while not stop.is_set():
        catch_up(engine, feed)
        stop.wait(interval)

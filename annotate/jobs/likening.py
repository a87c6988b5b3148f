"""Working out what captures look like, when nothing else is to be done: for similar items.

A capture without its likeness is one left to do: broken off, it is done the next time, by any
worker; done twice it is the same.
"""

from __future__ import annotations

import logging
from typing import Final

from annotate.errors import NotFoundError
from annotate.jobs.rereading import page_of, place_of, records_of
from annotate.models import Capture, Likeness, Rendition, WarcFile
from annotate.services.similar import outdated
from annotate.services.viewing import Viewing
from annotate.wiring import Wiring
from archive.errors import DamagedRecordError, ExtractionError
from archive.main_picture import main_picture_hash
from archive.picture_hash import picture_hash
from search.likeness import LIKENESS_VERSION, sketch

AT_ONCE: Final = 10  # captures between two looks at the queue
_log = logging.getLogger(__name__)


def liken_some(wiring: Wiring, most: int = AT_ONCE) -> int:
    """Work out the likeness of some captures that have none; return of how many."""
    with wiring.database.read() as session:
        captures = outdated(session, most)
    made = [_likeness(wiring, capture_id) for capture_id in captures]
    if made:
        with wiring.database.write() as session:
            for one in made:
                session.merge(one)
    return len(made)


def _likeness(wiring: Wiring, capture_id: str) -> Likeness:
    with wiring.database.read() as session:
        capture = session.get_one(Capture, capture_id)
        rendition = session.get_one(Rendition, capture_id)
        warc = session.get(WarcFile, capture.warc_file_id) if capture.warc_file_id else None
        records = records_of(session, warc)
    words, image = rendition.text, None
    try:
        if warc is not None:
            path = Viewing(wiring.store).warc_path(warc)
            page = page_of(capture, records, path)
            words = (page.own_words if page is not None else "") or words
            image = main_picture_hash(path, [place_of(one) for one in records])
    except (NotFoundError, DamagedRecordError, OSError) as error:
        _log.warning("what capture %s looks like is told by its text alone: %s", capture_id, error)
    return Likeness(
        capture_id=capture_id,
        project_id=capture.project_id,
        text_sha256=rendition.sha256,
        words=sketch(words),
        screenshot=_screenshot(wiring, capture_id),
        image=image,
        version=LIKENESS_VERSION,
    )


def _screenshot(wiring: Wiring, capture_id: str) -> str | None:
    """Return the hash of the small picture: one we drew ourselves, so it is opened here."""
    path = wiring.home / "cache" / "thumbnails" / f"{capture_id}.png"
    try:
        return picture_hash(path.read_bytes())
    except (OSError, ExtractionError):
        return None

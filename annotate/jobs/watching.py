"""Rounds of watches that are due: whoever looks first begins one, in one transaction."""

from __future__ import annotations

import logging
from datetime import timedelta

from annotate.models import Project, User, Watch
from annotate.services import library, revisits, watches
from annotate.services.people import actor_of
from annotate.services.zones import parse_zone
from annotate.wiring import Wiring
from archive.clock import utc_now
from search.errors import SearchError
from search.whoosh_engine import WhooshEngine

_log = logging.getLogger(__name__)


def begin_rounds(wiring: Wiring) -> int:
    """Ask for the visits of every watch that is due; return for how many watches."""
    with wiring.database.read() as session:
        waiting = watches.due(session, utc_now())
    return sum(_begin(wiring, watch_id) for watch_id in waiting)


def _begin(wiring: Wiring, watch_id: str) -> bool:
    """Begin one round; False where another process did."""
    ids: list[str] = []
    fault = ""
    with wiring.database.read() as session:
        watch = session.get_one(Watch, watch_id)
        project = session.get_one(Project, watch.project_id)
        try:
            engine = WhooshEngine(wiring.index)
            zone = parse_zone(project.reporting_zone)
            ids = library.ids_for(session, project, watch.query, engine, zone)
            engine.close()
        except (SearchError, OSError) as error:
            fault = f"The search could not be answered: {error}"
            _log.warning("watch %s: %s", watch_id, fault)
    with wiring.database.write() as session:
        watch = session.get_one(Watch, watch_id)
        if not watch.is_active or watch.next_at > utc_now():
            return False
        asked = revisits.ask(
            session,
            actor_of(session.get_one(User, watch.created_by)),
            session.get_one(Project, watch.project_id),
            ids,
            keep=watch.keep,
            engine=watch.engine,
            spread=timedelta(hours=watch.spread_hours),
            why=f"watched: {watch.query or 'everything'}",
        )
        watches.note_round(session, watch, asked=asked.asked, fault=fault)
    return True

"""Saved searches: the project's, each person with their own "new since I looked"."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, UsageError
from annotate.events import Actor
from annotate.models import EventKind, Project, SavedSearch, SavedSearchSeen
from annotate.services.library import Sort
from annotate.services.zones import parse_zone
from archive.clock import utc_now
from search.query import parse_query

LONGEST: Final = 120  # characters of a name
_ID: Final = 36  # letters of an item's id


def save(
    session: Session,
    actor: Actor,
    project: Project,
    *,
    name: str,
    query: str,
    sort: str = Sort.BEST,
    zone: str | None = None,
    related: bool = False,
) -> SavedSearch:
    """Save a search under a name.

    :raises UsageError: the name is empty or taken
    :raises QuerySyntaxError: the query cannot be read
    """
    shown = " ".join(name.split())
    if not shown or len(shown) > LONGEST or not shown.isprintable():
        raise UsageError(f"A saved search has a name of 1 to {LONGEST} visible characters.")
    if any(one.name.casefold() == shown.casefold() for one in saved_of(session, project.id)):
        raise UsageError(f"There is a saved search “{shown}” already; choose another name.")
    parse_query(query)
    if zone:
        parse_zone(zone)
    made = SavedSearch(
        project_id=project.id,
        name=shown,
        query=query,
        sort=Sort(sort).value if sort in set(Sort) else Sort.BEST.value,
        zone=zone or None,
        related=related,
        created_by=actor.user_id,
    )
    session.add(made)
    events.record(
        session,
        EventKind.SEARCH_SAVE,
        actor=actor,
        covers=[made],
        project_id=project.id,
        body={"search": made.id, "name": shown, "query": query, "sort": made.sort},
    )
    session.flush()
    return made


def remove(session: Session, actor: Actor, project: Project, saved: SavedSearch) -> None:
    """Take a saved search off the list."""
    saved.removed_at = utc_now()
    events.record(
        session,
        EventKind.SEARCH_REMOVE,
        actor=actor,
        covers=[saved],
        project_id=project.id,
        body={"search": saved.id, "name": saved.name},
    )
    session.flush()


def restore(session: Session, actor: Actor, project: Project, saved_id: str) -> SavedSearch:
    """Put a saved search back on the list.

    :raises NotFoundError: the project has none of that id
    :raises UsageError: another one has its name now
    """
    held = session.get(SavedSearch, saved_id)
    if held is None or held.project_id != project.id:
        raise NotFoundError("This project has no such saved search.")
    if held.removed_at is None:
        return held
    if any(one.name.casefold() == held.name.casefold() for one in saved_of(session, project.id)):
        raise UsageError(f"There is a saved search “{held.name}” now; remove it first.")
    held.removed_at = None
    events.record(
        session,
        EventKind.SEARCH_RESTORE,
        actor=actor,
        covers=[held],
        project_id=project.id,
        body={"search": held.id, "name": held.name},
    )
    session.flush()
    return held


def saved_of(session: Session, project_id: str) -> list[SavedSearch]:
    """Return the project's saved searches, by name."""
    query = select(SavedSearch).where(
        SavedSearch.project_id == project_id, SavedSearch.removed_at.is_(None)
    )
    return sorted(session.scalars(query), key=lambda one: (one.name.casefold(), one.id))


def get_saved(session: Session, project: Project, saved_id: str) -> SavedSearch:
    """Return a saved search.

    :raises NotFoundError: the project has none of that id, or it was taken away
    """
    saved = session.get(SavedSearch, saved_id)
    if saved is None or saved.project_id != project.id or saved.removed_at is not None:
        raise NotFoundError("This project has no such saved search.")
    return saved


def mark_seen(session: Session, user_id: str, saved: SavedSearch, item_ids: Iterable[str]) -> None:
    """Write down what a person has seen of a search: from now on the rest is new."""
    packed = zlib.compress("".join(sorted(item_ids)).encode("ascii"))
    seen = session.get(SavedSearchSeen, (saved.id, user_id))
    if seen is None:
        session.add(SavedSearchSeen(saved_search_id=saved.id, user_id=user_id, items=packed))
    else:
        seen.items, seen.seen_at = packed, utc_now()
    session.flush()


def new_since(
    session: Session, user_id: str, saved: SavedSearch, item_ids: Iterable[str]
) -> tuple[datetime | None, frozenset[str]]:
    """Return when the person last looked, and what is found now that was not then.

    Who never looked has seen nothing: all of it is new.
    """
    seen = session.get(SavedSearchSeen, (saved.id, user_id))
    if seen is None:
        return None, frozenset(item_ids)
    letters = zlib.decompress(seen.items).decode("ascii")
    known = {letters[at : at + _ID] for at in range(0, len(letters), _ID)}
    return seen.seen_at, frozenset(item_ids) - known

"""The library: what a search finds, page by page, with facets that are counted over all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, tzinfo
from enum import StrEnum
from typing import Final

from sqlalchemy.orm import Session

from annotate.models import Project
from annotate.services import facets
from annotate.services.counting import IS_WORDS, POSTED_KEY, Why
from annotate.services.facets import Facet
from annotate.services.fields import fields_of
from annotate.services.label_index import HeldValue, Labels, labels_of
from annotate.services.labels import ProjectLabels
from annotate.services.rows import Row, rows_of
from annotate.visibility import is_blind
from search.answering import Answer, Hit, answer
from search.engine import Engine
from search.query import And, Label, Node, Not, Or, parse_query, with_related

PAGE_SIZES: Final = (25, 50, 100, 200)
_KEPT_ANSWERS: Final = 64  # of one project, until anything of it changes


class Sort(StrEnum):
    """The orders of a list; equal ones stand by item id."""

    BEST = "best"
    NEWEST = "newest"
    OLDEST = "oldest"
    POSTED_NEWEST = "posted-newest"
    POSTED_OLDEST = "posted-oldest"
    ADDRESS = "address"


SORTS: Final = tuple(one.value for one in Sort)
SORT_LABELS: Final = {
    Sort.BEST: "best match",
    Sort.NEWEST: "captured, newest first",
    Sort.OLDEST: "captured, oldest first",
    Sort.POSTED_NEWEST: "claimed date, newest first",
    Sort.POSTED_OLDEST: "claimed date, oldest first",
    Sort.ADDRESS: "address",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of what was found."""

    query: str
    total: int
    number: int
    size: int
    rows: tuple[Row, ...]
    facets: tuple[Facet, ...]
    notes: tuple[str, ...] = ()
    """What must be said about the answer: a cap that was reached, an index being made anew."""

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // self.size))


def find(
    session: Session, project: Project, text: str, engine: Engine, zone: tzinfo
) -> tuple[Node, tuple[Hit, ...]]:
    """Answer a query; the one way every list, count, export and bulk act takes.

    :raises QuerySyntaxError: the query cannot be read
    """
    query, found = answered(session, project, text, engine, zone)
    return query, found.hits


def answered(
    session: Session,
    project: Project,
    text: str,
    engine: Engine,
    zone: tzinfo,
    *,
    related: bool = False,
) -> tuple[Node, Answer]:
    """Answer a query, with what must be said about the answer.

    :param related: take every word in its related forms too (decisions 15)
    :raises QuerySyntaxError: the query cannot be read
    """
    query = with_related(parse_query(text)) if related else parse_query(text)
    held = labels_of(session, project.id)
    answers: dict[object, Answer] = held.once("answers", dict)
    # Whatever changes a label makes new labels; whatever changes words moves the index on.
    window = (project.window_from, project.window_to, str(zone))
    key = (text, related, window, id(engine), engine.position())
    found = answers.get(key)
    if found is None:
        labels = ProjectLabels(session, project, zone, apart=asks_for_variants(query))
        found = answer(engine, query, labels)
        # While the index is healed the next look may find more; and who is blind has their own.
        if found.whole and not is_blind(session):
            answers[key] = found
        if len(answers) > _KEPT_ANSWERS:
            answers.clear()
    return query, found


def ids_for(
    session: Session,
    project: Project,
    text: str,
    engine: Engine,
    zone: tzinfo,
    *,
    sort: str = Sort.BEST,
    related: bool = False,
) -> list[str]:
    """Return the ids of all items a query finds, in order.

    :raises QuerySyntaxError: the query cannot be read
    """
    _query, found = answered(session, project, text, engine, zone, related=related)
    return in_order(session, project, list(found.ids), sort, zone)


def search_items(
    session: Session,
    project: Project,
    text: str,
    engine: Engine,
    zone: tzinfo,
    *,
    sort: str = Sort.BEST,
    number: int = 1,
    size: int = 50,
    with_facets: bool = True,
    opened: frozenset[str] = frozenset(),
    only: frozenset[str] | None = None,
    related: bool = False,
) -> Page:
    """Answer a query with one page of rows and the facets of all that was found.

    :param opened: keys of the facets to list whole
    :param only: of what is found, list these alone
    :raises QuerySyntaxError: the query cannot be read
    """
    query, found = answered(session, project, text, engine, zone, related=related)
    ids = in_order(session, project, list(found.ids), sort, zone)
    if only is not None:
        ids = [item_id for item_id in ids if item_id in only]
    number = max(1, min(number, -(-len(ids) // size) or 1))
    return Page(
        query=text,
        total=len(ids),
        number=number,
        size=size,
        rows=tuple(rows_of(session, project, ids[(number - 1) * size : number * size], query)),
        facets=facets_for(session, project, zone, ids, text, query, opened) if with_facets else (),
        notes=found.notes,
    )


def facets_for(
    session: Session,
    project: Project,
    zone: tzinfo,
    ids: Sequence[str],
    text: str,
    query: Node,
    opened: frozenset[str] = frozenset(),
) -> tuple[Facet, ...]:
    """Return the facets of what was found."""
    return facets.facets_of(
        labels_of(session, project.id),
        project,
        fields_of(session, project.id),
        zone,
        facets.Asked(ids, text, query, opened, apart=asks_for_variants(query)),
    )


def asks_for_variants(query: Node) -> bool:
    """Tell whether a query is about items that repeat others: then they are listed apart."""
    if isinstance(query, And | Or):
        return any(asks_for_variants(part) for part in query.parts)
    if isinstance(query, Not):
        return asks_for_variants(query.part)
    same = IS_WORDS[Why.SAME]
    return isinstance(query, Label) and query.field == "is" and query.value.lower() == same


def in_order(
    session: Session, project: Project, ids: list[str], sort: str, zone: tzinfo
) -> list[str]:
    """Put items in an order; those that lack what it goes by come last."""
    labels = labels_of(session, project.id)
    if sort in {Sort.NEWEST, Sort.OLDEST}:
        moments = {
            item_id: facts.captured_at
            for item_id in ids
            if (facts := labels.items.get(item_id)) is not None and facts.captured_at is not None
        }
        return _by_moment(ids, moments, newest=sort == Sort.NEWEST)
    if sort in {Sort.POSTED_NEWEST, Sort.POSTED_OLDEST}:
        moments = _posted(session, project, labels, zone)
        return _by_moment(ids, moments, newest=sort == Sort.POSTED_NEWEST)
    if sort == Sort.ADDRESS:
        known = [item_id for item_id in ids if item_id in labels.items]
        return sorted(known, key=lambda item_id: (labels.items[item_id].address, item_id))
    return ids


def _by_moment(ids: list[str], moments: dict[str, datetime], *, newest: bool) -> list[str]:
    dated = sorted(item_id for item_id in ids if item_id in moments)
    dated.sort(key=lambda item_id: moments[item_id], reverse=newest)
    return dated + sorted(item_id for item_id in ids if item_id not in moments)


def _posted(
    session: Session, project: Project, labels: Labels, zone: tzinfo
) -> dict[str, datetime]:
    """Return the claimed instants; a day-precise date begins with its day in the zone."""
    field = next((one for one in fields_of(session, project.id) if one.key == POSTED_KEY), None)
    if field is None:
        return {}

    def moment(one: HeldValue) -> datetime:
        if one.instant is not None:
            return one.instant
        return datetime.combine(datetime.fromisoformat(one.value[:10]), time.min, zone)

    held = labels.values.get(field.id, {})
    return labels.once(
        ("posted", field.id, str(zone)),
        lambda: {item_id: min(moment(one) for one in some) for item_id, some in held.items()},
        of=("values",),
    )

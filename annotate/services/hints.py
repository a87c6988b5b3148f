"""What to say beside a list: how many more there are in related forms, and "did you mean"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from sqlalchemy.orm import Session

from annotate.models import Project
from annotate.services import library
from annotate.services.labels import ProjectLabels
from search.answering import did_you_mean
from search.engine import Engine
from search.query import leaves, parse_query


@dataclass(frozen=True, slots=True)
class Hints:
    """`more_related` further items fit in related forms; `suggestion` is a better query."""

    more_related: int = 0
    suggestion: str | None = None


def hints_for(session: Session, project: Project, text: str, engine: Engine, zone: tzinfo) -> Hints:
    """Return what to say beside the exact answer to a query.

    :raises QuerySyntaxError: the query cannot be read
    """
    query, exact = library.answered(session, project, text, engine, zone)
    if not leaves(query):
        return Hints()
    _wider, related = library.answered(session, project, text, engine, zone, related=True)
    more = len(set(related.ids).difference(exact.ids))
    if exact.ids or more:
        return Hints(more_related=more)
    labels = ProjectLabels(session, project, zone, apart=library.asks_for_variants(query))
    return Hints(suggestion=did_you_mean(engine, text, parse_query(text), labels))

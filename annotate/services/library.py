"""The library: what a search finds, page by page, with facets that are counted over all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.models import (
    Capture,
    FieldType,
    FieldValue,
    Item,
    ItemTag,
    Project,
    Rendition,
    StudyField,
    Tag,
)
from annotate.services.counting import IS_WORDS, Why, quoted
from annotate.services.fields import fields_of, values_of
from annotate.services.labels import ProjectLabels
from annotate.services.tags import tags_of
from search.engine import Engine, Hit, search
from search.query import And, Label, Node, Not, Or, parse_query
from search.results import Snippet, snippet

PAGE_SIZES: Final = (25, 50, 100, 200)
SORTS: Final = ("best", "newest", "oldest", "address")
_FACETED: Final = frozenset(
    {FieldType.CHOICE, FieldType.BOOLEAN, FieldType.LANGUAGE, FieldType.RELATION, FieldType.ACCOUNT}
)
_SHOWN_VALUES: Final = 12  # values of a facet before "more"


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet; `clause` narrows the search to it."""

    value: str
    number: int
    clause: str


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet; `without` items have no value, so that single-valued ones sum to the total."""

    key: str
    label: str
    values: tuple[FacetValue, ...]
    without: FacetValue | None
    further: int


@dataclass(frozen=True, slots=True)
class Row:
    """One item as a list shows it."""

    item: Item
    snippet: Snippet
    tags: tuple[Tag, ...]
    values: Mapping[str, tuple[str, ...]]
    addresses: int  # further addresses judged the same
    has_thumbnail: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One page of what was found."""

    query: str
    total: int
    number: int
    size: int
    rows: tuple[Row, ...]
    facets: tuple[Facet, ...]

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
    query = parse_query(text)
    labels = ProjectLabels(session, project, zone, apart=_asks_for_variants(query))
    return query, search(engine, query, labels)


def ids_for(
    session: Session, project: Project, text: str, engine: Engine, zone: tzinfo
) -> list[str]:
    """Return the ids of all items a query finds, best first."""
    return [hit.item_id for hit in find(session, project, text, engine, zone)[1]]


def search_items(
    session: Session,
    project: Project,
    text: str,
    engine: Engine,
    zone: tzinfo,
    *,
    sort: str = "best",
    number: int = 1,
    size: int = 50,
    with_facets: bool = True,
) -> Page:
    """Answer a query with one page of rows and the facets of all that was found.

    :raises QuerySyntaxError: the query cannot be read
    """
    query, hits = find(session, project, text, engine, zone)
    ids = _sorted(session, project, [hit.item_id for hit in hits], sort)
    number = max(1, min(number, -(-len(ids) // size) or 1))
    shown = ids[(number - 1) * size : number * size]
    return Page(
        query=text,
        total=len(ids),
        number=number,
        size=size,
        rows=tuple(_rows(session, project, shown, query)),
        facets=tuple(_facets(session, project, frozenset(ids))) if with_facets else (),
    )


def _asks_for_variants(query: Node) -> bool:
    """Tell whether a query is about items that repeat others: then they are listed apart."""
    if isinstance(query, And | Or):
        return any(_asks_for_variants(part) for part in query.parts)
    if isinstance(query, Not):
        return _asks_for_variants(query.part)
    same = IS_WORDS[Why.SAME]
    return isinstance(query, Label) and query.field == "is" and query.value.lower() == same


def _sorted(session: Session, project: Project, ids: list[str], sort: str) -> list[str]:
    if sort == "best" or sort not in SORTS:
        return ids
    wanted = frozenset(ids)
    column = Item.address if sort == "address" else Item.latest_captured_at
    order = column.desc() if sort == "newest" else column.asc()
    query = select(Item.id).where(Item.project_id == project.id).order_by(order, Item.id)
    return [item_id for item_id in session.scalars(query) if item_id in wanted]


def _rows(session: Session, project: Project, ids: Sequence[str], query: Node) -> list[Row]:
    found = {
        item.id: (item, text or "", pictured)
        for item, text, pictured in session.execute(
            select(Item, Rendition.text, Capture.has_thumbnail)
            .outerjoin(Rendition, Rendition.capture_id == Item.latest_capture_id)
            .outerjoin(Capture, Capture.id == Item.latest_capture_id)
            .where(Item.id.in_(ids))
        )
    }
    tags = tags_of(session, ids)
    values = values_of(session, ids)
    keys = {field.id: field.key for field in fields_of(session, project.id)}
    same = Counter(session.scalars(select(Item.same_as_id).where(Item.same_as_id.in_(ids))))
    rows = []
    for item_id in ids:
        item, text, pictured = found[item_id]
        held = values.get(item_id, {})
        rows.append(
            Row(
                item=item,
                snippet=snippet(text, query),
                tags=tuple(tags[item_id]),
                values={keys[key]: tuple(one.value for one in got) for key, got in held.items()},
                addresses=same.get(item_id, 0),
                has_thumbnail=bool(pictured),
            )
        )
    return rows


def _facets(session: Session, project: Project, ids: frozenset[str]) -> list[Facet]:
    facets = [
        _column_facet(session, project, ids, "outcome", "Capture"),
        _column_facet(session, project, ids, "lang", "Detected language"),
        _tag_facet(session, project, ids),
    ]
    facets += [
        _field_facet(session, field, ids)
        for field in fields_of(session, project.id)
        if field.type in _FACETED
    ]
    return [facet for facet in facets if facet.values]


def _column_facet(
    session: Session, project: Project, ids: frozenset[str], key: str, label: str
) -> Facet:
    column = Item.language if key == "lang" else Item.latest_outcome
    rows = session.execute(select(Item.id, column).where(Item.project_id == project.id))
    values = [str(value) for item_id, value in rows if item_id in ids and value is not None]
    without = len(ids) - len(values)
    clause = "lang:none" if key == "lang" else "is:uncaptured"
    return _facet(key, label, Counter(values), FacetValue("none", without, clause))


def _tag_facet(session: Session, project: Project, ids: frozenset[str]) -> Facet:
    rows = session.execute(
        select(ItemTag.item_id, Tag.name)
        .join(Tag, Tag.id == ItemTag.tag_id)
        .where(Tag.project_id == project.id)
    ).all()
    held = [(item_id, name) for item_id, name in rows if item_id in ids]
    without = len(ids) - len({item_id for item_id, _name in held})
    numbers = Counter(name for _item_id, name in held)
    return _facet("tag", "Tags", numbers, FacetValue("none", without, "is:untagged"))


def _field_facet(session: Session, field: StudyField, ids: frozenset[str]) -> Facet:
    rows = session.execute(
        select(FieldValue.item_id, FieldValue.value).where(
            FieldValue.field_id == field.id, FieldValue.current
        )
    ).all()
    held = [(item_id, value) for item_id, value in rows if item_id in ids]
    without = len(ids) - len({item_id for item_id, _value in held})
    numbers = Counter(value for _item_id, value in held)
    none = FacetValue("none", without, f"{field.key}:none")
    return _facet(field.key, field.label, numbers, none)


def _facet(key: str, label: str, numbers: Counter[str], none: FacetValue) -> Facet:
    ordered = sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))
    return Facet(
        key=key,
        label=label,
        values=tuple(
            FacetValue(value, number, quoted(key, value))
            for value, number in ordered[:_SHOWN_VALUES]
        ),
        without=none if none.number else None,
        further=max(0, len(ordered) - _SHOWN_VALUES),
    )

"""Criteria are put on every statement that reads their tables, and only there."""

from __future__ import annotations

import pytest
from sqlalchemy import Select, exists, func, select, text, union
from sqlalchemy.orm import aliased, joinedload, with_loader_criteria

from annotate.criteria import Narrowing, tables_of
from annotate.models import EntryTrace, Item, ItemTag, Note, Tag
from annotate.models.base import Base

OTHER = aliased(ItemTag)
COUNTED = (
    select(ItemTag.item_id, func.count().label("n")).group_by(ItemTag.item_id).subquery()
)  # fmt: skip
NOTES = select(Note.id).cte()
BOTH = union(select(ItemTag.item_id), select(Note.item_id)).subquery()
CRITERIA = (
    (ItemTag, ItemTag.item_id != "held"),
    (Note, Note.item_id != "held"),
    (Tag, Tag.created_by == "me"),
)
STATEMENTS = {
    "a row by its key": (select(Tag).where(Tag.id == "1"), {"tag"}),
    "a count": (select(func.count()).select_from(Tag), {"tag"}),
    "a column": (select(func.max(Note.id)), {"note"}),
    "exists": (select(Item.id).where(exists().where(ItemTag.item_id == Item.id)), {"item_tag"}),
    "an alias": (select(OTHER.tag_id), {"item_tag"}),
    "a joined alias": (select(Item).join(OTHER, OTHER.item_id == Item.id), {"item_tag"}),
    "an outer join": (select(Item.id).outerjoin(Note, Note.item_id == Item.id), {"note"}),
    "a subquery": (select(Item.id).join(COUNTED, COUNTED.c.item_id == Item.id), {"item_tag"}),
    "a CTE": (select(NOTES.c.id), {"note"}),
    "a union below": (select(Item.id).where(Item.id.in_(select(BOTH.c[0]))), {"item_tag", "note"}),
    "a number in the list": (
        select(Item, select(func.count(Note.id)).where(Note.item_id == Item.id).scalar_subquery()),
        {"note"},
    ),
    "the order": (
        select(Item).order_by(select(Tag.name).limit(1).scalar_subquery()),
        {"tag"},
    ),
    "an entity of a subquery": (select(aliased(Note, select(Note).subquery()).id), {"note"}),
    "nothing of these": (select(Item.id), set()),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_narrowed_as_by_all_criteria(name: str) -> None:
    statement, read = STATEMENTS[name]
    all_of_them = [
        with_loader_criteria(entity, rule, include_aliases=True) for entity, rule in CRITERIA
    ]
    narrowed = Narrowing(CRITERIA).narrowed(statement)
    assert tables_of(statement) & {"tag", "note", "item_tag"} == read
    assert len(narrowed._with_options) == len(read)
    assert str(narrowed) == str(statement.options(*all_of_them))


@pytest.mark.parametrize(
    "statement",
    [
        select(text("id FROM note")),
        select(EntryTrace).options(joinedload(EntryTrace.event)),
    ],
    ids=["text", "loaded along"],
)
def test_what_cannot_be_looked_through_gets_all(statement: Select) -> None:
    assert tables_of(statement) is None


def test_no_entity_loads_another_by_itself() -> None:
    """A relationship that did would read a table that its statement does not name."""
    for mapper in Base.registry.mappers:
        for relationship in mapper.relationships:
            assert relationship.lazy in {"raise", "raise_on_sql"}, relationship

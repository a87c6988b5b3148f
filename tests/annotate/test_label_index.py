"""Labels follow the events: what an event cannot change is kept on, what it can is made anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.event import listen, remove

from annotate.models import (
    BulkKind,
    Event,
    EventKind,
    Item,
    Project,
    StudyField,
    ValueSource,
)
from annotate.services import fields, library, people, projects, tags
from annotate.services.label_index import Labels, labels_of
from annotate.services.zones import parse_zone
from annotate.wiring import Wiring
from search.whoosh_engine import WhooshEngine

PAGES = {f"https://example.org/{n}": f"<title>{n}</title><p>cotton {n}" for n in range(3)}


@pytest.fixture
def filled(wiring: Wiring, project: Project, capture: Callable) -> Project:
    capture(PAGES)
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        for number, item in enumerate(session.scalars(select(Item).order_by(Item.address))):
            give(session, actor, project, item, {
                "author_state_controlled": "yes", "promotes": "traveller",
                "posted_at": f"2020-0{number + 1}-01",
            })  # fmt: skip
    return project


def give(session, actor, project, item, values: dict[str, str]) -> None:
    by_key = {one.key: one for one in session.scalars(select(StudyField))}
    chosen = {by_key[key]: [value] for key, value in values.items()}
    fields.set_values(session, actor, project, item, chosen, source=ValueSource.PERSON)


def labels(wiring: Wiring, project: Project) -> Labels:
    with wiring.database.read() as session:
        return labels_of(session, project.id)


def facet(wiring: Wiring, key: str) -> dict[str, int]:
    with wiring.database.read() as session:
        page = library.search_items(
            session, projects.find_project(session, "study"), "", WhooshEngine(wiring.index),
            parse_zone("UTC"),
        )  # fmt: skip
    found = next((one for one in page.facets if one.key == key), None)
    return {one.value: one.number for one in found.values} if found is not None else {}


def test_a_tag_leaves_what_has_nothing_to_do_with_tags_as_it_was(
    wiring: Wiring, filled: Project
) -> None:
    assert facet(wiring, "tag") == {}
    before = labels(wiring, filled)
    field = next(iter(before.values))
    valued, every = before.valued(field), before.every
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        held = projects.find_project(session, "study")
        tags.tag_many(session, actor, held, list(every)[:2], "swept", BulkKind.TAG)
    after = labels(wiring, filled)
    assert after is not before
    assert after.valued(field) is valued
    assert after.every is every
    assert facet(wiring, "tag") == {"swept": 2}
    assert before.tags == {}


def test_a_window_that_moves_changes_why_items_count(wiring: Wiring, filled: Project) -> None:
    assert facet(wiring, "is") == {"counted": 3}
    with wiring.database.write() as session:
        held = projects.find_project(session, "study")
        actor = people.actor_of(people.find_user(session, "owner"))
        projects.change_project(
            session,
            actor,
            held,
            name=held.name,
            description="",
            reporting_zone=held.reporting_zone,
            window_from=date(2020, 2, 1),
            window_to=None,
        )
    assert facet(wiring, "is") == {"counted": 2, "outside": 1}


def test_a_value_that_changes_is_counted_anew(wiring: Wiring, filled: Project) -> None:
    assert facet(wiring, "month") == {"2020-01": 1, "2020-02": 1, "2020-03": 1}
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        item = session.scalars(select(Item).order_by(Item.address)).first()
        give(session, actor, filled, item, {"posted_at": "2020-03-09"})
    assert facet(wiring, "month") == {"2020-02": 1, "2020-03": 2}


def test_events_written_by_one_statement_are_told_apart_and_stand_in_order(
    wiring: Wiring, filled: Project
) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.extend([statement] if statement.startswith("INSERT INTO event") else [])

    with wiring.database.write() as session:
        ids = list(session.scalars(select(Item.id)))
        actor = people.actor_of(people.find_user(session, "owner"))
        held = projects.find_project(session, "study")
        tags.ensure_tag(session, actor, held, "swept")
        listen(wiring.database.engine, "before_cursor_execute", note)
        tags.tag_many(session, actor, held, ids, "swept", BulkKind.TAG)
        remove(wiring.database.engine, "before_cursor_execute", note)
    assert len(ids) == 3
    assert len(statements) == 2  # the tags, and the act
    with wiring.database.read() as session:
        rows = session.scalars(select(Event).where(Event.kind == EventKind.TAG_ADD)).all()
        numbers = session.scalars(
            select(Event.n).where(Event.ledger == filled.id).order_by(Event.id)
        ).all()
    assert list(numbers) == list(range(len(numbers)))
    assert [row.item_id for row in sorted(rows, key=lambda row: row.id)] == ids
    for row in rows:
        document = json.loads(row.document)
        assert (document["n"], document["item"]) == (row.n, row.item_id)
        assert hashlib.sha256(row.document.encode()).hexdigest() == row.digest

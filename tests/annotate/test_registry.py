"""The registry: names in every script, statements with evidence and dates, relations, merges."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from conftest import send
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from annotate.models import (
    Assertion,
    EntryJudgement,
    EntryKind,
    Event,
    EventKind,
    Item,
    Project,
    RegistryEntry,
    RegistryName,
    Relation,
    RelationType,
    ValueSource,
)
from annotate.services import counted_tables, fields, items, people, projects
from annotate.services.registry import assertions, entries
from annotate.services.registry.evidence import Evidence
from annotate.services.zones import parse_zone
from annotate.wiring import Wiring
from archive.urlkey import Address

Browser = Callable[[str], FlaskClient]
LIST = "/p/study/registry"


def add(client: FlaskClient, **form: str) -> str:
    """Add an entry by the form; return the address of its page."""
    answer = send(client, LIST, LIST, **({"kind": "account", "platform": "chirper"} | form))
    assert answer.status_code == 302, answer.text
    return answer.location


def row_of(wiring: Wiring, kind: type, **by: object):
    with wiring.database.read() as session:
        query = select(kind).filter_by(**by)
        return session.scalars(query).one()


def item_of(wiring: Wiring, address: str, **values: str) -> str:
    """Make an item with values of the list, and something that counts as captured."""
    with wiring.database.write() as session:
        project = projects.find_project(session, "study")
        actor = people.actor_of(people.find_user(session, "owner"))
        item, _new = items.ensure_item(session, actor, project, Address.parse(address))
        by_key = {one.key: one for one in fields.fields_of(session, project.id)}
        given = {by_key[key]: value.split(";") for key, value in values.items()}
        fields.set_values(session, actor, project, item, given, source=ValueSource.LIST)
        return item.id


def test_an_account_is_found_by_every_name_in_every_script(
    sign_in: Browser, project: Project
) -> None:
    coder = sign_in("coder")
    page = add(coder, handle="@XHNews", label="Xinhua", category="state-media outlet")
    for name, kind, language in (
        ("新华社", "own name", "zh-Hans"),
        ("شىنخۇا", "transliteration", "ug-Arab"),
        ("Синьхуа", "transliteration", "ru"),
    ):
        answer = send(coder, page, f"{page}/names", name=name, kind=kind, language=language)
        assert answer.status_code == 302
    for asked in ("新华", "شىنخۇا", "синьхуа", "xhnews", "@XHNews", "xinhua"):
        assert "Xinhua" in coder.get(f"{LIST}?q={asked}").text, asked
        offered = coder.get(f"{LIST}/names.json?q={asked}").json
        assert offered[0]["value"] == "XHNews", asked
    assert "Xinhua</bdi>" not in coder.get(f"{LIST}?q=nobody").text


@pytest.mark.parametrize("provenance", ["", "   "])
def test_no_statement_and_no_relation_without_evidence(
    sign_in: Browser, wiring: Wiring, project: Project, provenance: str
) -> None:
    coder = sign_in("coder")
    page = add(coder, handle="someone")
    said = {"property": "state-controlled", "value": "yes", "basis": "ownership"}
    refused = send(coder, page, f"{page}/assertions", provenance=provenance, **said)
    assert refused.status_code == 400
    assert "without evidence" in refused.text
    add(coder, kind="entity", label="A ministry")
    entry = row_of(wiring, RegistryEntry, handle="someone")
    relation = {"type": "belongs-to", "subject_id": entry.id, "object": "A ministry"}
    refused = send(coder, page, "/p/study/relations", provenance=provenance, **relation)
    assert refused.status_code == 400
    assert "without evidence" in refused.text
    with wiring.database.read() as session:
        assert session.scalars(select(Assertion)).all() == []
        assert session.scalars(select(Relation)).all() == []


def test_the_database_itself_refuses_a_statement_without_evidence(
    wiring: Wiring, project: Project
) -> None:
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        spec = entries.EntrySpec(EntryKind.ENTITY, label="A body")
        entry = entries.create(session, actor, project, spec)
    row = "INSERT INTO assertion (id, project_id, made_by, made_at, row_version, entry_id, property, value, basis, disputed_by, provenance) VALUES ('x', :p, :u, '2020-01-01', 1, :e, 'a', 'b', 'c', '', '')"
    with wiring.database.engine.begin() as connection, pytest.raises(IntegrityError, match="ck_"):
        connection.exec_driver_sql(
            row.replace(":p", f"'{project.id}'")
            .replace(":u", f"'{actor.user_id}'")
            .replace(":e", f"'{entry.id}'")
        )


def test_a_stale_save_keeps_both_values(sign_in: Browser, wiring: Wiring, project: Project) -> None:
    first, second = sign_in("coder"), sign_in("manager")
    page = add(first, handle="one", label="One")
    form = {"row_version": "1", "platform": "chirper", "handle": "one"}
    assert send(first, page, page, label="First", **form).status_code == 302
    late = send(second, page, page, label="Second", **form)
    assert late.status_code == 409
    assert "First" in late.text
    assert "Second" in late.text
    assert row_of(wiring, RegistryEntry, handle="one").label == "First"


def test_every_change_stands_in_the_history_and_can_be_undone(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    coder = sign_in("coder")
    page = add(coder, handle="one", label="One")
    form = {"row_version": "1", "platform": "chirper", "handle": "one"}
    send(coder, page, page, label="Renamed", reason="its profile says so", **form)
    said = {"property": "state-controlled", "value": "yes", "basis": "ownership"}
    send(coder, page, f"{page}/assertions", provenance="its imprint", **said)
    shown = coder.get(page).text
    assert "its profile says so" in shown
    undo = re.findall(r"/p/study/changes/(\d+)/undo", shown)
    assert len(undo) == 3
    newest, rename, _created = undo
    for event in (newest, rename):
        answer = send(coder, page, f"/p/study/changes/{event}/undo")
        assert answer.status_code == 302, answer.text
    assert row_of(wiring, RegistryEntry, handle="one").label == "One"
    assert row_of(wiring, Assertion).withdrawn_at is not None
    twice = send(coder, page, f"/p/study/changes/{rename}/undo")
    assert twice.status_code == 409
    undone = re.findall(r"/p/study/changes/(\d+)/undo", coder.get(page).text)
    assert len(undone) == 5  # what was undone stands in the history, and can be undone as well


def test_a_merge_is_undone_and_nothing_is_lost(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    coder = sign_in("coder")
    old, new = add(coder, handle="old_name"), add(coder, handle="new_name")
    send(coder, old, f"{old}/names", name="旧名", kind="own name")
    item_of(wiring, "https://example.org/1", author="old_name", platform="chirper")
    item_of(wiring, "https://example.org/2", author="new_name", platform="chirper")
    unsaid = send(coder, old, f"{old}/judgements", into="new_name", judgement="same", reason="")
    assert unsaid.status_code == 400
    merged = send(
        coder, old, f"{old}/judgements", into="new_name", judgement="same", reason="one profile"
    )
    assert merged.status_code == 302, merged.text
    shown = coder.get(new).text
    assert "旧名" in shown
    assert re.search(r"<b>2</b>items written by it", shown)
    for name in ("new_name", "old_name", "旧名"):
        found = coder.get(f'/p/study/items.json?q=account:"{name}"').json
        assert found["total"] == 2, name
    judged = row_of(wiring, EntryJudgement)
    send(coder, new, f"/p/study/registry-judgements/{judged.id}/undo")
    assert coder.get('/p/study/items.json?q=account:"旧名"').json["total"] == 1
    assert row_of(wiring, RegistryEntry, handle="old_name").merged_into_id is None
    assert (
        row_of(wiring, RegistryName).entry_id == row_of(wiring, RegistryEntry, handle="old_name").id
    )
    kinds = {EventKind.ENTRY_JUDGE, EventKind.ENTRY_UNJUDGE}
    with wiring.database.read() as session:
        found = session.scalars(select(Event.kind).where(Event.kind.in_(kinds))).all()
    assert set(found) == kinds


def test_entries_of_two_kinds_or_one_and_the_same_are_not_merged(
    sign_in: Browser, project: Project
) -> None:
    coder = sign_in("coder")
    page = add(coder, handle="a")
    add(coder, kind="entity", label="Body")
    for into, words in (("Body", "no account called"), ("a", "name another")):
        form = {"into": into, "judgement": "same", "reason": "x"}
        got = send(coder, page, f"{page}/judgements", **form)
        assert got.status_code == 400
        assert words in got.text


def test_a_count_uses_the_statement_that_held_when_it_was_posted(
    wiring: Wiring, project: Project, capture: Callable
) -> None:
    """Decision 12: state-controlled from 2020-06-01 in the reporting zone; the list says yes."""
    pages = {f"https://example.org/{n}": f"<title>{n}</title><p>words" for n in range(3)}
    capture(pages)
    days = ("2020-05-31T20:00:00+00:00", "2020-05-31T15:00:00+00:00", "2020-08-01T00:00:00+00:00")
    for address, posted in zip(pages, days, strict=True):
        item_of(
            wiring, address, author="paper", platform="chirper", posted_at=posted,
            promotes="creator", author_state_controlled="yes",
        )  # fmt: skip

    def counted(zone: str) -> dict[str, int]:
        with wiring.database.read() as session:
            held = projects.find_project(session, "study")
            found = counted_tables.count(session, held, zone=parse_zone(zone))
            return {cell.label: cell.number for cell in found.scope}

    assert counted("UTC")["counted"] == 3  # the registry says nothing yet: the list serves
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        spec = entries.EntrySpec(EntryKind.ACCOUNT, platform="chirper", handle="paper")
        entry = entries.create(session, actor, project, spec)
        said = assertions.AssertionSpec(
            "state-controlled", "yes", "bought by a ministry", valid_from=date(2020, 6, 1)
        )
        assertions.state(session, actor, project, entry, said, Evidence(provenance="a register"))
    utc, urumqi = counted("UTC"), counted("Asia/Urumqi")
    assert (utc["counted"], utc["author not state-controlled"]) == (1, 2)
    assert (urumqi["counted"], urumqi["author not state-controlled"]) == (2, 1)


def test_what_is_said_of_the_entity_behind_holds_for_its_accounts_while_they_are_its(
    sign_in: Browser, wiring: Wiring, project: Project, capture: Callable
) -> None:
    pages = {f"https://example.org/{n}": f"<title>{n}</title><p>words" for n in range(2)}
    capture(pages)
    for address, posted in zip(pages, ("2020-01-01", "2021-01-01"), strict=True):
        item_of(
            wiring, address, author="paper", platform="chirper", posted_at=posted,
            promotes="creator", author_state_controlled="yes",
        )  # fmt: skip
    coder = sign_in("coder")
    account, entity = add(coder, handle="paper"), add(coder, kind="entity", label="部委")
    said = {"property": "state-controlled", "value": "yes", "basis": "law"}
    send(coder, entity, f"{entity}/assertions", provenance="the law", **said)
    relation = {"type": "belongs-to", "subject_id": account.rsplit("/", 1)[1], "object": "部委"}
    related = send(
        coder, account, "/p/study/relations", valid_from="2020-06-01", provenance="imprint",
        **relation,
    )  # fmt: skip
    assert related.status_code == 302, related.text
    # Before the account was its, the registry said nothing of it, and the list's word serves.
    for query, number in (("entity:部委", 1), ("basis:law", 1), ('basis:"the list alone"', 1)):
        assert coder.get(f"/p/study/items.json?q={query}").json["total"] == number, query
    results = coder.get("/p/study/results.json").json
    assert results["tables"]["by_entity"] == {"部委": 1}


def test_numbers_of_the_results_open_lists_of_that_many_items(
    sign_in: Browser, wiring: Wiring, project: Project, capture: Callable
) -> None:
    pages = {f"https://example.org/{n}": f"<title>{n}</title><p>words" for n in range(3)}
    capture(pages)
    for number, address in enumerate(pages):
        item_of(
            wiring, address, author="same", platform="chirper" if number else "facepage",
            posted_at="2020-05-05", promotes="one;two", author_state_controlled="yes",
        )  # fmt: skip
    coder = sign_in("coder")
    add(coder, handle="same", label="زراعة")
    add(coder, handle="same", platform="facepage", label="农业")
    add(coder, handle="ONE", platform="", label="First")
    with wiring.database.read() as session:
        results = counted_tables.count(session, project, zone=parse_zone("UTC"))
    tables = {table.key: table for table in results.tables}
    assert {cell.label: cell.number for cell in tables["by_sharer"].cells} == {
        "chirper/same": 2,
        "facepage/same": 1,
    }
    assert {cell.label for cell in tables["by_influencer"].cells} == {"ONE", "two"}
    for table in results.tables:
        for cell in table.cells:
            listed = coder.get("/p/study/items.json", query_string={"q": cell.query}).json
            assert listed["total"] == cell.number, cell.query


def test_a_handle_means_the_account_that_had_it_then(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    coder = sign_in("coder")
    now, before = add(coder, handle="news"), add(coder, handle="renamed")
    send(coder, now, f"{now}/handles", handle="news", valid_from="2021-01-01")
    send(coder, before, f"{before}/handles", handle="news", valid_to="2020-12-31")
    for number, posted in enumerate(("2020-12-31", "2021-01-01")):
        item_of(
            wiring, f"https://example.org/{number}", author="news", platform="chirper",
            posted_at=posted,
        )  # fmt: skip
    for reference in ("news", "renamed"):
        found = coder.get(f"/p/study/items.json?q=account:{reference}").json
        assert found["total"] == 1, reference


def test_relations_of_an_item_are_shown_searched_and_taken_back(
    sign_in: Browser, wiring: Wiring, project: Project, capture: Callable
) -> None:
    capture({"https://example.org/post": "<title>帖子</title><p>棉花 video"})
    coder = sign_in("coder")
    whole = add(coder, kind="work", label="纪录片")
    clip = add(coder, kind="work", label="剪辑")
    item = row_of(wiring, Item).id
    page = f"/p/study/items/{item}/relations"
    part = {"type": "part-of", "subject_id": clip.rsplit("/", 1)[1], "object": "纪录片"}
    assert send(coder, clip, "/p/study/relations", provenance="x", **part).status_code == 302
    form = {"type": "embeds", "subject_id": item, "object": "剪辑", "evidence_item": item}
    assert send(coder, page, "/p/study/relations", quote="video", **form).status_code == 302
    row = row_of(wiring, Relation, type="embeds")
    assert row.evidence_capture_id is not None
    assert "剪辑" in coder.get(page).text
    for query in ("work:剪辑", "work:纪录片", "relation:embeds", 'relation:"embeds=剪辑"'):
        assert coder.get("/p/study/items.json", query_string={"q": query}).json["total"] == 1, query
    assert re.search(r"<b>1</b>items with it", coder.get(whole).text)
    again = send(coder, page, "/p/study/relations", quote="video", **form)
    assert again.status_code == 400
    wrong = send(coder, page, "/p/study/relations", **(form | {"type": "promotes"}))
    assert wrong.status_code == 400
    taken = send(coder, page, f"/p/study/kept/relation/{row.id}/withdraw", row_version="1")
    assert taken.status_code == 302
    assert coder.get("/p/study/items.json?q=work:剪辑").json["total"] == 0
    assert "relation:change" in coder.get(f"/p/study/items/{item}?tab=history").text


def test_viewers_read_the_registry_and_write_nothing(sign_in: Browser, project: Project) -> None:
    page = add(sign_in("coder"), handle="a")
    viewer = sign_in("viewer")
    assert viewer.get(page).status_code == 200
    assert send(viewer, page, LIST, kind="entity", label="x").status_code == 403
    assert sign_in("stranger").get(page).status_code == 404


def test_a_kind_of_relation_is_data(sign_in: Browser, project: Project) -> None:
    manager = sign_in("manager")
    here = "/p/study/relation-types"
    form = {"key": "funds", "label": "يموّل", "inverse": "funded by"}
    ends = {"subject": "entity", "object": "entity"}
    assert send(manager, here, here, **form, **ends).status_code == 302
    assert send(manager, here, here, **form, **ends).status_code == 400
    assert "يموّل" in manager.get(here).text
    first = add(manager, kind="entity", label="A")
    add(manager, kind="entity", label="B")
    relation = {"type": "funds", "subject_id": first.rsplit("/", 1)[1], "object": "B"}
    got = send(manager, first, "/p/study/relations", provenance="accounts", **relation)
    assert got.status_code == 302


def test_a_kind_of_relation_is_taken_back_by_who_may_make_one(
    sign_in: Browser, project: Project, wiring: Wiring
) -> None:
    manager, coder = sign_in("manager"), sign_in("coder")
    here = "/p/study/relation-types"
    form = {"key": "funds", "label": "funds", "inverse": "funded by"}
    made = send(manager, here, here, **form, subject="entity", object="entity")
    assert made.status_code == 302
    with wiring.database.read() as session:
        kind = session.scalars(select(RelationType).where(RelationType.key == "funds")).one()
        event = session.scalars(
            select(Event.id).where(Event.kind == EventKind.RELATION_TYPE_CREATE)
        ).all()[-1]
    away = f"/p/study/kept/relation_type/{kind.id}/withdraw"
    undone = f"/p/study/changes/{event}/undo"
    assert send(coder, LIST, away, row_version=str(kind.row_version)).status_code == 403
    assert send(coder, LIST, undone).status_code == 403
    with wiring.database.read() as session:
        assert session.get_one(RelationType, kind.id).withdrawn_at is None
    assert send(manager, here, undone).status_code == 302
    with wiring.database.read() as session:
        assert session.get_one(RelationType, kind.id).withdrawn_at is not None


def test_the_platform_has_a_handle_once(app: Flask, sign_in: Browser, project: Project) -> None:
    coder = sign_in("coder")
    add(coder, handle="once")
    form = {"kind": "account", "platform": "Chirper", "handle": "@ONCE"}
    taken = send(coder, LIST, LIST, **form)
    assert taken.status_code == 400
    assert "already" in taken.text
    assert send(coder, LIST, LIST, **(form | {"platform": "other"})).status_code == 302

"""The history: every act in words, narrowed as asked, and one's own acts taken back from it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from conftest import send
from flask.testing import FlaskClient

from annotate.models import EventKind, Project
from annotate.services import history, items, people, projects
from annotate.wiring import Wiring
from archive.urlkey import Address

Browser = Callable[[str], FlaskClient]
PAGE = "/p/study/history"


@pytest.fixture
def here(wiring: Wiring, project: Project) -> str:
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        held = projects.find_project(session, "study")
        address = Address.parse("https://example.org/1")
        made = items.ensure_item(session, actor, held, address)[0]
    return f"/p/study/items/{made.id}"


def events(client: FlaskClient, **query: str) -> list[dict]:
    return client.get(f"{PAGE}.json", query_string=query).json["events"]


def undo_first(client: FlaskClient, what: str) -> int:
    """Press the first undo of the page of one subject; return how many there were."""
    page = client.get(f"{PAGE}?who=me&what={what}").text
    forms = re.findall(r'<td><form method="post" action="([^"]+)">(.*?)Undo', page, re.DOTALL)
    if forms:
        sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', forms[0][1]))
        sent.pop("csrf_token")
        answer = send(client, PAGE, forms[0][0], **sent)
        assert answer.status_code == 302, answer.text
    return len(forms)


def test_events_are_told_in_words_and_one_without_words_by_its_name() -> None:
    assert history.ACT_LABELS.keys() <= {one.value for one in EventKind}
    assert len(set(history.ACT_LABELS.values())) == len(history.ACT_LABELS)
    assert history.words_of("tag:add") == "put on the tag"
    assert sorted(history.SUBJECT_LABELS) == history.subjects()
    assert history.words_of("new-thing:turn") == "new thing: turn"


def test_it_is_narrowed_by_who_what_when_and_item(sign_in: Browser, here: str) -> None:
    coder, manager = sign_in("coder"), sign_in("manager")
    send(coder, here, f"{here}/tags", tag="قطن")
    send(manager, here, f"{here}/notes", text="ملاحظة", kind="remark")
    everything = events(coder)
    assert [one["kind"] for one in everything[:3]] == ["note:create", "tag:add", "tag:create"]
    assert everything[1]["words"] == "put on the tag"
    assert {one["who"] for one in events(coder, who="me")} == {"coder"}
    assert {one["kind"] for one in events(coder, what="note")} == {"note:create"}
    assert events(coder, to="2001-01-01") == []
    assert events(coder, **{"from": "2001-01-01"}) == everything
    item = here.rsplit("/", 1)[1]
    assert {one["item"] for one in events(coder, item=item)} == {item}
    assert coder.get(f"{PAGE}.json?what=weather").status_code == 400
    assert coder.get(f"{PAGE}?from=soon").status_code == 400
    page = coder.get(PAGE).text
    assert "قطن" in page
    assert "<ins>ملاحظة</ins>" in page


def test_older_pages_hold_everything_once(
    sign_in: Browser, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    coder = sign_in("coder")
    whole = [one["position"] for one in events(coder)]
    monkeypatch.setattr(history, "SIZE", 3)
    seen, before = [], ""
    while before is not None:
        page = coder.get(f"{PAGE}.json", query_string={"before": before}).json
        seen += [one["position"] for one in page["events"]]
        before = page["older"]
    assert seen == whole
    assert "Older" in coder.get(PAGE).text


def test_what_one_did_is_undone_and_done_again_from_there(sign_in: Browser, here: str) -> None:
    coder, manager = sign_in("coder"), sign_in("manager")
    send(coder, here, f"{here}/tags", tag="once")
    assert undo_first(manager, "tag") == 0  # not theirs
    assert undo_first(coder, "tag") == 1
    assert "tag:remove" in {one["kind"] for one in events(coder, what="tag")}
    assert undo_first(coder, "tag") == 1  # the taking off is undone in its turn
    send(coder, here, f"{here}/sensitive", reason="blood")
    assert undo_first(coder, "item") == 1
    assert undo_first(coder, "item") == 1  # marked again
    item = here.rsplit("/", 1)[1]
    send(coder, here, f"/p/study/comments/item/{item}", text="said")
    assert undo_first(coder, "comment") == 1
    assert "Withdrawn by" in manager.get(here).text
    memos = "/p/study/memos"
    memo = send(coder, memos, memos, kind="method", title="one", text="a").location
    send(coder, memo, memo, title="two", text="b", version="1")
    assert undo_first(coder, "memo") >= 1
    assert "<bdi>one</bdi></h1>" in manager.get(memo).text


def test_an_act_on_many_items_is_undone_once(sign_in: Browser, here: str) -> None:
    coder = sign_in("coder")
    item = here.rsplit("/", 1)[1]
    send(coder, "/p/study/", "/p/study/bulk", item=[item], tag="many", act="tag")
    assert undo_first(coder, "bulk") == 1
    assert undo_first(coder, "bulk") == 0
    assert "many" not in coder.get("/p/study/items.json").json["items"][0]["tags"]


def test_notes_values_judgements_screening_and_searches_are_taken_back_too(
    sign_in: Browser, wiring: Wiring, here: str
) -> None:
    coder, manager = sign_in("coder"), sign_in("manager")
    send(coder, here, f"{here}/notes", text="كتبت", kind="remark")
    note = re.search(r"/p/study/notes/[0-9a-f-]{36}", coder.get(here).text)[0]
    send(coder, here, note, text="كتبت ثانية", version="1")
    assert undo_first(coder, "note") == 2  # the text, and below it the note itself
    assert "ثانية</div>" not in manager.get(here).text
    assert send(manager, here, f"{note}/withdraw").status_code == 400  # not theirs
    assert send(coder, here, f"{note}/withdraw").status_code == 302
    assert found(manager, "is:noted") == 0
    assert undo_first(coder, "note") == 1
    assert found(manager, "is:noted") == 1
    version = re.search(
        r'fields/platform.*?name="version" value="([^"]*)"', coder.get(here).text, re.DOTALL
    )
    send(coder, here, f"{here}/fields/platform", value="chirper", version=version[1])
    assert found(coder, "platform:chirper") == 1
    assert undo_first(coder, "value") == 1
    assert found(coder, "platform:chirper") == 0
    item = here.rsplit("/", 1)[1]
    page = "/p/study/screening"
    said = {"verdict": "excluded", "reason": "no cotton", "version": "0"}
    assert send(coder, here, f"{page}/items/{item}", **said).status_code == 302
    assert found(coder, "is:excluded") == 1
    assert undo_first(coder, "item") == 1
    assert found(coder, "is:excluded") == 0
    saved = "/p/study/searches"
    send(coder, "/p/study/", saved, name="قطن", q="is:noted", sort="best")
    assert undo_first(coder, "search") == 1
    assert "<bdi>قطن</bdi>" not in coder.get(saved).text
    assert undo_first(coder, "search") == 1
    assert "<bdi>قطن</bdi>" in coder.get(saved).text
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        held = projects.find_project(session, "study")
        items.ensure_item(session, actor, held, Address.parse("https://example.org/2"))
    other = {"address": "https://example.org/2", "judgement": "same"}
    assert send(coder, here, f"{here}/same", **other).status_code == 302
    assert "counts for another address" in coder.get(here).text
    assert undo_first(coder, "item") >= 1
    assert "counts for another address" not in coder.get(here).text


def test_links_texts_marks_sweeps_and_the_queue_are_taken_back_too(
    sign_in: Browser, here: str
) -> None:
    coder, owner = sign_in("coder"), sign_in("owner")
    item = here.rsplit("/", 1)[1]
    memos = "/p/study/memos"
    memo = send(coder, memos, memos, kind="method", title="روابط", text="a").location
    send(coder, memo, f"{memo}/links", address="https://example.org/1")
    assert here in coder.get(memo).text
    assert undo_first(coder, "memo") == 2
    assert here not in coder.get(memo).text
    assert undo_first(coder, "memo") == 2
    assert here in coder.get(memo).text

    send(coder, here, f"/p/study/comments/item/{item}", text="أول")
    comment = re.search(r"/p/study/comments/([0-9a-f-]{36})\"", coder.get(here).text)[1]
    change = f"/p/study/comments/{comment}"
    assert send(coder, here, change, act="edit", text="ثان", version="1").status_code == 302
    assert undo_first(coder, "comment") == 2
    said = [one for one in events(coder, what="comment") if one["kind"] == "comment:edit"]
    assert [one["after"] for one in said] == ["أول", "ثان"]

    send(coder, here, f"{here}/sensitive", reason="دم")
    assert undo_first(coder, "item") == 1
    assert undo_first(coder, "item") == 1  # marked again, with the reason it had
    assert events(coder, what="item")[0]["reason"] == "دم"

    sweep = send(
        coder, "/p/study/sweeps", "/p/study/sweeps", kind="query", name="بحث", query="棉"
    ).location
    assert send(coder, sweep, f"{sweep}/items", item=item).status_code == 302
    assert undo_first(coder, "sweep") == 2
    assert events(coder, what="sweep")[0]["kind"] == "sweep:take-off"

    assert send(owner, "/p/study/queue", "/p/study/queue/pause", reason="now").status_code == 302
    assert undo_first(owner, "queue") == 1
    assert events(owner, what="queue")[0]["kind"] == "queue:resume"

    assert send(owner, here, f"{here}/capture", engine="http").status_code == 302
    assert undo_first(owner, "request") == 1
    assert undo_first(owner, "request") == 1  # asked for again
    assert events(owner, what="request")[0]["kind"] == "request:retry"

    settings = "/p/study/settings"
    send(owner, settings, "/p/study/members", login="viewer", role="coder")
    assert undo_first(owner, "member") >= 1
    assert events(owner, what="member")[0]["after"] == "viewer"


def test_a_change_of_the_registry_is_taken_back_while_it_stands(sign_in: Browser) -> None:
    coder = sign_in("coder")
    page = "/p/study/registry"
    made = send(
        coder, page, page, kind="account", label="قناة", platform="youtube", handle="kanal",
        note="seen on its own page",
    )  # fmt: skip
    assert made.status_code == 302, made.text
    entry = made.location
    assert "قناة" in coder.get(page).text
    assert undo_first(coder, "registry-entry") == 1
    assert "قناة" not in coder.get(page).text
    assert undo_first(coder, "registry-entry") == 1  # the taking back is taken back
    assert "قناة" in coder.get(page).text
    assert coder.get(entry).status_code == 200


def found(client: FlaskClient, query: str) -> int:
    page = client.get(f"/p/study/?q={query}").text
    return int(re.search(r'class="number">(\d+) item', page)[1])

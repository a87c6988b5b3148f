"""Similar items and pairs that may be the same: proposed, judged by people, not shown again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from annotate.jobs.likening import liken_some
from annotate.models import Item, Likeness, Project, SameItemJudgement, Scope
from annotate.services import people, projects, tokens
from annotate.services.label_index import labels_of
from annotate.services.similar import Sign, similar_to
from annotate.services.suggestions import Suggestion, suggestions
from annotate.wiring import Wiring
from tests.search.test_likeness import ARABIC, CHINESE, ENGLISH

FIRST = "https://example.org/post/1"
COPY = "https://copy.example/repost"
PHONE = "https://m.example.org/post/1?utm_source=feed"
OTHER = "https://example.org/post/2"
PAGES = {
    FIRST: f"<title>first</title><p>{CHINESE}</p>",
    COPY: f"<title>copy</title><p>转发：{CHINESE}</p>",
    PHONE: f"<title>phone</title><p>{ENGLISH}</p>",
    OTHER: f"<title>other</title><p>{ARABIC}</p>",
}
Client = Callable[[str], FlaskClient]


@pytest.fixture
def ids(wiring: Wiring, project: Project, capture: Callable) -> dict[str, str]:
    capture(PAGES)
    while liken_some(wiring, 3):
        pass
    with wiring.database.read() as session:
        return {item.address: item.id for item in session.scalars(select(Item))}


def pairs(wiring: Wiring) -> list[Suggestion]:
    with wiring.database.read() as session:
        return suggestions(session, projects.find_project(session, "study"))


def test_what_looks_alike_is_named_on_the_item_and_found_by_a_search(
    ids: dict[str, str], sign_in: Client
) -> None:
    viewer = sign_in("viewer")
    page = viewer.get(f"/p/study/items/{ids[FIRST]}").text
    card = page[page.index('id="similar"') :]
    assert ids[COPY] in card
    assert "The text is nearly the same (" in card
    assert ids[OTHER] not in card
    for name in (ids[FIRST], f'"{FIRST}"'):
        found = viewer.get("/p/study/items.json", query_string={"q": f"similar:{name}"}).json
        assert [one["address"] for one in found["items"]] == [COPY]
    wrong = viewer.get("/p/study/", query_string={"q": "similar:nothing"})
    assert wrong.status_code == 400
    assert "no item" in wrong.text


def test_pairs_are_proposed_with_what_speaks_for_them(
    wiring: Wiring, ids: dict[str, str], sign_in: Client
) -> None:
    found = {(one.item_id, one.other_id): one.signs for one in pairs(wiring)}
    assert found == {
        (ids[COPY], ids[FIRST]): (Sign.TEXT,),
        (ids[PHONE], ids[FIRST]): (Sign.ADDRESS,),
    }
    page = sign_in("viewer").get("/p/study/same").text
    assert "2 pairs to judge" in page
    assert "The addresses differ only in how one came to the page." in page
    assert 'name="judgement"' not in page, "a viewer looks"


def test_a_judged_pair_is_not_shown_again_until_that_is_taken_back(
    wiring: Wiring, ids: dict[str, str], sign_in: Client
) -> None:
    coder = sign_in("coder")
    for word in ("same", "not same", "unsure"):
        form = {"item": ids[COPY], "other": ids[FIRST], "judgement": word, "reason": "same photo"}
        assert send(coder, "/p/study/same", "/p/study/same", **form).status_code == 302
        assert [one.item_id for one in pairs(wiring)] == [ids[PHONE]]
        with wiring.database.read() as session:
            judged = session.scalars(
                select(SameItemJudgement).where(SameItemJudgement.undone_at.is_(None))
            ).one()
            assert (judged.judgement.value, judged.reason) == (word, "same photo")
            copy = session.get_one(Item, ids[COPY])
            assert copy.same_as_id == (ids[FIRST] if word == "same" else None)
        send(coder, "/p/study/same", f"/p/study/same/{judged.id}/undo")
        assert len(pairs(wiring)) == 2


def test_nothing_is_judged_by_itself(wiring: Wiring, ids: dict[str, str], sign_in: Client) -> None:
    sign_in("owner").get("/p/study/same")
    with wiring.database.read() as session:
        assert session.scalars(select(SameItemJudgement)).all() == []
        assert not any(item.same_as_id for item in session.scalars(select(Item)))


def test_who_may_not_judge_is_refused_and_a_wrong_word_told(
    ids: dict[str, str], sign_in: Client
) -> None:
    form = {"item": ids[COPY], "other": ids[FIRST], "judgement": "same"}
    assert send(sign_in("viewer"), "/me", "/p/study/same", **form).status_code == 403
    coder = sign_in("coder")
    assert send(coder, "/me", "/p/study/same", **form | {"judgement": "yes"}).status_code == 400
    assert sign_in("stranger").get("/p/study/same").status_code == 404


def test_pictures_count_unless_they_are_the_sites_own(
    wiring: Wiring, project: Project, ids: dict[str, str]
) -> None:
    def pictured(hashes: dict[str, str]) -> list[tuple[str, str]]:
        with wiring.database.engine.begin() as connection:
            for url, value in hashes.items():
                capture = select(Item.latest_capture_id).where(Item.id == ids[url])
                connection.execute(
                    Likeness.__table__.update()
                    .where(Likeness.capture_id == capture.scalar_subquery())
                    .values(image=value)
                )
        labels_of_project_are_read_anew(wiring)
        return [(one.item_id, one.other_id) for one in pairs(wiring) if Sign.IMAGE in one.signs]

    assert pictured({FIRST: "00ff00ff00ff00ff", OTHER: "00ff00ff00ff00fd"}) == [
        (ids[OTHER], ids[FIRST])
    ]
    assert pictured({OTHER: "00ff00ff00ffffff"}) == []


def labels_of_project_are_read_anew(wiring: Wiring) -> None:
    from annotate.services import label_index

    label_index._indexes.clear()


def test_what_a_capture_looks_like_is_worked_out_once_and_again_when_its_text_changes(
    wiring: Wiring, ids: dict[str, str]
) -> None:
    assert liken_some(wiring) == 0
    with wiring.database.engine.begin() as connection:
        connection.execute(delete(Likeness).where(Likeness.words != b""))
    assert liken_some(wiring) == len(ids)
    with wiring.database.engine.begin() as connection:
        connection.execute(Likeness.__table__.update().values(text_sha256="0" * 64))
    assert liken_some(wiring) == len(ids)


def test_an_item_with_no_likeness_yet_has_no_similar_ones(
    wiring: Wiring, project: Project, capture: Callable
) -> None:
    capture(PAGES)
    with wiring.database.read() as session:
        item = session.scalars(select(Item)).first()
        assert similar_to(session, labels_of(session, project.id), item) == []
    assert [one.signs for one in pairs(wiring)] == [(Sign.ADDRESS,)]


def test_programs_ask_and_judge_too(wiring: Wiring, ids: dict[str, str], app) -> None:
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "coder"))
        held = projects.find_project(session, "study")
        _row, secret = tokens.make_token(
            session, actor, held, name="t", scopes=[Scope.READ, Scope.WRITE], days=1
        )
    client = app.test_client()
    head = {"Authorization": f"Bearer {secret}"}
    base = "/api/v1/projects/study"
    assert client.get(f"{base}/same", headers=head).json["total"] == 2
    alike = client.get(f"{base}/items/{ids[FIRST]}/similar", headers=head).json["items"]
    assert [one["id"] for one in alike] == [ids[COPY]]
    said = {"other": ids[FIRST], "judgement": "not same"}
    made = client.post(f"{base}/items/{ids[COPY]}/judgements", json=said, headers=head)
    assert made.status_code == 200, made.text
    assert client.get(f"{base}/same", headers=head).json["total"] == 1
    client.post(f"{base}/judgements/{made.json['id']}/undo", json={}, headers=head)
    assert client.get(f"{base}/same", headers=head).json["total"] == 2

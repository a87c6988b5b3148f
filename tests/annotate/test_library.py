"""The library through its pages: what is found, how it divides, and the address that says so."""

from __future__ import annotations

import csv
import html
import io
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import pytest
from conftest import PASSWORD, capture_pages, make_project, send
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.app import create_app
from annotate.jobs.indexing import index_now
from annotate.models import Item, Judgement, NoteKind, Project, ValueSource
from annotate.services import facets, fields, library, notes, people, sameness, tags
from annotate.services.label_index import labels_of
from annotate.services.zones import parse_zone
from annotate.wiring import Wiring, make_home
from config import Config
from search.query import parse_query
from search.whoosh_engine import WhooshEngine

Browser = Callable[[str], FlaskClient]
Capture = Callable[[dict[str, str]], None]
LIBRARY = "/p/study/"
BASE = "http://site.example/"
PAGES = {
    f"{BASE}zh": "<html lang=zh><title>官方</title><p>走进喀什的棉花地。强迫劳动",
    f"{BASE}ar": "<html lang=ar><title>القُطْن</title><p>القُطْنُ في كاشغر كثير جدا",
    f"{BASE}ug": "<title>پاختا</title><p>قەشقەردىكى پاختا ئېتىزى ۋە ئۆيلەر",
    f"{BASE}ru": "<title>Хлопок</title><p>Поля хлопка около Кашгара: «лагеря труда» и поля",
    f"{BASE}en": "<title>Cotton</title><p>State-of-the-art cotton fields; U.S. brands' forced labour (50%).",
    f"{BASE}mixed": "<title>Mixed 混合</title><p>Kashgar喀什 كاشغر cotton",
    f"{BASE}twin": "<title>Cotton twin</title><p>cotton again, the same post",
    "http://other.example/x": "<title>Rail</title><p>High-speed rail arrives in the north today",
}
POSTED = {
    "zh": "2020-05-31T23:30:00+08:00", "ar": "2020-05-31T23:30:00-05:00", "ug": "2020-06-01",
    "ru": "2020-06-01T00:30:00+00:00", "en": "2020-07-15T12:00:00+00:00",
}  # fmt: skip


def prepare(wiring: Wiring, project: Project, carry_out: Capture) -> dict[str, str]:
    """Eight items with fields, a tag, a note, and a pair judged the same; ids by last part."""
    carry_out(PAGES)
    with wiring.database.write() as session:
        found = {item.address.rpartition("/")[2]: item for item in session.scalars(select(Item))}
        owner = people.actor_of(people.find_user(session, "owner"))
        defined = {one.key: one for one in fields.fields_of(session, project.id)}
        for key, posted in POSTED.items():
            fields.set_values(
                session, owner, project, found[key],
                {defined["posted_at"]: [posted], defined["platform"]: ["tube" if key == "zh" else "chirp"],
                 defined["promotes"]: ["one", "two"] if key == "ar" else ["one"]},
                source=ValueSource.LIST,
            )  # fmt: skip
        tags.add_tag(session, owner, project, found["twin"], "Food")
        tags.add_tag(session, owner, project, found["ru"], "Food")
        notes.add_note(session, owner, project, found["x"], NoteKind.REMARK, "seen beside tomatoes")
        sameness.judge(session, owner, project, found["twin"], found["en"], Judgement.SAME)
    index_now(wiring)
    return {key: item.id for key, item in found.items()}


@dataclass
class World:
    """A home that tests only read."""

    wiring: Wiring
    project: Project
    ids: dict[str, str]
    client: FlaskClient


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    wiring = make_home(
        Config().replaced({"home": tmp_path_factory.mktemp("world") / "home", "host_delay": 0})
    )
    project = make_project(wiring)
    ids = prepare(wiring, project, lambda pages: capture_pages(wiring, project, pages))
    app = create_app(wiring)
    app.config["RATELIMIT_ENABLED"] = False
    client = app.test_client()
    assert send(client, "/sign-in", "/sign-in", login="coder", password=PASSWORD).status_code == 302
    yield World(wiring, project, ids, client)
    wiring.database.close()


@pytest.fixture
def client(world: World) -> FlaskClient:
    return world.client


@pytest.fixture
def ids(capture: Capture, wiring: Wiring, project: Project) -> dict[str, str]:
    return prepare(wiring, project, capture)


@pytest.fixture
def writer(sign_in: Browser, ids: dict[str, str]) -> FlaskClient:
    return sign_in("coder")


def found(client: FlaskClient, query: str, **more: str) -> set[str]:
    answer = client.get(f"{LIBRARY}items.json", query_string={"q": query, **more})
    assert answer.status_code == 200, answer.text
    return {item["address"].rpartition("/")[2] for item in answer.json["items"]}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("棉", "zh"), ("喀", "zh mixed"), ("强迫劳动", "zh"), ("القطن", "ar"), ("القُطْن", "ar"),
        ("پاختا", "ug"), ('"state-of-the-art cotton"', "en"), ('"U.S. brands\' forced"', "en"),
        ('"fields; U.S."', "en"), ('"лагеря труда"', "ru"), ("喀什 كاشغر kashgar", "mixed"),
        ("喀什 OR كاشغر", "zh ar mixed"), ("title:القطن", "ar"), ("note:tomatoes", "x"), ("tomatoes", "x"),
        ("platform:tube", "zh"), ("promotes:@two", "ar"), ("promotes:one -promotes:two", "zh ug ru en"),
        ("platform:none", "mixed x"), ("tag:food", "ru en"), ("is:untagged", "zh ar ug mixed x"),
        ("site:other.example", "x"), ("url:/Zh", "zh"), ("cotton", "en mixed"), ("is:noted", "x"),
        ("lang:ug", "ug"), ("is:same", "twin"), ("text:(cotton -again)", "mixed"),
    ],
)  # fmt: skip
def test_what_people_type(client: FlaskClient, query: str, wanted: str) -> None:
    assert found(client, query) == set(wanted.split())


@pytest.mark.parametrize(
    ("zone", "query", "wanted"),
    [
        ("UTC", "before:2020-05-31", "zh"), ("UTC", "after:2020-06-01 before:2020-06-01", "ar ug ru"),
        ("UTC-05:00", "month:2020-05", "zh ar ru"), ("Asia/Urumqi", "month:2020-05", "zh"),
        ("UTC", "month:none", "mixed x"), ("UTC", "after:2020-07", "en"),
    ],
)  # fmt: skip
def test_dates_are_days_of_the_zone(
    client: FlaskClient, zone: str, query: str, wanted: str
) -> None:
    assert found(client, query, zone=zone) == set(wanted.split())


def links(page: str) -> Iterator[tuple[str, int]]:
    for target, number in re.findall(
        r'<li><a href="([^"]+)"[^>]*>(?:(?!</li>).)*</a><span class="n">(\d+)</span>', page
    ):
        yield html.unescape(target), int(number)


def total(page: str) -> int:
    match = re.search(r"<strong class=\"number\">(\d+) item", page)
    assert match is not None
    return int(match[1])


@pytest.mark.parametrize(
    "query", ["", "cotton OR 喀什", "tag:food", "platform:chirp after:2020-06"]
)
def test_every_number_of_a_facet_opens_a_list_of_that_many_rows(
    client: FlaskClient, query: str
) -> None:
    page = client.get(LIBRARY, query_string={"q": query}).text
    followed = 0
    for target, number in links(page):
        assert total(client.get(target).text) == number, target
        followed += 1
    assert followed >= 5


def test_those_with_a_value_and_those_without_sum_to_the_total(
    world: World,
) -> None:
    engine, zone = WhooshEngine(world.wiring.index), parse_zone("UTC")
    with world.wiring.database.read() as session:
        page = library.search_items(session, world.project, "", engine, zone)
    keys = {facet.key for facet in page.facets}
    assert {"outcome", "tag", "is", "month", "platform", "promotes", "lang", "site"} <= keys
    for facet in page.facets:
        missing = facet.without.number if facet.without else 0
        assert facet.having + missing == page.total == 7, facet
        listed = sum(value.number for value in facet.values)
        assert listed == facet.having or facet.several, facet
    engine.close()


def test_a_facet_that_takes_too_long_says_so_and_can_be_opened(world: World) -> None:
    ticks = iter(range(10_000))
    project = world.project
    with world.wiring.database.read() as session:
        labels = labels_of(session, project.id)
        asked = facets.Asked(sorted(world.ids.values()), "", parse_query(""), frozenset({"site"}))
        made = facets.facets_of(
            labels, project, fields.fields_of(session, project.id), parse_zone("UTC"), asked,
            clock=lambda: float(next(ticks)),
        )  # fmt: skip
    told = {facet.key: facet.ran_out for facet in made}
    assert told.pop("site") is False
    assert all(told.values())


def test_a_facet_link_goes_in_and_out(client: FlaskClient) -> None:
    page = client.get(
        LIBRARY, query_string={"q": "cotton OR 喀什", "zone": "UTC", "sort": "address"}
    ).text
    target = next(link for link, _n in links(page) if "platform" in link and "tube" in link)
    inside = client.get(target).text
    assert total(inside) == 1
    back = re.search(r'<li class="active"><a href="([^"]+)"', inside)
    assert back is not None
    again = client.get(html.unescape(back[1])).text
    assert total(again) == total(page)
    assert "sort=address" in back[1]


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("posted-oldest", ["zh", "ug", "ru", "ar", "en"]), ("posted-newest", ["en", "ar", "ru", "ug", "zh"]),
        ("address", ["x", "ar", "en", "mixed"]),
    ],
)  # fmt: skip
def test_sorting_puts_what_has_no_value_last(
    client: FlaskClient, sort: str, first: list[str]
) -> None:
    answer = client.get(f"{LIBRARY}items.json", query_string={"sort": sort})
    order = [item["address"].rpartition("/")[2] for item in answer.json["items"]]
    assert order[: len(first)] == first


def test_page_json_csv_and_feed_of_one_address_agree(client: FlaskClient) -> None:
    asked = {"q": "cotton OR القطن OR 棉花", "sort": "address"}
    page = client.get(LIBRARY, query_string=asked).text
    rows = re.findall(r'data-row="([^"]+)"', page)
    items = client.get(f"{LIBRARY}items.json", query_string=asked).json["items"]
    table = client.get(f"{LIBRARY}items.csv", query_string=asked).text
    listed = list(csv.DictReader(io.StringIO(table.removeprefix("\ufeff"))))
    feed = client.get(f"{LIBRARY}items.atom", query_string=asked)
    entries = ET.fromstring(feed.data).findall("{http://www.w3.org/2005/Atom}entry")
    names = [entry.findtext("{http://www.w3.org/2005/Atom}id") for entry in entries]
    assert rows == [item["id"] for item in items] == [row["id"] for row in listed]
    assert names == [f"urn:uuid:{one}" for one in rows]
    assert len(rows) == 4
    assert feed.content_type.startswith("application/atom+xml")


def test_an_unchanged_list_is_not_sent_again(
    writer: FlaskClient, wiring: Wiring, project: Project, ids: dict[str, str]
) -> None:
    for name in ("items.json", "items.csv", "items.atom"):
        tag = writer.get(LIBRARY + name).headers["ETag"]
        assert writer.get(LIBRARY + name, headers={"If-None-Match": tag}).status_code == 304
        send(writer, "/me", f"/p/study/items/{ids['zh']}/tags", tag=f"for {name}")
        assert writer.get(LIBRARY + name, headers={"If-None-Match": tag}).status_code == 200


def test_several_captures_are_one_hit_and_unfold(
    writer: FlaskClient, capture: Capture, ids: dict[str, str]
) -> None:
    capture({f"{BASE}zh": "<title>官方</title><p>走进喀什的棉花地, 第二次"})
    page = writer.get(LIBRARY, query_string={"q": "棉花"}).text
    assert total(page) == 1
    assert "2 captures" in page
    assert page.count(f"items/{ids['zh']}?capture=") == 2


def test_marks_in_title_text_and_note(client: FlaskClient) -> None:
    page = client.get(LIBRARY, query_string={"q": "tomatoes"}).text
    assert "In a note:" in page
    assert "<mark>tomatoes</mark>" in page
    arabic = client.get(LIBRARY, query_string={"q": "القطن"}).text
    assert "<bdi><mark>القُطْن</mark></bdi>" in arabic
    assert '<p class="snippet" dir="auto" lang="ar"><mark>القُطْنُ</mark>' in arabic


def test_a_bulk_tag_is_found_at_once(writer: FlaskClient, ids: dict[str, str]) -> None:
    send(writer, LIBRARY, f"{LIBRARY}bulk", q="", all="yes", act="tag", tag="swept")
    assert len(found(writer, "tag:swept")) == 7
    send(writer, LIBRARY, f"{LIBRARY}bulk", item=ids["zh"], act="untag", tag="swept")
    assert len(found(writer, "tag:swept")) == 6


def test_exact_and_more_in_related_forms(client: FlaskClient) -> None:
    page = client.get(LIBRARY, query_string={"q": "field"}).text
    assert total(page) == 0
    assert "1 more in related forms" in page
    wider = client.get(LIBRARY, query_string={"q": "field", "forms": "related"}).text
    assert total(wider) == 1
    assert "<mark>fields</mark>" in wider
    assert found(client, "field", forms="related") == {"en"}
    traditional = client.get(LIBRARY, query_string={"q": "強迫勞動"}).text
    assert "1 more in related forms" in traditional


def test_did_you_mean(client: FlaskClient) -> None:
    page = client.get(LIBRARY, query_string={"q": "kashgra cotton"}).text
    link = re.search(r'Did you mean <a href="([^"]+)"><bdi>kashgar cotton', page)
    assert link is not None
    assert total(client.get(html.unescape(link[1])).text) == 1


def test_a_saved_search_says_what_is_new(
    writer: FlaskClient, capture: Capture, sign_in: Browser
) -> None:
    answer = send(writer, LIBRARY, "/p/study/searches", name="Cotton", q="cotton", sort="oldest")
    saved = answer.headers["Location"]
    assert "0 new since" in writer.get(saved).text
    capture({f"{BASE}late": "<title>Late</title><p>more cotton"})
    page = writer.get(saved).text
    assert "1 new since" in page
    assert total(page) == 3
    only = writer.get(saved + "&new=yes").text
    assert total(only) == 1
    assert "Late" in only
    listed = writer.get("/p/study/searches").text
    assert "<strong>1</strong>" in listed
    seen = re.search(r'action="([^"]+/seen)"', page)
    assert seen is not None
    send(writer, LIBRARY, seen[1])
    assert "0 new since" in writer.get(saved).text
    assert "You have not looked at it yet" in sign_in("viewer").get(saved).text
    again = send(writer, LIBRARY, "/p/study/searches", name="cotton", q="x")
    assert again.status_code == 400
    send(writer, "/p/study/searches", seen[1].replace("/seen", "/remove"))
    assert "None yet." in writer.get("/p/study/searches").text


def test_a_viewer_saves_no_search(sign_in: Browser) -> None:
    viewer = sign_in("viewer")
    assert send(viewer, LIBRARY, "/p/study/searches", name="x", q="x").status_code == 403


def test_finding_within_an_item_goes_from_mark_to_mark(world: World) -> None:
    address = f"/p/study/items/{world.ids['ru']}"
    asked = {"tab": "text", "find": "поля OR кашгара"}
    page = world.client.get(address, query_string=asked).text
    assert re.findall(r'<mark id="mark-(\d)"[^>]*>([^<]+)', page) == [
        ("1", "Поля"), ("2", "Кашгара"), ("3", "поля")
    ]  # fmt: skip
    assert '<mark id="mark-1" class="shown">' in page
    link = re.search(r'id="mark-previous" href="([^"]+)"', page)
    assert link is not None
    last = world.client.get(html.unescape(link[1])).text
    assert '<mark id="mark-3" class="shown">' in last
    none = world.client.get(address, query_string={"tab": "text", "find": "x"}).text
    assert "Not in this text" in none
    assert world.client.get(address, query_string={"tab": "text", "find": '"'}).status_code == 200


def test_a_fault_is_pointed_at(client: FlaskClient) -> None:
    answer = client.get(LIBRARY, query_string={"q": "cotton (rail"})
    assert answer.status_code == 400
    assert "cotton <mark>(</mark>rail" in answer.text


def test_no_address_whatever_breaks_a_page(client: FlaskClient, world: World) -> None:
    """Acceptance 5, over HTTP: parameters of every sort are answered, never with a 500."""
    chance = random.Random(5)
    alphabet = (
        '\x00\x01\t\n"\\()*~:-+@#%&<>\u202e\u200f\u0301\ud7ff😀棉قa0 OR AND NOT tag:lang:before:is:'
    )
    odd = ["", "9" * 4000, "-1", "NaN", "1e9", "\x00", "../../etc/passwd", "UTC+99:99", "é" * 3000]
    names = ["q", "sort", "page", "size", "zone", "more", "find", "saved", "new", "capture", "tab"]
    paths = [
        f"/p/study/items/{world.ids['zh']}",
        LIBRARY,
        f"{LIBRARY}items.json",
        f"{LIBRARY}items.csv",
        f"{LIBRARY}items.atom",
        f"{LIBRARY}results",
    ]
    for number in range(300):
        asked = {
            name: chance.choice(odd) if chance.random() < 0.3
            else "".join(chance.choices(alphabet, k=chance.randint(1, 40)))
            for name in chance.sample(names, 4)
        }  # fmt: skip
        answer = client.get(paths[number % len(paths)], query_string=asked)
        assert answer.status_code in {200, 304, 400, 404}, (asked, answer.status_code)

"""Words of every script, the query language, and the study's 29 queries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from search.analysis import words
from search.documents import ChangeBatch, Document
from search.engine import search
from search.errors import QuerySyntaxError, UnknownFieldError
from search.indexer import catch_up, open_for_writing
from search.language import detect_language
from search.query import Label, Term, parse_query
from search.results import snippet
from search.whoosh_engine import WhooshEngine

TEXTS = {
    "zh": "走进喀什的棉花地：采棉早已机械化",
    "ar": "القُطْن في كاشغر",
    "ug": "قەشقەردە پاختا",
    "ru": "Хлопок в Кашгаре",
    "tr": "Kaşgar'da pamuk",
    "en": "Forced labour? High-speed rail and cotton fields in Kashgar.",
    "th": "ฝ้ายในซินเจียง",
    "ja": "カシュガルの綿花",
}


class Names:
    """Labels of a test: `tag:latin` is the one there is."""

    def everything(self) -> frozenset[str]:
        return frozenset(TEXTS)

    @property
    def same(self) -> dict[str, str]:
        return {}

    def resolve(self, label: Label) -> frozenset[str]:
        if (label.field, label.value) == ("tag", "latin"):
            return frozenset({"tr", "en"})
        raise UnknownFieldError(f"no {label.field}")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[WhooshEngine]:
    made = WhooshEngine(tmp_path / "index")
    documents = [Document(key, "p", "", text, "", "") for key, text in TEXTS.items()]
    made.apply(documents, [], 1)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("棉花", "zh"), ("棉 花", "zh"), ("喀什的棉花", "zh"), ("القطن", "ar"), ("كاشغر", "ar"), ("پاختا", "ug"),
        ("ХЛОПОК", "ru"), ("kaşgar", "tr"), ("ｃｏｔｔｏｎ", "en"), ("high-speed", "en"),
        ('"forced labour"', "en"), ('"labour forced"', ""), ('"fields cotton"~3', "en"),
        ("cott*", "en"), ("coton~1", "en"), ("~field", "en"), ("~kasgar", "tr"), ("field", ""),
        ("cotton OR pamuk", "en tr"), ("tag:latin -cotton", "tr"), ("tag:latin AND cotton", "en"),
        ("NOT tag:latin", "zh ar ug ru th ja"), ("(棉花 OR pamuk) tag:latin", "tr"),
        ("ฝ้าย", "th"), ("カシュ", "ja"), ("title:cotton", ""), ("text:(cotton rail)", "en"),
        ("", "zh ar ug ru tr en th ja"), ("。。。", ""),
    ],
)  # fmt: skip
def test_queries(engine: WhooshEngine, query: str, found: str) -> None:
    hits = search(engine, parse_query(query), Names())
    assert {hit.item_id for hit in hits} == set(found.split())


@pytest.mark.parametrize(
    ("query", "column"),
    [('"open', 1), ("a OR", 3), ("OR a", 1), ("(a b", 1), ("a)", 2), ("a AND AND b", 3), ("x *", 3),
     ("a nonsense:b", 3)],
)  # fmt: skip
def test_faults_point_at_their_column(engine: WhooshEngine, query: str, column: int) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        search(engine, parse_query(query), Names())
    assert caught.value.column == column


def test_the_studys_queries_find_exactly_the_listed_posts(shared: Path, tmp_path: Path) -> None:
    posts = json.loads((shared / "study/posts.json").read_text("utf-8"))
    expected = json.loads((shared / "study/expected.json").read_text("utf-8"))["search"]
    first = [post for post in posts if post["round"] == "first"]
    engine = WhooshEngine(tmp_path / "index")
    engine.apply([Document(p["url"], "p", "", p["text"], "", "") for p in first], [], 1)

    class All(Names):
        def everything(self) -> frozenset[str]:
            return frozenset(post["url"] for post in first)

    assert len(expected) == 29
    for one in expected:
        hits = search(engine, parse_query(one["query"]), All())
        assert sorted(hit.item_id for hit in hits) == sorted(one["matches"]), one["query"]
    assert all(detect_language(post["text"]) == post["lang"] for post in posts)


def test_harakat_tatweel_and_joiners_do_not_matter() -> None:
    assert words("القُطْنـــ") == words("القطن")
    assert words("می\u200cخواهم") == words("میخواهم")


def test_a_snippet_marks_the_phrase_and_not_its_parts() -> None:
    made = snippet(TEXTS["zh"], parse_query("棉花"))
    assert [text for text, found in made.parts if found] == ["棉花"]


class Feed:
    """A feed of two changes."""

    def head(self) -> int:
        return 2

    def changed_since(self, position: int, limit: int) -> ChangeBatch:
        return ChangeBatch(2, tuple(key for at, key in ((1, "a"), (2, "b")) if at > position))

    def documents(self, item_ids: Sequence[str]) -> list[Document]:
        return [Document("a", "p", "", "cotton", "", "")] if "a" in item_ids else []


def test_the_index_takes_up_where_it_stands_and_heals(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    engine = open_for_writing(folder, Feed())
    assert catch_up(engine, Feed()) == 2
    assert catch_up(engine, Feed()) == 0
    engine.close()
    for path in folder.rglob("*.hfx"):
        path.unlink()
    assert not engine.find(Term("cotton")).whole
    engine = open_for_writing(folder, Feed())
    assert set(engine.find(Term("cotton")).scores) == {"a"}
    assert engine.health().generation == 2
    engine.close()

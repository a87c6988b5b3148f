"""What a page shows beside its hits: related forms counted, spelling offered, costs refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from search.documents import Document
from search.engine import answer, count_related, did_you_mean
from search.errors import QuerySyntaxError, UnknownFieldError
from search.query import Label, any_words, parse_query
from search.whoosh_engine import WhooshEngine

TEXTS = {
    "1": "The factory stands in Kashgar",
    "2": "Two factories in Kaşgar",
    "3": "cotton fields and more cotton",
    "4": "a secret cottage",
}


class Some:
    """Labels that let only some items be seen."""

    def __init__(self, *seen: str) -> None:
        self.seen = frozenset(seen or TEXTS)

    def everything(self) -> frozenset[str]:
        return self.seen

    @property
    def same(self) -> dict[str, str]:
        return {}

    def resolve(self, label: Label) -> frozenset[str]:
        raise UnknownFieldError(f"no {label.field}")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[WhooshEngine]:
    made = WhooshEngine(tmp_path / "index")
    made.apply([Document(key, "p", "", text, "", "") for key, text in TEXTS.items()], [], 1)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("query", "exact", "more"),
    [("factory", 1, 1), ("factories", 1, 1), ("kashgar OR kasgar", 1, 1), ("cotton", 1, 0),
     ('"factory stand"', 0, 1), ("cott*", 2, 0), ("~factory", 2, 0)],
)  # fmt: skip
def test_related_forms_are_counted_beside_the_exact(
    engine: WhooshEngine, query: str, exact: int, more: int
) -> None:
    counts = count_related(engine, parse_query(query), Some())
    assert (counts.exact, counts.more) == (exact, more)


@pytest.mark.parametrize(
    ("typed", "better"),
    [
        ("coton", "cotton"),
        ("factry -cotton", "factory -cotton"),
        ("cotton", None),
        ("qqqqqq", None),
    ],
)
def test_a_misspelt_word_is_put_right(engine: WhooshEngine, typed: str, better: str | None) -> None:
    assert did_you_mean(engine, typed, parse_query(typed), Some()) == better


def test_no_word_is_offered_from_items_a_person_may_not_see(engine: WhooshEngine) -> None:
    assert did_you_mean(engine, "cottge", parse_query("cottge"), Some("1", "2")) is None
    assert did_you_mean(engine, "cottge", parse_query("cottge"), Some("4")) == "cottage"


@pytest.mark.parametrize(
    ("query", "column"),
    [("a " * 201, 401), ("a* " * 21, 61), ("-" * 60 + "a", 51), ("(" * 60 + "a" + ")" * 60, 51),
     ("NOT " * 60 + "a", 201), ("x c*tton", 4), ("*cotton", 1), ("title:a*b", 8)],
)  # fmt: skip
def test_a_query_that_asks_too_much_is_refused_where_it_does(query: str, column: int) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse_query(query)
    assert caught.value.column == column


def test_any_words_of_a_text_rank_its_like_first(engine: WhooshEngine) -> None:
    hits = answer(engine, any_words("fields of cotton"), Some()).hits
    assert hits[0].item_id == "3"
    assert [leaf.text for leaf in any_words("棉花 x 田").parts] == ["棉花", "x", "田"]  # type: ignore[union-attr]


def test_a_dash_between_words_asks_for_nothing(engine: WhooshEngine) -> None:
    assert [hit.item_id for hit in answer(engine, parse_query("cotton – fields"), Some()).hits] == [
        "3"
    ]

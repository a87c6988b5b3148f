"""Random and hostile queries: each is answered or refused with a reason, none costs over 2 s."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from annotate.jobs.indexing import index_now
from annotate.wiring import Wiring
from search.documents import Document
from search.engine import answer, count_related, did_you_mean
from search.errors import QuerySyntaxError, UnknownFieldError
from search.query import Label, parse_query
from search.whoosh_engine import WhooshEngine
from tests.search.contract import some_documents

QUERIES = 1000 if os.environ.get("HOLDFAST_BOUNDED") else 10_000
SECONDS = 2.0  # of processor time: the machine may be busy with something else
PIECES = (
    *'()"*~:-\\/?%&#[]{}^|<>=+@!.,;\'`', "AND", "OR", "NOT", "~1", "~2", "~99", '"~5', "title:", "text:",
    "note:", "tag:", "after:", "before:", "captured:", "lang:", "is:", "site:", "url:", "nosuch:", "author:", "*",
    "a*", "c*", "棉*", "cott*", "coton~1", "~factory", "~棉花", "cotton", "Kaşgar", "棉花", "喀什", "القطن", "پاختا",
    "хлопок", "サ", "서울", "\x00", "\x1f", "\u202e", "\u200b", "\ufeff", "\ud7ff", "\U0010ffff", "e\u0301" * 30,
    "（", "）", "＊", "“", "„", "2020-13-45", "9999-99", "..", "0" * 50, "a" * 300, "((((((", "))))", "-" * 70,
    "NOT " * 60, "(a OR " * 40, '"a b c d e f g h"~9', '"a a a a"~3', "' OR 1=1 --", "<script>", "{{7*7}}", "%00",
    "x" * 1999, "a OR " * 150 + "a", "-a " * 150, "* " * 30, "a* " * 20, "b~2 " * 20, "(?:a+)+$", "\n\n\t",
)  # fmt: skip


def hostile(chance: random.Random) -> str:
    """Make one query: pieces of the language and of none, put together anyhow."""
    kind = chance.random()
    if kind < 0.15:
        return "".join(chr(chance.choice((chance.randrange(32, 127), chance.randrange(0x10000, 0x10FFFF), chance.randrange(0xD7FF))))
                       for _ in range(chance.randint(1, 120)))  # fmt: skip
    joint = chance.choice(("", " ", " ", "  "))
    return joint.join(chance.choices(PIECES, k=chance.randint(1, 14)))


class Some:
    def __init__(self, ids: frozenset[str]) -> None:
        self.ids = ids

    def everything(self) -> frozenset[str]:
        return self.ids

    @property
    def same(self) -> dict[str, str]:
        return {}

    def resolve(self, label: Label) -> frozenset[str]:
        if label.field == "nosuch":
            raise UnknownFieldError("There is no field 'nosuch'")
        return frozenset(one for one in self.ids if one.endswith("7"))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WhooshEngine]:
    made = WhooshEngine(tmp_path_factory.mktemp("bombs") / "index")
    chance = random.Random(1)
    documents = some_documents(chance, 3000)
    rare = [Document(f"r{at}", "p", "", f"a{chance.randrange(16**9):x} b{chance.randrange(16**9):x} " * 20, "", "", "en")
            for at in range(3000)]  # fmt: skip
    made.apply([*documents, *rare], [], 1)
    yield made
    made.close()


def fire(engine: WhooshEngine, seed: int, count: int) -> None:
    chance = random.Random(seed)
    labels = Some(frozenset(f"{number:03d}" for number in range(3000)))
    for _ in range(count):
        query = hostile(chance)
        began = time.thread_time()
        try:
            tree = parse_query(query)
            found = answer(engine, tree, labels)
        except QuerySyntaxError as error:
            assert error.message
            assert 1 <= error.column <= len(query) + 1, query
            assert time.thread_time() - began < SECONDS + 0.5, query[:200]
            continue
        assert found.whole
        assert all(hit.item_id in labels.ids for hit in found.hits)
        assert time.thread_time() - began < SECONDS + 0.5, query[:200]


def test_a_sample_of_hostile_queries_is_answered_or_refused(engine: WhooshEngine) -> None:
    fire(engine, 1, 150)


@pytest.mark.slow
def test_10000_hostile_queries_are_answered_or_refused(engine: WhooshEngine) -> None:
    fire(engine, 2, QUERIES)


@pytest.mark.parametrize(
    "query", ["a*", "b*", "ab~2 cd~2 ef~2", "a* b* OR a* OR b*", "a" * 40 + "~2"]
)
def test_a_wildcard_over_very_many_words_stays_cheap_and_exact(
    engine: WhooshEngine, query: str
) -> None:
    everything = Some(frozenset(f"r{number}" for number in range(3000)))
    began = time.thread_time()
    found = answer(engine, parse_query(query), everything)
    assert time.thread_time() - began < SECONDS
    if query == "a*":
        assert len(found.hits) == 3000


def test_spelling_and_related_counts_of_hostile_queries_stay_cheap(engine: WhooshEngine) -> None:
    chance, labels = random.Random(4), Some(frozenset({"001"}))
    for _ in range(60):
        query = hostile(chance)
        try:
            tree = parse_query(query)
            count_related(engine, tree, labels)
            did_you_mean(engine, query, tree, labels)
        except QuerySyntaxError:
            continue


def over_http(client: FlaskClient, seed: int, count: int) -> None:
    chance = random.Random(seed)
    for _ in range(count):
        query = hostile(chance)
        began = time.thread_time()
        found = client.get("/p/study/", query_string={"q": query})
        assert found.status_code in {200, 400}, (found.status_code, query[:300])
        assert time.thread_time() - began < 2 * SECONDS, query[:200]


PAGES = {
    f"https://example.org/{at}": f"<title>棉花 {at}</title><p>cotton factory القطن {at}"
    for at in range(6)
}


def test_hostile_queries_over_http_never_fail(
    sign_in: Callable[[str], FlaskClient], capture: Callable[[dict[str, str]], None]
) -> None:
    capture(PAGES)
    over_http(sign_in("viewer"), 6, 40)


@pytest.mark.slow
def test_many_hostile_queries_over_http_never_fail(
    sign_in: Callable[[str], FlaskClient], capture: Callable[[dict[str, str]], None]
) -> None:
    capture(PAGES)
    over_http(sign_in("viewer"), 7, QUERIES // 10)


def test_a_damaged_index_loses_no_page(
    wiring: Wiring, sign_in: Callable[[str], FlaskClient], capture: Callable[[dict[str, str]], None]
) -> None:
    capture(PAGES)
    client = sign_in("viewer")
    for path in wiring.index.rglob("*.hfx"):
        path.write_bytes(b"rubbish" * 100)
    for query in ("cotton", "~factory", "cot*", '"cotton factory"', "", "lang:en", "cottn"):
        found = client.get("/p/study/", query_string={"q": query})
        assert found.status_code == 200, query
    assert "being made again" in client.get("/p/study/?q=cotton").text
    index_now(wiring)
    healed = client.get("/p/study/?q=cotton").text
    assert "being made again" not in healed


def test_a_missing_index_is_said(
    wiring: Wiring, sign_in: Callable[[str], FlaskClient], tmp_path: Path
) -> None:
    found = sign_in("viewer").get("/p/study/?q=cotton")
    assert found.status_code == 200
    assert "index is being made" in found.text

"""Hostile queries through the door people use: the library and its other forms never answer 500.

Whole: 1,200 queries. With HOLDFAST_BOUNDED: 150 of them.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.annotate.conftest import _empty_home, app, capture, project, sign_in, wiring
from tests.hostile.test_search_bombs import SECONDS, hostile

__all__ = ["_empty_home", "app", "capture", "project", "sign_in", "wiring"]
QUERIES = 150 if os.environ.get("HOLDFAST_BOUNDED") else 1200
FORMS = ("", "items.json", "items.csv", "items.atom")
PAGES = {
    f"https://example.org/{at}": f"<title>{word} {at}</title><p>{word} cotton factories {at}"
    for at, word in enumerate(
        ("棉花", "القطن", "پاختا", "хлопок", "サッカー", "서울에서", "Kaşgar")
    )
}


def fire(client: FlaskClient, seed: int, count: int) -> dict[int, int]:
    chance = random.Random(seed)
    answered: dict[int, int] = {}
    for number in range(count):
        query = hostile(chance)
        asked = {"q": query}
        if number % 3 == 0:
            asked |= {"forms": "related", "sort": chance.choice(["best", "newest", "nosuch", ""])}
        if number % 7 == 0:
            asked |= {"page": chance.choice(["0", "-1", "x", "9" * 30]), "zone": "No/Where"}
        began = time.thread_time()
        answer = client.get(f"/p/study/{FORMS[number % 4]}", query_string=asked)
        spent = time.thread_time() - began
        assert answer.status_code in {200, 400}, (answer.status_code, asked)
        assert spent < SECONDS, (spent, asked)
        answered[answer.status_code] = answered.get(answer.status_code, 0) + 1
    return answered


@pytest.fixture
def client(
    capture: Callable[[dict[str, str]], None], sign_in: Callable[[str], FlaskClient]
) -> FlaskClient:
    capture(PAGES)
    return sign_in("viewer")


def test_a_few_hostile_queries_are_answered_or_refused(client: FlaskClient) -> None:
    assert fire(client, 5, 25)


@pytest.mark.slow
def test_1200_hostile_queries_are_answered_or_refused(client: FlaskClient) -> None:
    answered = fire(client, 6, QUERIES)
    assert answered[200] > QUERIES / 10, "some of them are good queries"
    assert answered[400] > QUERIES / 10, "and most are not"


@pytest.mark.parametrize("form", FORMS)
def test_what_is_wrong_is_said_in_each_form(client: FlaskClient, form: str) -> None:
    answer = client.get(f"/p/study/{form}", query_string={"q": '(cotton AND "kash'})
    assert answer.status_code == 400
    assert "at character" in answer.text or "column" in answer.text, answer.text[:500]

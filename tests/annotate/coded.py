"""A codebook and a blind round, made through the pages, for the tests that code."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.models import (
    Assignment,
    User,
)
from annotate.wiring import Wiring

Browser = Callable[[str], FlaskClient]
BASE = "https://example.org/"
PAGES = {
    f"{BASE}{n}": f"<html lang=zh><title>Post {n}</title><p>新疆棉花 {n} القطن cotton harvest</p></html>"
    for n in range(1, 7)
}
BOOK = (
    "variable,variable_label,type,only_if,missing,code,code_label,keystroke,evidence_required\r\n"
    "include,Does it count?,boolean,,cannot assess; unclear,,,,\r\n"
    "frame,النبرة 框架,nominal,include=yes,unclear,food,Food,f,yes\r\n"
    "frame,,,,,denial,Denial,d,\r\n"
    "strength,How strong?,ordinal,include=yes,unclear,weak,Weak,1,\r\n"
    "strength,,,,,strong,Strong,2,\r\n"
)


def open_round(owner: FlaskClient, wiring: Wiring, book: str, **other: object) -> str:
    with wiring.database.read() as session:
        people = {one.login: one.id for one in session.scalars(select(User))}
    form = {
        "name": "Round", "codebook": book.rsplit("/", 1)[1], "q": "is:captured", "size": "0",
        "seed": "7", "coders_per_unit": "2", "coder": [people["coder"], people["manager"]],
    }  # fmt: skip
    made = send(owner, "/p/study/rounds", "/p/study/rounds", **(form | other))
    assert made.status_code == 302, made.text
    return made.location


def units(wiring: Wiring, login: str) -> list[str]:
    with wiring.database.read() as session:
        return [
            f"/p/study/coding/unit/{one}"
            for one in session.scalars(
                select(Assignment.id)
                .join(User, User.id == Assignment.coder_id)
                .where(User.login == login)
                .order_by(Assignment.item_id)
            )
        ]


def answer(client: FlaskClient, unit: str, **values: object):
    token = re.search(r'name="version" value="(\d+)"', client.get(unit).text)
    form = {"version": token[1], "seconds": "5"} | {
        name.replace("_", ".", 1): value for name, value in values.items()
    }
    return send(client, unit, unit, **form)


@pytest.fixture
def book(sign_in: Browser, capture: Callable) -> str:
    """A frozen codebook over six captured items; return the address of its page."""
    capture(PAGES)
    owner = sign_in("owner")
    page = "/p/study/codebooks"
    made = send(owner, page, page, name="Frames", file=(io.BytesIO(BOOK.encode()), "b.csv"))
    assert made.status_code == 302, made.text
    here = made.location
    assert send(owner, here, f"{here}/freeze").status_code == 302
    return here


@pytest.fixture
def round_page(sign_in: Browser, book: str, wiring: Wiring) -> str:
    """An open blind round of coder and manager over the six items."""
    return open_round(sign_in("owner"), wiring, book)

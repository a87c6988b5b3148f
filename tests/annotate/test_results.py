"""Every number of the results opens a list of that many rows, whatever the values are."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.instrument import table
from annotate.instrument.answers import Given
from annotate.models import Assignment, Item, Judgement, Project, ValueSource
from annotate.services import (
    adjudication,
    codebooks,
    coded,
    coding,
    fields,
    people,
    rounds,
    sameness,
)
from annotate.services.counted_tables import count
from annotate.services.zones import parse_zone
from annotate.wiring import Wiring

Browser = Callable[[str], FlaskClient]
Capture = Callable[[dict[str, str]], None]
BASE = "https://site.example/"
COUNTED = {
    "author": ["alpha"],
    "author_state_controlled": ["yes"],
    "promotes": ["one"],
    "posted_at": ["2020-05-05T10:00:00+00:00"],
    "platform": ["chirp"],
    "language": ["zh"],
    "narrative": ["food"],
}
ITEMS: dict[str, dict[str, list[str]]] = {
    "plain": {},
    "part": {"narrative": ["food/price"]},
    "none": {"narrative": ["none"], "platform": ["none"], "author": ["none"], "promotes": ["none"]},
    "unknown": {"author": ["unknown"], "promotes": ["unknown"], "narrative": ["unknown"]},
    "star": {"narrative": ["foo*"], "author": ["alp*"], "promotes": ["*"]},
    "several": {"promotes": ["one", "two", "three"]},
    "slashed": {"narrative": ["food/"]},
    "wide": {"narrative": ["人权（新疆）"], "author": ["新华社（英文）"], "platform": ["«Чирик»"]},
    "curly": {"narrative": ["he said “no”"], "promotes": ["a\\b", "„c“"]},
    "ascii": {"narrative": ['he said "no"'], "platform": ["chirp (old)"]},
    "june": {"posted_at": ["2020-06-20"], "platform": ["tube"], "language": ["ar"]},
}  # fmt: skip
# Addresses that show the same as "plain", with a list's values of their own.
VARIANT = {
    "posted_at": ["2020-06-09T10:00:00+00:00"], "platform": ["tube"], "language": ["ar"],
    "narrative": ["food/price"], "author": ["unknown"], "promotes": ["two"],
}  # fmt: skip
PAGE = "<html lang=zh><title>t</title><meta name=author content='@{author}'><p>@{named} {words}"


@pytest.fixture
def study(wiring: Wiring, project: Project, capture: Capture) -> Project:
    pages = {
        f"{BASE}{name}": PAGE.format(author="alpha", named="one", words=name)
        for name in (*ITEMS, "variant")
    }
    capture(pages)
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        defined = {one.key: one for one in fields.fields_of(session, project.id)}
        found = {item.address.rpartition("/")[2]: item for item in session.scalars(select(Item))}
        given = {name: COUNTED | other for name, other in ITEMS.items()}
        given["variant"] = COUNTED | VARIANT
        for name, values in given.items():
            fields.set_values(
                session, owner, project, found[name],
                {defined[key]: raws for key, raws in values.items()}, source=ValueSource.LIST,
            )  # fmt: skip
        sameness.judge(session, owner, project, found["variant"], found["plain"], Judgement.SAME)
    return project


def test_every_number_opens_a_list_of_that_many_rows(
    study: Project, wiring: Wiring, sign_in: Browser
) -> None:
    client = sign_in("coder")
    with wiring.database.read() as session:
        held = session.get_one(Project, study.id)
        counted = count(session, held, zone=parse_zone("UTC"))
    cells = [*counted.scope, *(cell for table in counted.tables for cell in table.cells)]
    cells += [cell for one in counted.standings for cell in (one.list_alone, one.differs)]
    wrong = {}
    for cell in cells:
        got = client.get("/p/study/items.json", query_string={"q": cell.query})
        rows = got.json["total"] if got.status_code == 200 else got.text
        if rows != cell.number:
            wrong[cell.query] = (cell.number, rows)
    assert len(cells) > 50
    assert sum("counts-as:" in cell.query for cell in cells) > 5
    assert wrong == {}, "\n".join(f"{k}: {v}" for k, v in wrong.items())


def test_every_number_of_a_facet_opens_its_list_and_its_link_takes_it_out_again(
    study: Project, sign_in: Browser
) -> None:
    client = sign_in("coder")
    page = client.get("/p/study/?more=narrative&more=author&more=promotes").text
    links = re.findall(
        r'<li><a href="([^"]+)"[^>]*>(?:(?!</li>).)*</a><span class="n">(\d+)</span>', page
    )
    assert len(links) > 30
    for target, number in links:
        shown = client.get(html.unescape(target)).text
        assert f'<strong class="number">{number} item' in shown, target


def test_a_code_called_none_is_a_code(study: Project, wiring: Wiring, sign_in: Browser) -> None:
    """The answer “none” and no answer are two things."""
    book = "variable,type,code\r\nframe,nominal,food\r\nframe,,none\r\nremark,text,\r\n"
    given = [("food", "a*"), ("none", "none"), ("none", "a*bc"), ("food", "line\nline “x”")]
    with wiring.database.write() as session:
        owner = people.actor_of(people.find_user(session, "owner"))
        coder = people.find_user(session, "coder")
        held = session.get_one(Project, study.id)
        version = codebooks.create(session, owner, held, table.read_table("Book", book))
        codebooks.freeze(session, owner, held, version)
        ids = sorted(session.scalars(select(Item.id).where(Item.same_as_id.is_(None))))[:4]
        one = rounds.open_round(
            session, owner, held, version, rounds.Plan("R", "", 0, 1, 1, [coder]), ids
        )
        for mine, (frame, remark) in zip(session.scalars(select(Assignment)), given, strict=True):
            unit = coding.get_unit(session, held, coder, mine.id)
            answers = {"frame": Given((frame,)), "remark": Given((remark,))}
            coding.submit(session, people.actor_of(coder), held, unit, answers, seen=0, seconds=1)
        rounds.reveal(session, owner, held, one)
        adjudication.refresh(session, one)
    client = sign_in("owner")
    with wiring.database.read() as session:
        tables = coded.tables(session, session.get_one(Project, study.id))
    cells = [cell for one in tables for cell in one.cells]
    assert sum(cell.number for cell in cells) == 8
    for cell in cells:
        got = client.get("/p/study/items.json", query_string={"q": cell.query})
        assert got.json["total"] == cell.number, cell.query
    without = client.get("/p/study/items.json", query_string={"q": "code:frame=none"})
    assert without.json["total"] == len(ITEMS) + 1 - 4 - 1  # of the variant nothing is said

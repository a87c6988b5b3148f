"""Lists of accounts, in and out: a dry run, faults by row, a second run that adds nothing."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import func, select

from annotate.errors import UsageError
from annotate.models import Assertion, Project, RegistryEntry, Relation
from annotate.services.registry.columns import read_profile
from annotate.wiring import Wiring

Browser = Callable[[str], FlaskClient]
HERE = "/p/study/registry-lists"
REAL = Path(__file__).parents[3] / "shared/corpora/social/asd-state-media/State_Media_Matrix.csv"
LIST = (
    "Platform,Handle,Name,Organisation,State controlled,Basis,Twitter link\n"
    "微博,@xinhua,新华社,部委,SC,ownership,https://twitter.com/XHNews\n"
    "telegram,ria,РИА,Агентство,ISF,law,\n"
    "vk,,name,,,,\n"
    "vk,broken\n"
)


def upload(client: FlaskClient, data: bytes, name: str = "accounts.csv") -> str:
    answer = send(client, HERE, HERE, file=(io.BytesIO(data), name))
    assert answer.status_code == 302, answer.text
    return answer.location


def form_of(page: str) -> dict[str, str]:
    """Return what the form would send as it stands."""
    found = {}
    for name, options in re.findall(r'<select name="(column-\d+)".*?>(.*?)</select>', page):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def counts(wiring: Wiring) -> dict[str, int]:
    with wiring.database.read() as session:
        by_kind = select(RegistryEntry.kind, func.count()).group_by(RegistryEntry.kind)
        found = {kind.value: number for kind, number in session.execute(by_kind)}
        found["assertions"] = session.scalar(select(func.count()).select_from(Assertion)) or 0
        found["relations"] = session.scalar(select(func.count()).select_from(Relation)) or 0
        return found


def test_a_list_is_looked_at_then_brought_in_and_a_second_run_adds_nothing(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    manager = sign_in("manager")
    look = upload(manager, LIST.encode())
    page = manager.get(look).text
    form = form_of(page) | {"name": "accounts.csv", "yes": "SC; CaPu", "no": "ISF"}
    assert form["column-6"] == "profile"
    action = look.partition("?")[0]
    unsaid = send(manager, look, action, act="look", note=" ", **form)
    assert "Say where this list comes from" in unsaid.text
    form["note"] = "a table from colleagues"
    seen = send(manager, look, action, act="look", **form)
    assert "<b>3</b>new accounts" in seen.text
    assert counts(wiring) == {"assertions": 0, "relations": 0}
    done = send(manager, look, action, act="import", **form)
    assert done.status_code == 200
    assert "names no account and no entity" in done.text
    assert "2 cells" in done.text
    expected = {"account": 3, "entity": 2, "assertions": 3, "relations": 3}
    assert counts(wiring) == expected
    again = upload(manager, LIST.encode())
    send(manager, again, again.partition("?")[0], act="import", **form)
    assert counts(wiring) == expected
    with wiring.database.read() as session:
        said = {one.value for one in session.scalars(select(Assertion))}
        notes = {one.provenance for one in session.scalars(select(Assertion))}
    assert (said, notes) == ({"yes", "no"}, {"a table from colleagues"})


def test_what_goes_out_comes_in_again(sign_in: Browser, wiring: Wiring, project: Project) -> None:
    manager = sign_in("manager")
    listed = "/p/study/registry"
    form = {"kind": "account", "platform": "微博", "handle": "=cmd", "label": "حساب"}
    made = send(manager, listed, listed, **form).location
    said = {"property": "state-controlled", "value": "yes", "basis": "ownership"}
    send(manager, made, f"{made}/assertions", valid_from="2020-01-01", provenance="x", **said)
    out = manager.get("/p/study/registry.csv")
    rows = list(csv.DictReader(io.StringIO(out.text.removeprefix("\ufeff"))))
    assert [(row["label"], row["state_controlled"], row["valid_from"]) for row in rows] == [
        ("حساب", "yes", "2020-01-01")
    ]
    assert rows[0]["handle"] == "'=cmd"  # no spreadsheet runs it as a formula


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://twitter.com/XHNews", ("twitter", "XHNews")),
        ("https://www.x.com/@XHNews?lang=en", ("twitter", "XHNews")),
        ("https://www.youtube.com/channel/UC123/videos", ("youtube", "UC123")),
        ("https://www.youtube.com/@CGTN", ("youtube", "CGTN")),
        ("https://www.facebook.com/profile.php?id=1000", ("facebook", "1000")),
        ("t.me/rian_ru", ("telegram", "rian_ru")),
        ("https://ru-ru.facebook.com/pages/name", ("facebook", "name")),
        ("https://weibo.com/n/%E6%96%B0%E5%8D%8E", ("weibo", "n")),
        ("https://example.org/who", ("example.org", "who")),
    ],
)
def test_platform_and_handle_are_read_from_an_address(address: str, found: tuple[str, str]) -> None:
    assert read_profile(address)[:2] == found


@pytest.mark.parametrize("address", ["https://twitter.com/", "nothing", "https://[/x", "//x"])
def test_what_is_no_account_is_said(address: str) -> None:
    with pytest.raises(UsageError, match="No account"):
        read_profile(address)


def test_coders_bring_in_no_lists(sign_in: Browser, project: Project) -> None:
    assert sign_in("coder").get(HERE).status_code == 403
    assert sign_in("viewer").get("/p/study/registry.csv").status_code == 200


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_file(), reason="needs ../shared")
def test_the_list_of_state_media_is_brought_in_whole(
    sign_in: Browser, wiring: Wiring, project: Project
) -> None:
    """1,157 lines of real outlets: every row is an entity, every link an account of it."""
    manager = sign_in("manager")
    look = upload(manager, REAL.read_bytes(), REAL.name)
    form = form_of(manager.get(look).text) | {"name": REAL.name, "yes": "SC, CaPu, CaPr", "no": ""}
    form |= {"note": "State Media Matrix, Alliance for Securing Democracy", "act": "import"}
    done = send(manager, look, look.partition("?")[0], **form)
    assert done.status_code in {200, 302}, done.text
    found = counts(wiring)
    with REAL.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    faults = int((re.search(r"<b>(\d+)</b>rows with a fault", done.text) or [0, "0"])[1])
    names = {row["Main assets"].strip() for row in rows if row["Main assets"].strip()}
    assert len(rows) > 1000
    assert faults < len(rows) // 20
    assert found["entity"] >= len(names) * 0.9
    assert found["account"] > 500

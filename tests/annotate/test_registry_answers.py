"""Answers that name accounts: one name in two scripts is one answer."""

from __future__ import annotations

import json
from collections.abc import Callable

from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.instrument import table
from annotate.models import Assignment, CodingAnswer, EntryKind, Item, NameKind, Project, User
from annotate.services import codebooks, people, projects, rounds
from annotate.services.registry import entries
from annotate.wiring import Wiring

Browser = Callable[[str], FlaskClient]
BOOK = (
    "variable,variable_label,type\nwho,Whose post?,account\nwhom,Whom does it promote?,relation\n"
)


def test_two_coders_who_write_one_name_in_two_scripts_agree(
    sign_in: Browser, wiring: Wiring, project: Project, capture: Callable
) -> None:
    capture({"https://example.org/1": "<title>帖子</title><p>新华社"})
    with wiring.database.write() as session:
        held = projects.find_project(session, "study")
        owner = people.actor_of(people.find_user(session, "owner"))
        for platform in ("微博", "twitter"):
            spec = entries.EntrySpec(EntryKind.ACCOUNT, "Xinhua", "", platform, f"x_{platform}")
            entry = entries.create(session, owner, held, spec)
        entries.add_name(session, owner, held, entry, name="新华社", kind=NameKind.OWN)
        version = codebooks.create(session, owner, held, table.read_table("Names", BOOK))
        codebooks.freeze(session, owner, held, version)
        coders = [people.find_user(session, one) for one in ("coder", "manager")]
        found = list(session.scalars(select(Item.id)))
        rounds.open_round(
            session, owner, held, version, rounds.Plan("R", "", 0, 1, 2, coders), found
        )
    units = {}
    with wiring.database.read() as session:
        for login in ("coder", "manager"):
            one = select(Assignment.id).join(User, User.id == Assignment.coder_id)
            units[login] = session.scalars(one.where(User.login == login)).one()
    whom = "新华社\r\nsomebody new"
    for login, name in (("coder", "新华社"), ("manager", "@X_Twitter")):
        page = f"/p/study/coding/unit/{units[login]}"
        client = sign_in(login)
        assert "data-suggest" in client.get(page).text
        form = {"version": "0", "seconds": "1", "v.whom": whom}
        unclear = send(client, page, page, **form, **{"v.who": "Xinhua"})
        assert unclear.status_code == 400
        assert "several are called" in unclear.text
        assert send(client, page, page, **form, **{"v.who": name}).status_code == 302
    with wiring.database.read() as session:
        sealed = [json.loads(one.answers) for one in session.scalars(select(CodingAnswer))]
    assert [one["who"]["values"] for one in sealed] == [["x_twitter"], ["x_twitter"]]
    assert sealed[0]["whom"]["values"] == sealed[1]["whom"]["values"]
    assert set(sealed[0]["whom"]["values"]) == {"x_twitter", "somebody new"}

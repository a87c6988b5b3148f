"""The labels held for who codes blind are what that person may read, after whatever others do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from coded import PAGES, open_round
from coded import book as frozen_book
from conftest import send
from flask.testing import FlaskClient
from planted import plant_in_the_registry, version_of
from sqlalchemy import select

from annotate import visibility
from annotate.models import (
    Item,
    Project,
    Role,
    RoundUnit,
    User,
)
from annotate.services.label_index import Labels, labels_of, read_labels
from annotate.wiring import Wiring

book = frozen_book  # the fixture
Browser = Callable[[str], FlaskClient]


def test_labels_of_who_codes_blind_follow_what_others_do(
    sign_in: Browser, wiring: Wiring, book: str, capture: Callable
) -> None:
    """After each act on a closed item and an open one they are what the coder may read then."""
    owner = sign_in("owner")
    open_round(owner, wiring, book, size="3")
    with wiring.database.read() as session:
        closed = session.scalars(select(RoundUnit.item_id)).first()
        rest = session.execute(
            select(Item.id, Item.address)
            .where(Item.id.not_in(select(RoundUnit.item_id)))
            .order_by(Item.id)
        ).all()
    free, address = rest[0]
    held_as_asked(wiring, "coder")
    form = {"kind": "account", "platform": "chirper", "handle": "known", "label": "Known"}
    send(owner, "/p/study/registry", "/p/study/registry", **form)
    for item in (closed, free):
        here, many = f"/p/study/items/{item}", "/p/study/bulk"
        verdict = {"verdict": "excluded", "reason": "spam", "version": "0"}
        for page, action, sent in (
            (here, f"{here}/tags", {"tag": f"tag {item}"}),
            (here, f"{here}/notes", {"text": "note", "kind": "remark"}),
            (here, f"{here}/fields/narrative", {"value": "food"}),
            (here, f"{here}/fields/author", {"value": "somebody"}),
            (here, f"/p/study/screening/items/{item}", verdict),
            (here, f"{here}/sensitive", {"reason": "blood"}),
            ("/p/study/", many, {"item": [closed, free], "act": "tag", "tag": "both"}),
        ):
            if "/fields/" in action:
                sent["version"] = version_of(owner, here, action.rpartition("/")[2])
            answered = send(owner, page, action, **sent)
            assert answered.status_code == 302, (action, answered.text)
            held_as_asked(wiring, "coder")
    plant_in_the_registry(owner, closed)
    held_as_asked(wiring, "coder")
    for subject, evidence in ((free, free), (rest[1].id, closed)):
        told = {"type": "promotes", "subject_id": subject, "object": "known", "quote": "it says"}
        told["evidence_item"] = evidence
        answered = send(owner, here, "/p/study/relations", **told)
        assert answered.status_code == 302, answered.text
        held_as_asked(wiring, "coder")
    judged = {"address": address, "judgement": "same", "reason": "a copy"}
    assert send(owner, here, f"/p/study/items/{closed}/same", **judged).status_code == 302
    held_as_asked(wiring, "coder")
    capture({address: PAGES[address]})
    held_as_asked(wiring, "coder")


def held_as_asked(wiring: Wiring, login: str) -> None:
    """The labels held for one who codes blind are what their own session may read."""
    with wiring.database.read() as session:
        user = session.scalars(select(User).where(User.login == login)).one()
        project = session.scalars(select(Project)).one()
        assert visibility.blind(session, user, project.id, Role.CODER)
        held, asked = labels_of(session, project.id), read_labels(session, project.id)
        assert labels_of(session, project.id) is held
    for part in dataclasses.fields(Labels):
        if part.name == "values":  # a field without values may be there, or not
            everything = [
                {key: values for key, values in one.values.items() if values}
                for one in (held, asked)
            ]
            assert everything[0] == everything[1]
        elif part.name != "derived":
            assert getattr(held, part.name) == getattr(asked, part.name), part.name

"""What others leave everywhere, for the tests of who codes blind; and how it is known again."""

from __future__ import annotations

import re

from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate import events
from annotate.models import (
    CodingElsewhere,
    EventKind,
    ForeignKind,
    ForeignName,
    Item,
    KeptClaim,
    StudyField,
    ValueDecision,
)
from annotate.services import people
from annotate.wiring import Wiring

CANARY = "canaryword"
# What the others wrote. The bare word may come back: the one who looks asked for it.
PLANTED = re.compile(
    rb"canaryword(tag|note|value|memo|draft|entry|name|said|quote|handle|judged|alone|decided"
    rb"|elsewhere|mark|comment|reason|search)"
)


def plant_coding_elsewhere(wiring: Wiring, item_id: str) -> None:
    """A coding as an imported project of another program brings it, and a name of its maker."""
    with wiring.database.write() as session:
        item = session.get_one(Item, item_id)
        owner = people.actor_of(people.find_user(session, "owner"))
        coding = CodingElsewhere(
            project_id=item.project_id, item_id=item.id, capture_id=item.latest_capture_id,
            guid="0" * 36, code_id="1" * 36, label=f"{CANARY}elsewhere", coder=f"{CANARY}elsewhere",
        )  # fmt: skip
        name = ForeignName(
            project_id=item.project_id, kind=ForeignKind.SOURCE, name=f"{CANARY}elsewhere",
            row_id=item.latest_capture_id, item_id=item.id, maker=f"{CANARY}elsewhere",
        )  # fmt: skip
        session.add_all([coding, name])
        events.record(
            session, EventKind.CODING_IMPORT, actor=owner, covers=[coding, name],
            project_id=item.project_id, body={"name": f"{CANARY}elsewhere"},
        )  # fmt: skip


def plant_a_decision(wiring: Wiring, item_id: str) -> None:
    """A decision between list and page on a blind item, with its reason."""
    with wiring.database.write() as session:
        item = session.get_one(Item, item_id)
        owner = people.actor_of(people.find_user(session, "owner"))
        field = session.scalars(select(StudyField).where(StudyField.key == "author")).one()
        row = ValueDecision(
            project_id=item.project_id, item_id=item.id, field_id=field.id, claimed="[]",
            shown="[]", kept=KeptClaim.UNSURE, reason=f"{CANARY}decided", decided_by=owner.user_id,
        )  # fmt: skip
        session.add(row)
        events.record(
            session, EventKind.VALUE_DECIDE, actor=owner, covers=[row], item=item,
            project_id=item.project_id, reason=row.reason,
        )  # fmt: skip


def plant_in_the_registry(owner: FlaskClient, item: str) -> str:
    """Write into the registry what a coder read in a blind item; return a known entry's page."""
    listed = "/p/study/registry"
    found = owner.get(f"{listed}/names.json?q=known").json
    assert found[0]["value"] == "known"
    page = re.search(rf"{listed}/[0-9a-f-]{{36}}", owner.get(f"{listed}?q=known").text)[0]
    seen = {"evidence_item": item}
    said = {"property": "state-controlled", "value": "yes", "basis": f"{CANARY}said"}
    form = {"kind": "account", "platform": "chirper", "handle": f"{CANARY}entry"}
    relation = {"type": "promotes", "subject_id": item, "quote": f"{CANARY}quote"}
    judged = {"judgement": "unsure", "reason": f"{CANARY}judged"}
    for action, sent in (
        (listed, form | seen),
        (f"{page}/names", {"name": f"{CANARY}name", "kind": "own name"} | seen),
        (f"{page}/handles", {"handle": f"{CANARY}handle"} | seen),
        (f"{page}/assertions", said | seen),
        ("/p/study/relations", relation | {"object": f"{CANARY}entry"} | seen),
        ("/p/study/relations", relation | {"object": "known"} | seen),
        (f"{page}/judgements", judged | {"into": f"{CANARY}entry"}),
    ):
        answer = send(owner, page, action, **sent)
        assert answer.status_code == 302, answer.text
    return page


def plant_a_search(owner: FlaskClient) -> None:
    """A saved search whose name says what somebody read."""
    asked = {"name": f"{CANARY}search", "q": f"note:{CANARY}search"}
    assert send(owner, "/p/study/", "/p/study/searches", **asked).status_code == 302


def plant_talk(owner: FlaskClient, first: FlaskClient, here: str, unit: str, book: str) -> None:
    """The owner speaks of the item, the fellow coder of everything else."""
    said = {"text": f"@coder {CANARY}comment 棉花"}
    item = here.rsplit("/", 1)[1]
    capture = re.search(r"/c/([0-9a-f-]{36})/view", owner.get(here).text)[1]
    talk = "/p/study/comments"
    for on in (f"item/{item}", f"capture/{capture}"):
        assert send(owner, here, f"{talk}/{on}", **said).status_code == 302
    for asks in ("yes", "no"):
        on = f"unit/{unit.rsplit('/', 1)[1]}"
        assert send(first, unit, f"{talk}/{on}", question=asks, **said).status_code == 302
    page = "/p/study/memos"
    part = {"codebook": book, "part": "frame=food"}
    assert send(first, page, f"{talk}/codebook/{book}?part=frame", **said).status_code == 302
    for who, about in ((owner, {"item": item}), (first, {}), (first, {"item": item})):
        memo = {"kind": "analytic", "title": f"{CANARY}memo", "text": f"{CANARY}memo"}
        made = send(who, page, page, **memo, **about)
        assert made.status_code == 302, made.text
        assert send(who, page, f"{made.location}/links", **part).status_code == 302
    send(owner, here, f"{here}/sensitive", reason=f"{CANARY}reason")
    send(owner, here, f"{here}/sensitive/remove")


def version_of(client: FlaskClient, here: str, field: str = "narrative") -> str:
    page = client.get(here).text
    part = page[page.index(f"fields/{field}") :]
    return re.search(r'name="version" value="([^"]*)"', part)[1]

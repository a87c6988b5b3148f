"""A capture is cited with its proof; an item's provenance names every capture and event."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from conftest import send
from flask.testing import FlaskClient
from sqlalchemy import func, select

from annotate.models import Event, WarcFile
from annotate.wiring import Wiring

Browser = Callable[[str], FlaskClient]
ADDRESS = "https://example.org/post?a=1"


@pytest.fixture
def item(sign_in: Browser, capture: Callable) -> dict[str, str]:
    capture({ADDRESS: "<html lang=zh><title>新疆\n棉花 القطن</title><p>棉花</p></html>"})
    found: dict[str, str] = sign_in("owner").get("/p/study/items.json").json["items"][0]
    return found


def test_a_citation_says_what_was_seen_when_and_by_which_bytes(
    item: dict[str, str], sign_in: Browser, wiring: Wiring
) -> None:
    viewer = sign_in("viewer")
    page = f"/c/{item['capture_id']}/citation"
    with wiring.database.read() as session:
        digest = session.scalars(select(WarcFile.sha256)).one()
    text = viewer.get(f"{page}.ris").data.decode()
    tags = dict(line.split("  - ", 1) for line in text.splitlines() if line)
    assert (tags["TY"], tags["ER"], tags["UR"]) == ("ELEC", "", ADDRESS)
    assert tags["TI"] == "新疆 棉花 القطن"
    assert digest in tags["N1"]
    (said,) = json.loads(viewer.get(f"{page}.json").data)
    assert said["URL"] == ADDRESS
    assert digest in said["note"]
    year, month, day = said["accessed"]["date-parts"][0]
    assert tags["Y2"].startswith(f"{year}/{month:02}/{day:02}/")
    assert said["archive_location"] == tags["AN"] == f"urn:uuid:{item['capture_id']}"


def test_provenance_is_whole_and_hangs_together(
    item: dict[str, str], sign_in: Browser, wiring: Wiring
) -> None:
    owner = sign_in("owner")
    here = f"/p/study/items/{item['id']}"
    assert send(owner, here, f"{here}/tags", tag="标签").status_code == 302
    said = json.loads(owner.get(f"{here}/prov.json").data)
    with wiring.database.read() as session:
        events = session.scalar(
            select(func.count()).select_from(Event).where(Event.item_id == item["id"])
        )
    acts = [one for one in said["activity"] if one.startswith("event:")]
    assert len(acts) == events
    assert f"uuid:{item['capture_id']}" in said["entity"]
    named = {name for part in ("entity", "activity", "agent") for name in said[part]}
    relations = set(said) - {"prefix", "entity", "activity", "agent"}
    assert relations == {"wasGeneratedBy", "specializationOf", "wasAssociatedWith",
                         "wasDerivedFrom", "used"}  # fmt: skip
    for relation in relations:
        for one in said[relation].values():
            ends = {value for key, value in one.items() if key != "prov:time"}
            assert ends <= named
    prefixes = {name.partition(":")[0] for name in named}
    assert prefixes <= said["prefix"].keys()

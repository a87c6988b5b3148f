"""Twenty requests that end blocked are answered by one WACZ a person saved while signed in."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import warcs
from conftest import FakeEngine, import_whole, send
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.jobs.indexing import index_now
from annotate.jobs.worker import Worker
from annotate.models import Capture, Event, EventKind, Project, Record, Rendition
from annotate.wiring import Wiring
from archive.capture.job import CaptureJob, CaptureResult
from archive.capture.outcome import Outcome

Browser = Callable[[str], FlaskClient]
ADDRESSES = [f"https://walled.example/post/{number}" for number in range(20)]
WALL = "<title>Sign in</title><p>Sign in to see this post."


class WalledEngine(FakeEngine):
    """What a logged-out browser gets."""

    def capture(self, job: CaptureJob) -> CaptureResult:
        return replace(
            super().capture(job), outcome=Outcome.BLOCKED, reason="login wall", status=200
        )


pytestmark = pytest.mark.usefixtures("in_process")


def post(number: int) -> bytes:
    return (
        f"<html lang=zh><title>帖子 {number}</title><article><p>第 {number} 条：وصل القطن إلى المصنع"
        f"</p><img src=/img/{number}.png><iframe src=/ad/{number}></iframe></article>"
    ).encode()


def wacz() -> bytes:
    """Make a package as ArchiveWeb.page does: pages with request, picture and frame."""
    records = [warcs.record("warcinfo", "", b"software: Webrecorder ArchiveWeb.page 0.11.3\r\n",
                            Content_Type="application/warc-fields", WARC_Record_ID="<urn:uuid:info>")]  # fmt: skip
    pages = [{"format": "json-pages-1.0", "id": "pages", "title": "All Pages", "hasText": False}]
    for number, address in enumerate(ADDRESSES):
        when = f"2026-11-20T10:{number:02}:00Z"
        for path, body, kind, dest in (
            (address, post(number), "text/html; charset=utf-8", "document"),
            (
                f"https://walled.example/img/{number}.png",
                b"\x89PNG%d" % number,
                "image/png",
                "image",
            ),
            (f"https://walled.example/ad/{number}", b"<p>ad", "text/html", "iframe"),
        ):
            name = f"<urn:uuid:{dest}-{number}>"
            records.append(warcs.response(path, body, kind=kind, date=when, WARC_Record_ID=name))
            head = f"GET / HTTP/1.1\r\nSec-Fetch-Dest: {dest}\r\n\r\n".encode()
            records.append(
                warcs.record("request", path, head, date=when, WARC_Concurrent_To=name,
                             WARC_Record_ID=f"<urn:uuid:q-{dest}-{number}>",
                             Content_Type="application/http; msgtype=request")
            )  # fmt: skip
        pages.append({"id": str(number), "url": address, "ts": when, "title": f"帖子 {number}"})
    members = {
        "archive/data.warc.gz": b"".join(records),
        "pages/pages.jsonl": "\n".join(json.dumps(one) for one in pages).encode(),
    }
    listed = [
        {"name": name.rpartition("/")[2], "path": name, "bytes": len(data),
         "hash": "sha256:" + hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
    ]  # fmt: skip
    package = {"profile": "data-package", "wacz_version": "1.1.1", "software": "ArchiveWeb.page 0.11.3",
               "resources": listed}  # fmt: skip
    members["datapackage.json"] = json.dumps(package).encode()
    digest = hashlib.sha256(members["datapackage.json"]).hexdigest()
    members["datapackage-digest.json"] = json.dumps(
        {"path": "datapackage.json", "hash": f"sha256:{digest}"}
    ).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in members.items():
            made.writestr(name, data)
    return out.getvalue()


def test_twenty_blocked_requests_are_answered_by_one_wacz(
    wiring: Wiring, project: Project, sign_in: Browser
) -> None:
    manager = sign_in("manager")
    form = {"addresses": "\n".join(ADDRESSES), "why": "the campaign"}
    send(manager, "/p/study/queue", "/p/study/queue", **form)
    worker = Worker(wiring, "test")
    worker._engines["auto"] = WalledEngine(dict.fromkeys(ADDRESSES, WALL))
    while worker.step():
        pass
    before = manager.get("/p/study/queue.json").json
    assert (before["total"], before["outcomes"]) == (20, {"blocked": 20})

    answer = send(
        manager, "/me", "/p/study/imports", file=(io.BytesIO(wacz()), "my posts 帖子.wacz")
    )
    page = manager.get(answer.location).text
    assert page.count("<strong>Answers a request</strong>") == 20
    assert page.count("login wall") == 20
    assert "written by <bdi>" in page
    assert "not signed" in page
    found = manager.get(f"{answer.location}.json").json
    assert found["verdict"] == "intact"
    assert sorted(one["address"] for one in found["pages_found"] if one["ticked"]) == sorted(
        ADDRESSES
    )
    assert sum(one["answers"] is not None for one in found["pages_found"]) == 20
    assert manager.get("/p/study/queue.json").json["outcomes"] == {"blocked": 20}

    shown = re.findall(r'name="shown" value="([^"]+)"', page)
    ticked = re.findall(r'name="(take-[^"]+)" value="yes" checked', page)
    form = {"shown": shown, "act": "confirm", **dict.fromkeys(ticked, "yes")}
    assert send(manager, "/me", answer.location, **form).status_code == 302

    after = manager.get("/p/study/queue.json").json
    assert (after["total"], after["outcomes"]) == (20, {"complete": 20})
    assert {one["answered_by"] for one in after["requests"]} == {found["id"]}
    for one in after["requests"]:
        told = manager.get(f"/p/study/queue/{one['id']}").text
        assert "Answered by" in told
        assert "my posts 帖子.wacz" in told
    first = after["requests"][0]
    history = manager.get(f"/p/study/items/{first['item']}?tab=history").text
    assert "request:answer" in history
    assert "capture:import" in history
    assert "login wall" in history
    with wiring.database.read() as session:
        answered = session.scalars(
            select(Event).where(Event.kind == EventKind.REQUEST_ANSWER)
        ).all()
        assert len(answered) == 20
        confirmed = session.scalars(select(Event).where(Event.kind == EventKind.FILE_CONFIRM)).one()
    said = json.loads(confirmed.document)["body"]
    assert (said["taken"], said["left"]) == (20, 20)
    assert len(said["left_out"]) == 20
    index_now(wiring)
    found_by_word = manager.get("/p/study/items.json?q=المصنع").json["items"]
    assert len(found_by_word) == 20
    item = manager.get(f"/p/study/items/{first['item']}").text
    assert "Address recorded, time recorded." in item
    view = manager.get(f"/c/{first['capture']}/view").text
    assert "وصل القطن إلى المصنع" in view


def test_a_page_left_unticked_answers_nothing(
    wiring: Wiring, project: Project, sign_in: Browser
) -> None:
    manager = sign_in("manager")
    send(manager, "/p/study/queue", "/p/study/queue", addresses="\n".join(ADDRESSES[:2]))
    worker = Worker(wiring, "test")
    worker._engines["auto"] = WalledEngine(dict.fromkeys(ADDRESSES, WALL))
    while worker.step():
        pass
    answer = send(manager, "/me", "/p/study/imports", file=(io.BytesIO(wacz()), "a.wacz"))
    found = manager.get(f"{answer.location}.json").json
    one = next(page for page in found["pages_found"] if page["address"] == ADDRESSES[0])
    form = {"shown": [page["id"] for page in found["pages_found"]], f"take-{one['id']}": "yes"}
    send(manager, "/me", answer.location, act="confirm", **form)
    outcomes = {
        row["address"]: row["outcome"]
        for row in manager.get("/p/study/queue.json").json["requests"]
    }
    assert outcomes == {ADDRESSES[0]: "complete", ADDRESSES[1]: "blocked"}


ORIGINAL = "urn:uuid:00000000-0000-0000-0000-000000000001"


def original(
    body: bytes, *, date: str = "2020-05-01T00:00:00Z", record_id: str = ORIGINAL
) -> bytes:
    return warcs.response("https://s.example/a", body, date=date, WARC_Record_ID=f"<{record_id}>")


def revisit(body: bytes, **said: str) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    return warcs.record(
        "revisit", "https://s.example/b", head, date="2021-06-01T00:00:00Z",
        Content_Type="application/http; msgtype=response", WARC_Payload_Digest=warcs.sha1(body),
        WARC_Record_ID="<urn:uuid:00000000-0000-0000-0000-00000000000f>",
        WARC_Profile="http://netpreserve.org/warc/1.1/revisit/identical-payload-digest", **said,
    )  # fmt: skip


BODY = "<title>الأصل</title><p>第一次保存的正文".encode()
OTHER = b"<title>other</title><p>another day"


@pytest.mark.parametrize("order", ["original first", "revisit first"])
@pytest.mark.parametrize(
    ("said", "how"),
    [
        ({"WARC_Refers_To": f"<{ORIGINAL}>"}, "record id"),
        ({"WARC_Refers_To_Target_URI": "https://s.example/a",
          "WARC_Refers_To_Date": "2020-05-01T00:00:00Z"}, "address and date"),
        ({}, "equal digest"),
    ],
)  # fmt: skip
def test_a_revisit_finds_its_original_in_another_file(
    wiring: Wiring, project: Project, tmp_path: Path, said: dict[str, str], how: str, order: str
) -> None:
    first = tmp_path / "originals.warc.gz"
    decoy = original(OTHER, date="2020-05-02T00:00:00Z", record_id=ORIGINAL[:-1] + "2")
    first.write_bytes(decoy + original(BODY))
    second = tmp_path / "revisits.warc.gz"
    second.write_bytes(revisit(BODY, **said))
    files = [first, second] if order == "original first" else [second, first]
    for path in files:
        import_whole(wiring, project, path)
    with wiring.database.read() as session:
        capture = session.scalars(
            select(Capture).where(Capture.address == "https://s.example/b")
        ).one()
        text = session.get_one(Rendition, capture.id).text
    assert (capture.outcome, capture.title) == (Outcome.COMPLETE, "الأصل")
    assert text == "第一次保存的正文"
    assert f"{ORIGINAL}> of originals.warc.gz, found by {how}" in capture.reason


def test_a_missing_original_is_said_and_no_other_date_takes_its_place(
    wiring: Wiring, project: Project, sign_in: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "both.warc.gz"
    claimed = {
        "WARC_Refers_To_Target_URI": "https://s.example/a",
        "WARC_Refers_To_Date": "2019-01-01T00:00:00Z",
    }
    path.write_bytes(original(OTHER) + revisit(BODY, **claimed))
    import_whole(wiring, project, path)
    with wiring.database.read() as session:
        capture = session.scalars(
            select(Capture).where(Capture.address == "https://s.example/b")
        ).one()
        text = session.get_one(Rendition, capture.id).text
    assert capture.outcome is Outcome.PARTIAL
    assert "https://s.example/a of 2019-01-01T00:00:00Z" in capture.reason
    assert text == ""
    shown = sign_in("viewer").get(f"/c/{capture.id}/view").text
    assert "another day" not in shown


def test_a_post_and_its_answer_keep_what_was_asked(
    wiring: Wiring, project: Project, tmp_path: Path
) -> None:
    target = "https://s.example/graphql"
    path = tmp_path / "graphql.warc.gz"
    parts = []
    for number in (1, 2):
        name = f"<urn:uuid:answer-{number}>"
        parts.append(warcs.response(target, b'{"n":%d}' % number, kind="application/json",
                                    WARC_Record_ID=name, date="2020-05-01T00:00:00Z"))  # fmt: skip
        parts.append(warcs.request(target, b'{"q":%d}' % number, method="POST",
                                   WARC_Concurrent_To=name, WARC_Record_ID=f"<urn:uuid:ask-{number}>"))  # fmt: skip
    path.write_bytes(b"".join([warcs.response("https://s.example/", b"<p>x"), *parts]))
    import_whole(wiring, project, path)
    with wiring.database.read() as session:
        kept = session.execute(
            select(Record.kind, Record.record_id)
            .where(Record.target == target)
            .order_by(Record.position)
        ).all()
    assert kept == [
        ("response", "<urn:uuid:answer-1>"), ("request", "<urn:uuid:ask-1>"),
        ("response", "<urn:uuid:answer-2>"), ("request", "<urn:uuid:ask-2>"),
    ]  # fmt: skip

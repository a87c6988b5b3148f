"""Files through the door people use: uploaded, looked at, confirmed; or refused by name."""

from __future__ import annotations

import csv
import io
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import read_here, send
from flask.testing import FlaskClient
from sqlalchemy import func, select

from annotate.errors import TooLargeError, UsageError
from annotate.events import Actor
from annotate.jobs import importing
from annotate.models import (
    Capture,
    ImportFile,
    ImportPage,
    ImportState,
    Item,
    Note,
    Project,
    Record,
    WarcFile,
)
from annotate.services import found_pages, imports, people
from annotate.wiring import Wiring
from archive.importing.found import Basis

Browser = Callable[[str], FlaskClient]
# Read differently on purpose, each with its fault named: see tests/archive/test_corpora.py.
_OTHER_COUNT = re.compile(
    r"redirect\.warc$|clipped|slyrz/test\.warc\.gz|example-bad|invalid-warcfile|badexample|invalid-arc"
    r"|\.bz2$|wrong-chunks"
)
PAGES = "/p/study/imports"


def owner(wiring: Wiring) -> Actor:
    with wiring.database.read() as session:
        return people.actor_of(people.find_user(session, "owner"))


def bring(wiring: Wiring, project: Project, path: Path) -> ImportFile:
    """Keep a file and have it read."""
    with path.open("rb") as source:
        made = importing.bring(
            wiring, owner(wiring), project.id, path.name, source, limit=10**9
        )  # fmt: skip
    importing.work_off(wiring)
    return again(wiring, made)


def again(wiring: Wiring, file: ImportFile) -> ImportFile:
    with wiring.database.read() as session:
        return session.get_one(ImportFile, file.id)


def take(wiring: Wiring, file: ImportFile) -> ImportFile:
    """Confirm what is proposed."""
    with wiring.database.write() as session:
        imports.confirm(session, owner(wiring), session.get_one(ImportFile, file.id))
    importing.work_off(wiring)
    return again(wiring, file)


def settled(client: FlaskClient, import_id: str) -> dict:
    """Wait as the page does until nothing is going on with an import."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        found = client.get(f"{PAGES}/{import_id}.json").json
        if found["state"] not in {"waiting", "taking"}:
            return found
        client.get(f"{PAGES}/{import_id}")
        time.sleep(0.2)
    raise AssertionError("the import did not end")


def upload(client: FlaskClient, *files: tuple[bytes, str], note: str = "") -> dict:
    """Upload through the page; return what it says of the first file once it is read."""
    form = {"file": [(io.BytesIO(data), name) for data, name in files], "note": note}
    answer = send(client, "/me", PAGES, **form)
    assert answer.status_code == 302, answer.text
    if len(files) > 1:
        return {}
    return settled(client, answer.location.rpartition("/")[2])


def test_every_archive_of_the_corpora(
    shared: Path, wiring: Wiring, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "read_bounded", read_here)
    root = shared / "corpora"
    with (root / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    wanted = [row for row in rows if row["file"].startswith(("warc/", "wacz/"))]
    brought: dict[str, tuple[ImportFile, str]] = {}
    for row in wanted:
        with (root / row["file"]).open("rb") as source:
            made = importing.bring(
                wiring, owner(wiring), project.id, row["file"], source, limit=10**9
            )
        brought[row["file"]] = (made, row["records"])
    importing.work_off(wiring)
    imported = taken = 0
    for name, (made, records) in brought.items():
        read = again(wiring, made)
        if read.state is ImportState.REFUSED:
            assert read.reason, name
            continue
        imported += 1
        expected = re.match(r"warcio (\d+)", records)
        if expected and not _OTHER_COUNT.search(name):
            assert read.records == int(expected[1]), (name, read.reason)
        taken += 1
        if read.state is ImportState.FOUND and taken % 3 == 0:
            take_proposed(wiring, read)
    importing.work_off(wiring)
    assert imported > 100
    with wiring.database.read() as session:
        left = session.scalars(select(ImportFile.state).distinct()).all()
        assert set(left) == {ImportState.IMPORTED, ImportState.REFUSED, ImportState.FOUND}
        said = session.scalar(select(func.sum(WarcFile.records)))
        assert session.scalar(select(func.count()).select_from(Record)) == said
        assert session.scalar(select(func.count()).select_from(Capture)) > 30


def take_proposed(wiring: Wiring, file: ImportFile) -> None:
    """Confirm; pages whose address no browser would take are left out first, by name."""
    with wiring.database.write() as session:
        row = session.get_one(ImportFile, file.id)
        for one in found_pages.proposals(session, row, most=10_000):
            if one.fault:
                imports.choose(session, row, {one.page.id: imports.Choice(False)})
        imports.confirm(session, owner(wiring), row)


def test_nothing_becomes_an_item_unasked_and_what_is_unticked_stays_out(
    shared: Path, wiring: Wiring, sign_in: Browser
) -> None:
    manager = sign_in("manager")
    data = (shared / "corpora/warc/node-warc/parseMe.warc.gz").read_bytes()
    found = upload(manager, (data, "ملف 文件.warc.gz"), note="من محلّل")
    assert (found["state"], found["found"] > 0) == ("found", True)
    with wiring.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Item)) == 0
    page = manager.get(f"{PAGES}/{found['id']}").text
    assert "ملف 文件.warc.gz" in page
    first, *rest = found["pages_found"]
    form = {
        "shown": [one["id"] for one in found["pages_found"]],
        f"take-{first['id']}": "yes",
        f"note-{first['id']}": "the front page",
        "act": "confirm",
    }
    assert send(manager, "/me", f"{PAGES}/{found['id']}", **form).status_code == 302
    done = settled(manager, found["id"])
    assert (done["state"], done["pages"]) == ("imported", 1)
    with wiring.database.read() as session:
        item = session.scalars(select(Item)).one()
        capture = session.scalars(select(Capture)).one()
        note = session.scalars(select(Note)).one()
        left = session.scalars(select(ImportPage).where(ImportPage.capture_id.is_(None))).all()
    assert item.address == first["address"]
    assert (capture.address_basis, capture.time_basis) == (Basis.RECORDED, Basis.RECORDED)
    assert note.text == "the front page\n\nمن محلّل"
    assert len(left) == len(rest)
    shown = manager.get(f"/c/{capture.id}/view")
    assert shown.status_code == 200


def test_a_person_corrects_address_and_time(
    shared: Path, wiring: Wiring, sign_in: Browser, in_process: None
) -> None:
    manager = sign_in("manager")
    data = (shared / "corpora/warc/warcio/example.warc.gz").read_bytes()
    found = upload(manager, (data, "example.warc.gz"))
    one = found["pages_found"][0]
    form = {
        "shown": [one["id"]],
        f"take-{one['id']}": "yes",
        f"address-{one['id']}": "not an address",
        f"time-{one['id']}": "2020-05-31 23:30",
        "act": "confirm",
    }
    refused = send(manager, "/me", f"{PAGES}/{found['id']}", **form)
    assert refused.status_code == 400
    assert "cannot be taken yet" in refused.text
    assert "not an address" in refused.text
    form[f"address-{one['id']}"] = "https://example.org/other"
    assert "no time with its zone" in send(manager, "/me", f"{PAGES}/{found['id']}", **form).text
    form[f"time-{one['id']}"] = "2020-05-31T23:30:00-05:00"
    form["shown"] = [page["id"] for page in found["pages_found"]]
    send(manager, "/me", f"{PAGES}/{found['id']}", **form)
    settled(manager, found["id"])
    with wiring.database.read() as session:
        capture = session.scalars(select(Capture)).one()
    assert capture.address == "https://example.org/other"
    assert (capture.address_basis, capture.time_basis) == (Basis.PERSON, Basis.PERSON)
    assert capture.address_claimed == one["address"]
    assert capture.captured_at.isoformat() == "2020-06-01T04:30:00+00:00"


def test_several_files_at_once_are_confirmed_together(
    shared: Path, wiring: Wiring, sign_in: Browser, in_process: None
) -> None:
    manager = sign_in("manager")
    root = shared / "corpora/warc/warcio"
    files = [
        ((root / name).read_bytes(), name)
        for name in ("example.warc.gz", "example.arc.gz", "bad.arc")
    ]
    upload(manager, *files, (b"\x7fELF\x02\x01\x01", "virus.warc"))
    for one in manager.get(f"{PAGES}.json").json:
        settled(manager, one["id"])
    page = manager.get(PAGES).text
    assert "Waiting for your word" in page
    assert "it is a program" in page
    send(manager, "/me", f"{PAGES}/confirm")
    states = [settled(manager, one["id"])["state"] for one in manager.get(f"{PAGES}.json").json]
    assert sorted(states) == ["imported", "imported", "imported", "refused"]


def test_who_may_not_import_may_not_confirm(
    shared: Path, sign_in: Browser, in_process: None
) -> None:
    manager, coder = sign_in("manager"), sign_in("coder")
    data = (shared / "corpora/warc/warcio/example.warc.gz").read_bytes()
    found = upload(manager, (data, "example.warc.gz"))
    assert send(coder, "/me", PAGES, file=(io.BytesIO(b"x"), "x")).status_code == 403
    for act in ("confirm", "discard", "save"):
        answer = send(coder, "/me", f"{PAGES}/{found['id']}", act=act)
        assert answer.status_code == 403
    assert send(coder, "/me", f"{PAGES}/confirm").status_code == 403
    assert send(sign_in("stranger"), "/me", f"{PAGES}/{found['id']}").status_code == 404


def test_a_discarded_file_leaves_nothing_on_disk(
    shared: Path, wiring: Wiring, sign_in: Browser, in_process: None
) -> None:
    manager = sign_in("manager")
    data = (shared / "corpora/warc/warcio/example.arc.gz").read_bytes()
    found = upload(manager, (data, "example.arc.gz"))
    assert send(manager, "/me", f"{PAGES}/{found['id']}", act="discard").status_code == 302
    assert manager.get(f"{PAGES}.json").json[0]["state"] == "discarded"
    assert not list((wiring.home / "imports").iterdir())
    assert not list((wiring.home / "cache" / "imports").iterdir())
    assert upload(manager, (data, "example.arc.gz"))["state"] == "found"


def test_the_same_file_is_not_imported_twice(
    shared: Path, wiring: Wiring, project: Project, in_process: None
) -> None:
    path = shared / "corpora/warc/warcio/example.warc.gz"
    first = take(wiring, bring(wiring, project, path))
    second = bring(wiring, project, path)
    assert first.id == second.id
    with wiring.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Item)) == 1


def test_a_killed_import_goes_on_where_it_was(
    shared: Path,
    wiring: Wiring,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    in_process: None,
) -> None:
    monkeypatch.setattr(importing, "_BATCH", 1)
    read = bring(wiring, project, shared / "corpora/warc/resiliparse/warcfile.warc.gz")
    with wiring.database.write() as session:
        imports.confirm(session, owner(wiring), session.get_one(ImportFile, read.id))
    real = importing._take_batch
    batches: list[int] = []

    def killed(*arguments: object) -> None:
        batches.append(1)
        if len(batches) == 3:
            raise KeyboardInterrupt
        real(*arguments)

    monkeypatch.setattr(importing, "_take_batch", killed)
    with pytest.raises(KeyboardInterrupt):
        importing.work_off(wiring)
    monkeypatch.setattr(importing, "_take_batch", real)
    importing.work_off(wiring)
    done = again(wiring, read)
    assert (done.state, done.pages) == (ImportState.IMPORTED, read.found)
    with wiring.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Capture)) == read.found
        assert session.scalar(select(func.count()).select_from(WarcFile)) == 1


def package(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members:
            made.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"\x00\x01\x02nothing known", "begins with"),
        (b"", "empty"),
        (b"\x1f\x8b\x08broken", "damaged"),
        (b"\x04\x22\x4d\x18....", "LZ4"),
        (package(("datapackage.json", b"{}"), ("../../evil", b"x")), "evil"),
        (package(("datapackage.json", b"{}"), ("/etc/passwd", b"x")), "passwd"),
        (package(("archive/a.warc", bytes(90_000_000))), "archive/a.warc"),
        (package(("datapackage.json", b"{}")), "no WARC"),
        (package(("archive/a.warc", b"nothing"))[:60], "cannot be unpacked"),
    ],
)  # fmt: skip
def test_what_is_no_archive_is_refused_and_leaves_nothing(
    wiring: Wiring, project: Project, tmp_path: Path, data: bytes, fault: str, in_process: None
) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(data)
    made = bring(wiring, project, path)
    assert (made.state, fault in made.reason) == (ImportState.REFUSED, True), made.reason
    assert not list((wiring.home / "imports").iterdir())
    assert not list((wiring.home / "tmp").iterdir())


def test_a_file_too_large_is_refused(wiring: Wiring, project: Project) -> None:
    with pytest.raises(TooLargeError, match="larger than 10 bytes"):
        importing.bring(
            wiring, owner(wiring), project.id, "x", io.BytesIO(bytes(11)), limit=10
        )  # fmt: skip
    assert not list((wiring.home / "tmp").iterdir())


def test_what_is_decided_is_not_decided_again(
    shared: Path, wiring: Wiring, project: Project, in_process: None
) -> None:
    done = take(wiring, bring(wiring, project, shared / "corpora/warc/warcio/example.warc.gz"))
    with wiring.database.write() as session:
        row = session.get_one(ImportFile, done.id)
        with pytest.raises(UsageError, match="nothing is to be chosen"):
            imports.confirm(session, owner(wiring), row)
        with pytest.raises(UsageError, match="only what waits"):
            imports.discard(session, owner(wiring), row)

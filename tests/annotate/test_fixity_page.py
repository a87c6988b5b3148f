"""Stored evidence as people see it: when it was re-read, what differed, and reading it now."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable

import pytest
import site_example as site
from conftest import import_whole, send
from flask.testing import FlaskClient
from sqlalchemy import select

from annotate.errors import BusyError
from annotate.jobs import fixity as job
from annotate.models import Event, EventKind, ImportFile, Project, WarcFile
from annotate.services.people import SYSTEM
from annotate.wiring import Wiring

Browser = Callable[[str], FlaskClient]
PAGE = "/p/study/fixity"
PAGES = {f"http://example.org/{name}": f"<h1>{name} 棉花</h1>" for name in ("a", "b")}


def first_warc(wiring: Wiring) -> WarcFile:
    with wiring.database.read() as session:
        return session.scalars(select(WarcFile).order_by(WarcFile.path)).first()  # type: ignore[return-value]


@pytest.fixture
def captured(capture: Callable[[dict[str, str]], None]) -> None:
    capture(PAGES)


def test_who_looks_sees_that_nothing_was_re_read_then_that_all_is_as_stored(
    wiring: Wiring, captured: None, sign_in: Browser
) -> None:
    client = sign_in("viewer")
    assert "was not re-read yet" in client.get(PAGE).text
    job.run(wiring, SYSTEM)
    page = client.get(PAGE).text
    assert "is the file that was stored" in page
    assert '<dd class="number">2</dd>' in page


def test_what_differs_is_named_to_those_of_the_project(
    wiring: Wiring, captured: None, sign_in: Browser
) -> None:
    warc = first_warc(wiring)
    path = wiring.store.path(warc.path)
    path.write_bytes(path.read_bytes()[:-9])
    job.run(wiring, SYSTEM)
    page = sign_in("viewer").get(PAGE).text
    assert warc.path in page
    assert "truncated" in page
    assert sign_in("stranger").get(PAGE).status_code == 404


def test_findings_of_another_project_stay_there(
    wiring: Wiring, captured: None, sign_in: Browser
) -> None:
    warc = first_warc(wiring)
    wiring.store.path(warc.path).unlink()
    job.run(wiring, SYSTEM)
    client = sign_in("owner")
    send(client, "/", "/projects", slug="other", name="Other")
    page = client.get("/p/other/fixity").text
    assert "Last re-read" in page
    assert warc.path not in page


def test_an_imported_file_is_re_read_as_it_came(
    wiring: Wiring, project: Project, sign_in: Browser, tmp_path
) -> None:
    import_whole(wiring, project, site.write(tmp_path / "crawl.warc.gz"))
    with wiring.database.write() as session:
        file = session.scalars(select(ImportFile)).one()
        # As a PDF's: no WARC stands in its place.
        original = wiring.home / "imports" / file.sha256 / "original"
    assert original.is_file()
    original.write_bytes(b"x" + original.read_bytes()[1:])
    job.run(wiring, SYSTEM)
    assert f"imports/{file.sha256}/original" in sign_in("viewer").get(PAGE).text


def test_the_button_reads_in_the_background_and_the_result_is_an_event_of_the_person(
    wiring: Wiring, captured: None, sign_in: Browser
) -> None:
    assert sign_in("coder").post(PAGE).status_code in {400, 403}
    assert "Check now</button>" not in sign_in("coder").get(PAGE).text
    client = sign_in("manager")
    assert send(client, PAGE, PAGE).status_code == 302
    until = time.monotonic() + 60
    while job.progress_of(wiring) is not None and time.monotonic() < until:
        time.sleep(0.1)
    assert "is the file that was stored" in client.get(PAGE).text
    with wiring.database.read() as session:
        event = session.scalars(select(Event).where(Event.kind == EventKind.FIXITY_RUN)).one()
        assert event.actor.startswith("op-")


def test_two_runs_are_not_made_at_once_and_one_that_broke_off_is_said(
    wiring: Wiring, captured: None, sign_in: Browser
) -> None:
    (wiring.temporary / "fixity.json").write_text(
        '{"began": "2026-11-25T10:00:00.000000Z", "files": 9, "read": 4, "bad": 1}'
    )
    with (wiring.home / "fixity.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="already"):
            job.run(wiring, SYSTEM)
        assert "4 of 9 files are read" in sign_in("viewer").get(PAGE).text
    page = sign_in("viewer").get(PAGE).text
    assert "broke off after 4 of 9 files" in page
    job.run(wiring, SYSTEM)
    assert "broke off" not in sign_in("viewer").get(PAGE).text


def test_files_stored_since_are_counted_apart(
    wiring: Wiring, captured: None, capture: Callable[[dict[str, str]], None], sign_in: Browser
) -> None:
    job.run(wiring, SYSTEM)
    time.sleep(0.002)
    capture({"http://example.org/later": "<h1>later</h1>"})
    page = sign_in("viewer").get(PAGE).text
    assert "Stored since then" in page


def test_a_process_that_is_killed_lets_the_next_one_run(wiring: Wiring, captured: None) -> None:
    descriptor = os.open(wiring.home / "fixity.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.close(descriptor)
    job.run(wiring, SYSTEM)

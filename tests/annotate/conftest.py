"""A home, an application, and people in it."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from annotate.app import create_app
from annotate.errors import NotFoundError
from annotate.jobs import importing
from annotate.jobs.indexing import index_now
from annotate.models import ImportFile, ImportState, Project, Role
from annotate.services import imports, people, projects
from annotate.wiring import Wiring, make_home, open_home
from archive.capture.exchange import Exchange
from archive.capture.job import CaptureJob, CaptureResult
from archive.capture.outcome import Outcome
from archive.importing.derive import Original
from archive.importing.dispatch import read_original
from archive.importing.found import Findings, Summary, load_summary
from archive.page import read_facts
from archive.text import render_text
from archive.writer import CaptureWriter
from config import Config

PASSWORD = "a long enough password"


@pytest.fixture(scope="session")
def _empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home made once; each test gets a copy of it."""
    home = tmp_path_factory.mktemp("made") / "home"
    make_home(Config().replaced({"home": home})).database.close()
    return home


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as ever, only with less work."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(people, "_hasher", hasher)


@pytest.fixture
def wiring(tmp_path: Path, _empty_home: Path) -> Iterator[Wiring]:
    shutil.copytree(_empty_home, tmp_path / "home")
    made = open_home(Config().replaced({"home": tmp_path / "home", "host_delay": 0}))
    yield made
    made.database.close()


@pytest.fixture
def project(wiring: Wiring) -> Project:
    return make_project(wiring)


def make_project(wiring: Wiring) -> Project:
    """A project with one person of each role; the sign-in name is the role."""
    with wiring.database.write() as session:
        users = {
            role: people.create_user(
                session,
                people.SYSTEM,
                login=role.value,
                password=PASSWORD,
                is_admin=role is Role.OWNER,
            )
            for role in Role
        }
        people.create_user(session, people.SYSTEM, login="stranger", password=PASSWORD)
        owner = people.actor_of(users[Role.OWNER])
        made = projects.create_project(
            session, owner, users[Role.OWNER], slug="study", name="دراسة 研究"
        )
        for role, user in users.items():
            projects.set_member(session, owner, made, user, role)
    return made


@pytest.fixture
def app(wiring: Wiring, project: Project) -> Flask:
    made = create_app(wiring)
    made.config.update(TESTING=False, RATELIMIT_ENABLED=False)
    return made


@pytest.fixture
def sign_in(app: Flask) -> Callable[[str], FlaskClient]:
    """Return a browser in which somebody is signed in."""

    def signed(login: str) -> FlaskClient:
        client = app.test_client()
        answer = send(client, "/sign-in", "/sign-in", login=login, password=PASSWORD)
        assert answer.status_code == 302, answer.text
        return client

    return signed


def send(client: FlaskClient, page: str, action: str, **form: object):
    """Send a form as a browser does: with the token of the page it stands on."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    return client.post(action, data={"csrf_token": token[1] if token else "", **form})


def read_here(original: Original, work: Path, *_: object) -> Summary:
    """Read a file in this process. tests/archive/importing/test_bounded.py has the bounded one,
    and so have some tests of test_imports.py."""
    findings = Findings(work)
    read_original(findings, original)
    findings.end()
    return load_summary(work)


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read and carry out imports here and at once: processes of their own take seconds."""
    monkeypatch.setattr(importing, "kick", importing.work_off)
    monkeypatch.setattr(importing, "read_bounded", read_here)


def import_whole(wiring: Wiring, project: Project, path: Path) -> ImportFile:
    """Bring in a file and take what is proposed of it, as `holdfast import --yes` does."""
    with wiring.database.read() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
    with path.open("rb") as source:
        made = importing.bring(wiring, actor, project.id, path.name, source, limit=10**9)
    importing.work_off(wiring)
    with wiring.database.write() as session:
        row = session.get_one(ImportFile, made.id)
        if row.state is ImportState.FOUND:
            imports.confirm(session, actor, row)
    importing.work_off(wiring)
    with wiring.database.read() as session:
        return session.get_one(ImportFile, made.id)


class FakeEngine:
    """Captures without a network: the page is what the test says."""

    name = "fake"

    def __init__(self, pages: dict[str, str]) -> None:
        self.pages = pages

    def close(self) -> None:
        pass

    def attach(self, writer: CaptureWriter, url: str, at: datetime) -> None:
        """Write more beside the page, where a test wants more."""

    def capture(self, job: CaptureJob) -> CaptureResult:
        now = datetime.now(UTC)
        page = self.pages.get(job.address.exact)
        if page is None:
            raise NotFoundError(job.address.exact)
        writer = CaptureWriter(
            job.warc_path, capture_id=job.capture_id, software="fake", instance=job.instance
        )
        body = page.encode()
        writer.exchange(
            Exchange(
                job.address.target, now, "GET", "/", [], b"", "200 OK",
                [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))],
                io.BytesIO(body), len(body), None, None, None, "document",
            )
        )  # fmt: skip
        self.attach(writer, job.address.target, now)
        made = render_text(page)
        return CaptureResult(
            capture_id=job.capture_id, outcome=Outcome.COMPLETE, reason="",
            warc=writer.finish({}, target=job.address.target), status=200,
            final_url=job.address.target, title=made.title, text=made.text,
            language_claimed=made.language_claimed, facts=read_facts(page), started_at=now,
            finished_at=now, engine="fake", software="fake 1", guard=(), thumbnail_png=None,
        )  # fmt: skip


@pytest.fixture
def capture(wiring: Wiring, project: Project) -> Callable[[dict[str, str]], None]:
    """Capture pages by a fake engine, through queue, worker and index as ever."""
    return lambda pages: capture_pages(wiring, project, pages)


def capture_pages(
    wiring: Wiring, project: Project, pages: dict[str, str], engine: FakeEngine | None = None
) -> None:
    """Capture pages by a fake engine."""
    from annotate.jobs.worker import Worker
    from annotate.services import requests
    from archive.urlkey import Address

    with wiring.database.write() as session:
        owner = people.find_user(session, "owner")
        held = projects.find_project(session, project.slug)
        requests.ask(session, people.actor_of(owner), held, [Address.parse(url) for url in pages])
    worker = Worker(wiring, "test")
    worker._engines["auto"] = engine or FakeEngine(pages)
    while worker.step():
        pass
    index_now(wiring)

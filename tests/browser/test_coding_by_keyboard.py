"""Two people code at the same time in real browsers, with nothing but the keyboard."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import select

from annotate.instrument import table
from annotate.models import Assignment, CodingAnswer, CodingRound, Item, Role, User
from annotate.services import codebooks, items, people, projects, rounds
from annotate.wiring import Wiring, make_home
from archive.capture.browsers import find_browser
from archive.urlkey import Address
from config import Config

ROOT = Path(__file__).resolve().parents[2]
UNITS = 8 if os.environ.get("HOLDFAST_BOUNDED") else 60
CODERS = ("ana", "ben")
expect.set_options(timeout=30_000)  # milliseconds; a busy machine is slow, not wrong
BOOK = (
    "variable,variable_label,type,only_if,missing,code,keystroke\n"
    "include,Does it count? 算吗؟,boolean,,unclear,,\n"
    "frame,Which story?,nominal,include=yes,unclear,food,f\n"
    "frame,,,,,denial,d\n"
    "remark,What else?,text,include=yes,skipped,,\n"
)


class Server:
    """A server of a home that can be killed and come back on the same port."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = "0"
        self.url = ""
        self.start()

    def start(self) -> None:
        command = "from annotate.cli import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", command, "serve", "--port", self.port, "--no-worker"],
            cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "HOLDFAST_HOME": str(self.home), "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self.process.stdout is not None
        found = re.search(r"http://[^\s/]+:(\d+)", self.process.stdout.readline())
        assert found is not None
        self.url, self.port = found[0], found[1]

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def wiring(tmp_path: Path) -> Iterator[Wiring]:
    """A home with two coders and an open round; nothing needs to be captured for coding."""
    made = make_home(Config().replaced({"home": tmp_path / "home"}))
    with made.database.write() as session:
        owner = people.create_user(session, people.SYSTEM, login="owner", is_admin=True)
        actor = people.actor_of(owner)
        project = projects.create_project(session, actor, owner, slug="study", name="研究")
        coders = [people.create_user(session, people.SYSTEM, login=one) for one in CODERS]
        for coder in coders:
            projects.set_member(session, actor, project, coder, Role.CODER)
        for number in range(UNITS):
            address = Address.parse(f"https://example.org/{number}")
            items.ensure_item(session, actor, project, address)
        session.flush()
        found = list(session.scalars(select(Item.id)))
        version = codebooks.create(session, actor, project, table.read_table("Frames", BOOK))
        codebooks.freeze(session, actor, project, version)
        plan = rounds.Plan("Round", "", 0, 1, 2, coders)
        rounds.open_round(session, actor, project, version, plan, found)
    yield made
    made.database.close()


def sign_in(page: Page, wiring: Wiring, server: Server, login: str) -> None:
    with wiring.database.write() as session:
        token = people.make_link(session, people.find_user(session, login), minutes=30)
    page.goto(f"{server.url}/sign-in/link/{token}")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Sign in").press("Enter")


def code_all(wiring: Wiring, server: Server, login: str, failed: list[Exception]) -> None:
    """Code every unit: 1 or 2 for yes and no, a letter for the frame, Ctrl+Enter to seal."""
    try:
        binary = str(find_browser(None))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=binary, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page()
            sign_in(page, wiring, server, login)
            page.goto(f"{server.url}/p/study/coding")
            page.get_by_role("link", name="Go on coding").press("Enter")
            for number in range(UNITS):
                expect(page.get_by_text(f", {number} coded")).to_be_visible()
                expect(page.get_by_role("radio", name="Yes")).to_be_focused()
                if number % 3 == 0:
                    page.keyboard.press("2")
                else:
                    page.keyboard.press("1")
                    expect(page.get_by_text("Which story?")).to_be_visible()
                    page.keyboard.press("f" if login == "ana" else "d")
                    page.keyboard.type(f"嗯 {number}")  # focus went on to the text by itself
                page.keyboard.press("Control+Enter")
            expect(page.get_by_text("All done")).to_be_visible()
            browser.close()
    except (AssertionError, PlaywrightError) as error:
        failed.append(error)


@pytest.mark.slow
@pytest.mark.browser
def test_two_people_code_at_once_by_keyboard(wiring: Wiring) -> None:
    server = Server(wiring.home)
    failed: list[Exception] = []
    threads = [
        threading.Thread(target=code_all, args=(wiring, server, login, failed)) for login in CODERS
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.kill()
    if failed:
        raise failed[0]
    with wiring.database.read() as session:
        rows = session.execute(
            select(User.login, CodingAnswer.answers, CodingRound.version_id)
            .join(Assignment, Assignment.coder_id == User.id)
            .join(CodingAnswer, CodingAnswer.assignment_id == Assignment.id)
            .join(CodingRound, CodingRound.id == Assignment.round_id)
        ).all()
        assert all(one.seconds >= 0 for one in session.scalars(select(CodingAnswer)))
    assert len(rows) == 2 * UNITS
    given = [(login, json.loads(answers)) for login, answers, _version in rows]
    for login, stroke in zip(CODERS, ("food", "denial"), strict=True):
        mine = [answers for one, answers in given if one == login]
        assert sum(one["include"]["values"] == ["no"] for one in mine) == -(-UNITS // 3)
        frames = [one["frame"]["values"] for one in mine if "frame" in one]
        assert frames == [[stroke]] * (UNITS - -(-UNITS // 3))
        remarks = [one["remark"]["values"][0] for one in mine if "remark" in one]
        assert sorted(remarks) == sorted(f"嗯 {n}" for n in range(UNITS) if n % 3)


@pytest.mark.browser
def test_a_killed_server_costs_no_draft(wiring: Wiring) -> None:
    server = Server(wiring.home)
    binary = str(find_browser(None))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=binary, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        sign_in(page, wiring, server, "ana")
        page.goto(f"{server.url}/p/study/coding")
        page.get_by_role("link", name="Go on coding").press("Enter")
        expect(page.get_by_role("radio", name="Yes")).to_be_focused()
        page.keyboard.press("1")
        expect(page.get_by_role("radio", name="food")).to_be_focused()
        page.keyboard.press("d")
        page.keyboard.type("写了一半 نصف")
        expect(page.locator("#saved")).to_have_text("draft kept")
        unit = page.url
        server.kill()
        page.keyboard.type("!")
        expect(page.locator("#saved")).to_contain_text("does not answer")
        server.start()
        page.goto(unit)
        expect(page.get_by_text("your draft is restored")).to_be_visible()
        expect(page.get_by_role("textbox", name="What else?")).to_have_value("写了一半 نصف")
        expect(page.get_by_role("radio", name="denial")).to_be_checked()
        expect(page.get_by_role("radio", name="Yes")).to_be_focused()
        page.keyboard.press("Control+Enter")
        expect(page.get_by_text(", 1 coded")).to_be_visible()
        browser.close()
    server.kill()
    with wiring.database.read() as session:
        answers = json.loads(session.scalars(select(CodingAnswer.answers)).one())
    assert answers["remark"]["values"] == ["写了一半 نصف"]

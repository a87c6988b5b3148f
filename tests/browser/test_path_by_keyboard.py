"""The whole path of a study with nothing but the keyboard: every act is reached by Tab.

From signing in over freezing the codebook, opening a round, coding, revealing and settling to a
number, its list, an item, a tag and a note. Nothing is clicked and nothing is focused by script.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from sqlalchemy import select

from annotate.instrument import table
from annotate.models import Decision, ItemTag, Note, Role
from annotate.services import codebooks, items, people, projects
from annotate.wiring import Wiring, make_home
from archive.capture.browsers import find_browser
from archive.urlkey import Address
from config import Config

expect.set_options(timeout=30_000)  # milliseconds; a busy machine is slow, not wrong
Pressed = Literal["button", "checkbox", "link"]
CODERS = ("ana", "بهار")
FURTHEST = 200  # presses of Tab
BOOK = (
    "variable,variable_label,type,only_if,missing,code,keystroke\n"
    "include,Does it count? 算吗؟,boolean,,unclear,,\n"
)


@pytest.fixture
def wiring(tmp_path: Path) -> Iterator[Wiring]:
    made = make_home(Config().replaced({"home": tmp_path / "home"}))
    with made.database.write() as session:
        owner = people.create_user(session, people.SYSTEM, login="owner")
        actor = people.actor_of(owner)
        project = projects.create_project(session, actor, owner, slug="study", name="研究")
        for login in CODERS:
            coder = people.create_user(session, people.SYSTEM, login=login)
            projects.set_member(session, actor, project, coder, Role.CODER)
        addresses = [Address.parse(f"https://example.org/{n}") for n in range(2)]
        items.ensure_items(session, actor, project, addresses)
        codebooks.create(session, actor, project, table.read_table("Frames", BOOK))
    yield made
    made.database.close()


def reach(page: Page, wanted: Locator) -> None:
    """Press Tab until it has the focus, with a ring that can be seen."""
    expect(wanted).to_be_visible()
    for _press in range(FURTHEST):
        if wanted.evaluate("one => one === document.activeElement"):
            ring = wanted.evaluate(
                "one => getComputedStyle(one).outlineStyle + getComputedStyle(one).outlineWidth"
            )
            assert not ring.startswith("none"), f"no ring around {wanted}"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} is not reached by Tab")


def press(page: Page, role: Pressed, name: str, *, key: str = "Enter") -> None:
    reach(page, page.get_by_role(role, name=name, exact=True).first)
    page.keyboard.press(key)


def write(page: Page, label: str, words: str) -> None:
    reach(page, page.get_by_label(label).first)
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(words)


def sign_in(browser: Browser, wiring: Wiring, served: str, login: str) -> Page:
    with wiring.database.write() as session:
        token = people.make_link(session, people.find_user(session, login), minutes=30)
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{served}/sign-in/link/{token}")
    press(page, "button", "Sign in")
    expect(page.get_by_role("link", name="研究").first).to_be_visible()
    press(page, "link", "研究")
    return page


@pytest.mark.browser
def test_a_study_is_coded_settled_and_counted_by_keyboard(wiring: Wiring, served: str) -> None:
    binary = str(find_browser(None))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=binary, args=["--no-sandbox", "--disable-gpu"]
        )
        owner = sign_in(browser, wiring, served, "owner")
        press(owner, "link", "Code")
        press(owner, "link", "Codebooks")
        reach(owner, owner.locator("main a[href*='/codebooks/']").first)
        owner.keyboard.press("Enter")
        press(owner, "button", "Freeze this version")
        press(owner, "link", "Rounds")
        write(owner, "Name", "Пилот")
        write(owner, "Drawn from what this search finds", "url:example.org")
        for login in CODERS:
            press(owner, "checkbox", login, key="Space")
        press(owner, "button", "Draw and open")

        for login, answer in zip(CODERS, "12", strict=True):
            coder = sign_in(browser, wiring, served, login)
            press(coder, "link", "Code")
            press(coder, "link", "Go on coding")
            for number in range(2):
                expect(coder.get_by_text(f", {number} coded")).to_be_visible()
                expect(coder.get_by_role("radio", name="Yes")).to_be_focused()
                coder.keyboard.press(answer if number else "1")
                coder.keyboard.press("Control+Enter")
            expect(coder.get_by_text("All your units of this round are coded.")).to_be_visible()
            coder.context.close()

        owner.reload()
        press(owner, "checkbox", "I am sure; this cannot be taken back", key="Space")
        press(owner, "button", "Reveal")
        press(owner, "link", "Settle")
        reach(owner, owner.get_by_role("radio").first)
        owner.keyboard.press("Space")
        write(owner, "Why", "Обе страницы показывают одно")
        press(owner, "button", "Settle and next")
        expect(owner.get_by_role("heading", name="All settled")).to_be_visible()

        press(owner, "link", "Library")
        reach(owner, owner.get_by_role("searchbox"))
        owner.keyboard.insert_text("code:include=yes")
        owner.keyboard.press("Enter")
        expect(owner.get_by_text("2 items").first).to_be_visible()
        reach(owner, owner.locator(".row h2 a").first)
        owner.keyboard.press("Enter")
        write(owner, "New tag", "棉花")
        owner.keyboard.press("Enter")
        expect(owner.locator("#tags")).to_contain_text("棉花")
        write(owner, "New note", "ملاحظة")
        press(owner, "button", "Save note")
        expect(owner.locator("#notes")).to_contain_text("ملاحظة")
        browser.close()
    with wiring.database.read() as session:
        assert len(session.scalars(select(Decision)).all()) == 1
        assert len(session.scalars(select(ItemTag)).all()) == 1
        assert [one.text for one in session.scalars(select(Note))] == ["ملاحظة"]

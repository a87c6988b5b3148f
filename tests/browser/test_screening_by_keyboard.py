"""Screening with nothing but the keyboard, in a real browser, with an input method at work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright
from sqlalchemy import select

from annotate.models import Item, Role, Screening, Verdict
from annotate.services import items, people, projects
from annotate.wiring import Wiring, make_home
from archive.capture.browsers import find_browser
from archive.urlkey import Address
from config import Config

expect.set_options(timeout=30_000)  # milliseconds; a busy machine is slow, not wrong


@pytest.fixture
def wiring(tmp_path: Path) -> Iterator[Wiring]:
    made = make_home(Config().replaced({"home": tmp_path / "home"}))
    with made.database.write() as session:
        owner = people.create_user(session, people.SYSTEM, login="owner", is_admin=True)
        actor = people.actor_of(owner)
        project = projects.create_project(session, actor, owner, slug="study", name="研究")
        coder = people.create_user(session, people.SYSTEM, login="ana")
        projects.set_member(session, actor, project, coder, Role.CODER)
        addresses = [Address.parse(f"https://example.org/{n}") for n in range(5)]
        items.ensure_items(session, actor, project, addresses)
    yield made
    made.database.close()


@pytest.mark.browser
def test_a_page_is_screened_by_keyboard(wiring: Wiring, served: str) -> None:
    with wiring.database.write() as session:
        token = people.make_link(session, people.find_user(session, "ana"), minutes=30)
    binary = str(find_browser(None))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=binary, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{served}/sign-in/link/{token}")
        page.get_by_role("button", name="Sign in").press("Enter")
        page.goto(f"{served}/p/study/screening")
        rows = page.locator("li.screen")
        expect(rows.nth(0)).to_be_focused()
        page.keyboard.press("1")
        expect(rows.nth(0).locator("[data-told]")).to_have_text("saved")
        expect(rows.nth(1)).to_be_focused()
        page.keyboard.press("2")
        expect(rows.nth(1).get_by_label("Reason")).to_be_focused()
        # While an input method composes, Enter ends the word and not the row.
        client = page.context.new_cdp_session(page)
        client.send(
            "Input.imeSetComposition", {"text": "没", "selectionStart": 1, "selectionEnd": 1}
        )
        page.evaluate(
            "document.activeElement.dispatchEvent(new KeyboardEvent('keydown',"
            " {key: 'Enter', bubbles: true, isComposing: true}))"
        )
        expect(rows.nth(1).get_by_label("Reason")).to_be_focused()
        client.send("Input.insertText", {"text": "没有脸"})
        page.keyboard.press("Enter")
        expect(rows.nth(1).locator("[data-told]")).to_have_text("saved")
        expect(rows.nth(2)).to_be_focused()
        page.keyboard.press("j")
        page.keyboard.press("1")
        expect(rows.nth(3).locator("[data-told]")).to_have_text("saved")
        page.keyboard.press("z")
        expect(rows.nth(3).get_by_role("radio", name="Undecided")).to_be_checked()
        expect(rows.nth(3)).to_be_focused()
        expect(page.get_by_text("2 of 5 on this page decided")).to_be_visible()
        browser.close()
    with wiring.database.read() as session:
        held = {
            one.item_id: (one.verdict, one.reason) for one in session.scalars(select(Screening))
        }
        ids = list(session.scalars(select(Item.id).order_by(Item.id)))
    assert held[ids[0]] == (Verdict.INCLUDED, "")
    assert held[ids[1]] == (Verdict.EXCLUDED, "没有脸")
    assert held[ids[3]] == (None, "")
    assert ids[2] not in held

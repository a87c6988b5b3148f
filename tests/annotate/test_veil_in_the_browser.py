"""Sensitive items in a real browser: blurred, out of reach, silent, and lifted by the keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from conftest import PASSWORD
from flask import Flask
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import select

from annotate.instrument import table
from annotate.models import (
    Assignment,
    Capture,
    CodingAnswer,
    CodingDraft,
    Item,
    PictureChoice,
    Project,
)
from annotate.services import codebooks, people, projects, rounds, sensitive, veils
from annotate.wiring import Wiring
from archive.capture.browsers import find_browser
from tests.serving import serving

PAGES = {
    f"https://example.org/{n}": f"<html><title>القطن {n} 棉花</title><p>words {n}</p>"
    '<video autoplay src="clip.mp4"></video></html>'
    for n in range(2)
}
BLURRED = "el => getComputedStyle(el).filter"


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    with serving(app) as address:
        yield address


@pytest.fixture
def places(wiring: Wiring, project: Project, capture: Callable) -> dict[str, str]:
    """Where a sensitive item is met: its page, its capture alone, the coding stream, settling."""
    capture(PAGES)
    thumbnails = wiring.home / "cache" / "thumbnails"
    thumbnails.mkdir(parents=True, exist_ok=True)
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        held = projects.find_project(session, "study")
        book = table.read_table("Book", "variable,type,code\ninclude,boolean,\n")
        version = codebooks.create(session, actor, held, book)
        codebooks.freeze(session, actor, held, version)
        found = list(session.scalars(select(Item.id).order_by(Item.id)))
        coders = [people.find_user(session, one) for one in ("coder", "manager")]
        plan = rounds.Plan("First", "", 0, 1, 2, coders)
        rounds.open_round(session, actor, held, version, plan, found)
        unit = session.scalars(
            select(Assignment.id).where(
                Assignment.coder_id == coders[0].id, Assignment.item_id == found[0]
            )
        ).one()
        sensitive.mark(session, actor, held, session.get_one(Item, found[0]), "دم 血")
        taken = session.scalars(select(Capture).where(Capture.item_id == found[0])).one()
        taken.has_thumbnail = True
        from annotate import events
        from annotate.models import EventKind

        events.record(
            session, EventKind.CAPTURE_STORE, actor=actor, covers=[taken], project_id=held.id
        )
        (thumbnails / f"{taken.id}.png").write_bytes(PNG)
    return {
        "item": f"/p/study/items/{found[0]}",
        "alone": f"/c/{taken.id}/view",
        "unit": f"/p/study/coding/unit/{unit}",
    }


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63"
    "f8cfc0f01f0005000201a5f6450a0000000049454e44ae426082"
)


@pytest.mark.browser
def test_it_is_blurred_and_silent_until_lifted_by_the_keyboard(
    served: str, places: dict[str, str]
) -> None:
    binary = str(find_browser(None))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=binary, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        sign_in(page, served)
        for name, place in places.items():
            page.goto(served + place)
            frame = page.locator(".frame iframe")
            assert "blur" in frame.evaluate(BLURRED), name
            expect(page.locator("[inert] iframe")).to_have_count(1)
            film = page.frame_locator(".frame iframe").locator("video")
            expect(film).to_have_attribute("muted", "")
            assert film.evaluate("el => [el.muted, el.autoplay, el.paused]") == [True, False, True]
            if name == "unit":
                page.locator("input[type=radio]").first.check()
            page.locator("[data-veil-ask] button").focus()
            page.keyboard.press("Enter")
            expect(page.locator("[inert]")).to_have_count(0)
            assert frame.evaluate(BLURRED) == "none", name
            assert page.url == served + place, "the address does not remember it"
            if name == "unit":  # what was typed beside it is still there
                expect(page.locator("input[type=radio]").first).to_be_checked()
            page.reload()
            assert "blur" in frame.evaluate(BLURRED), "lifted for one view only"
        page.goto(f"{served}/p/study/")
        thumb = page.locator("img.thumb")
        assert "blur" in thumb.evaluate(BLURRED)
        page.get_by_role("button", name="Show the picture of").press("Enter")
        assert thumb.evaluate(BLURRED) == "none"
        expect(page.locator(".snippet").first).to_be_visible()
        browser.close()


@pytest.mark.browser
def test_without_a_script_the_button_asks_for_the_page_again(
    served: str, places: dict[str, str]
) -> None:
    binary = str(find_browser(None))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=binary, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(java_script_enabled=False).new_page()
        sign_in(page, served)
        page.goto(served + places["item"])
        expect(page.locator(".veiled")).to_have_count(1)
        page.locator("[data-veil-ask] button").press("Enter")
        expect(page.locator(".veil-lifted")).to_have_count(1)
        expect(page.locator(".veiled")).to_have_count(0)
        page.goto(f"{served}/p/study/?q=القطن")
        page.get_by_role("button", name="Show the picture of").press("Enter")
        expect(page.locator("img.thumb")).to_have_count(1)
        expect(page.locator(".veiled")).to_have_count(0)
        assert "q=" in page.url
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("choice", [PictureChoice.ASK, PictureChoice.AVOID])
def test_without_a_script_unsent_answers_are_kept_as_a_draft_on_the_way(
    served: str, places: dict[str, str], wiring: Wiring, choice: PictureChoice
) -> None:
    with wiring.database.write() as session:
        coder = people.find_user(session, "coder")
        held = projects.find_project(session, "study")
        veils.choose(session, people.actor_of(coder), held, coder, choice)
    binary = str(find_browser(None))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=binary, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(java_script_enabled=False).new_page()
        sign_in(page, served)
        page.goto(served + places["unit"])
        page.locator("input[type=radio]").first.check()
        page.get_by_text("Remark", exact=True).click()
        page.locator("textarea[name='m.include']").fill("ملاحظة 备注")
        page.locator("[data-veil-ask] button").press("Enter")
        expect(page.locator(".veil-lifted")).to_have_count(1)
        expect(page.locator("input[type=radio]").first).to_be_checked()
        expect(page.locator("textarea[name='m.include']")).to_have_value("ملاحظة 备注")
        expect(page.locator("#saved")).to_have_text("your draft is restored")
        with wiring.database.read() as session:
            kept = session.scalars(select(CodingDraft.answers)).one()
            assert "备注" in kept
            assert not session.scalars(select(CodingAnswer)).all(), "nothing was sealed"
        # Enter in a field seals, as it does where there is no veil, and shows nothing.
        page.goto(served + places["unit"])
        expect(page.locator(".veil-lifted")).to_have_count(0)
        page.locator("input[type=radio]").first.press("Enter")
        expect(page.get_by_text("Saved and sealed.")).to_be_visible()
        browser.close()


def sign_in(page: Page, served: str) -> None:
    page.goto(f"{served}/sign-in")
    page.locator("input[name=login]").fill("coder")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button").click()

"""The main job in a real browser: from an address to a searched, tagged, noted, exported item."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from annotate.commands.demo import site_running
from annotate.demo.study import PACKAGED_STUDY, load_study
from annotate.services import people, projects
from annotate.wiring import make_home
from archive.capture.browsers import find_browser
from config import Config

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("zh", "ar", "ug")


@dataclass(frozen=True)
class Running:
    """A server, the demo's site, and sign-in links."""

    url: str
    site: str
    links: list[str]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with site_running(PACKAGED_STUDY, 0) as port:
        wiring = make_home(Config().replaced({"home": tmp_path / "home"}))
        tokens = []
        with wiring.database.write() as session:
            for login in ("first", "second"):
                user = people.create_user(session, people.SYSTEM, login=login)
                tokens.append(people.make_link(session, user, minutes=30))
            owner = people.find_user(session, "first")
            made = projects.create_project(
                session, people.actor_of(owner), owner, slug="study", name="研究 دراسة"
            )
            role = projects.Role.CODER
            projects.set_member(session, people.actor_of(owner), made, user, role)
        server = subprocess.Popen(
            [sys.executable, "-c", "from annotate.cli import main; main()", "serve", "--port", "0"],
            cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "HOLDFAST_HOME": str(wiring.home), "HOLDFAST_ENGINE": "http",
                 "HOLDFAST_GUARD_ALLOW": f"127.0.0.1:{port}", "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found is not None
        url = found[0]
        yield Running(
            url, f"http://127.0.0.1:{port}", [f"{url}/sign-in/link/{one}" for one in tokens]
        )
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)
        server.stdout.close()


def sign_in(browser: Browser, link: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    return page


@pytest.mark.browser
def test_from_an_address_to_a_found_item(running: Running) -> None:
    binary = find_browser(None)
    assert binary is not None, "no Chromium that starts: make setup finds or installs one"
    posts = [
        next(post for post in load_study(PACKAGED_STUDY).posts if post.lang == language)
        for language in LANGUAGES
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        first, second = (sign_in(browser, link) for link in running.links)
        faults: list[str] = []
        for page in (first, second):
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        library = f"{running.url}/p/study/"
        first.goto(f"{library}queue")
        first.get_by_label("One a line").fill("\n".join(running.site + post.url for post in posts))
        first.get_by_role("button", name="Capture").click()
        expect(first.locator("#requests .badge.complete")).to_have_count(3, timeout=30_000)

        for post in posts:
            first.goto(f"{library}?q=url:{post.url.rpartition('/')[2]}")
            first.locator(".row h2 a").first.click()
            framed = first.frame_locator("iframe")
            expect(framed.locator("article")).to_contain_text(post.text[-12:])
            first.get_by_role("link", name="Text", exact=True).click()
            expect(first.locator(".evidence-text")).to_contain_text(post.text[-12:])

        first.goto(f"{library}?q=url:{posts[0].url.rpartition('/')[2]}")
        first.locator(".row h2 a").first.click()
        address = first.url
        second.goto(address)
        first.get_by_label("New note").fill("Найдено в ленте, источник جهة")
        first.get_by_role("button", name="Save note").click()
        first.get_by_label("New tag").fill("خلافات")
        first.locator("#tags").get_by_role("button", name="Add").click()
        expect(second.locator("#tags")).to_contain_text("خلافات", timeout=10_000)
        expect(second.locator("#notes")).to_contain_text("Найдено", timeout=10_000)

        word = re.search(r"[\u4e00-\u9fff]{2}", posts[0].text)
        assert word is not None
        for query in (word[0], 'tag:"خلافات"', "Найдено", "captured:2020.."):
            second.goto(library)
            for _attempt in range(20):
                second.get_by_role("searchbox").fill(query)
                second.get_by_role("button", name="Search").click()
                if second.locator(".row h2 a").count():
                    break
                second.wait_for_timeout(300)
            expect(second.locator(".rows")).to_contain_text(posts[0].url)
        with second.expect_download() as download:
            second.get_by_role("link", name="CSV").click()
        assert posts[0].url in download.value.path().read_text("utf-8-sig")
        assert not faults
        browser.close()

"""Marking in a real browser: in the text, in the page as captured, on pictures, in films."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from conftest import PASSWORD
from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import select
from waitress.server import create_server

from annotate.models import Annotation, Capture, Rendition
from annotate.wiring import Wiring
from archive.capture.browsers import find_browser

pytestmark = pytest.mark.browser
ADDRESS = "https://example.org/post"
FLAGS = "\U0001f1f9\U0001f1f7\U0001f1e8\U0001f1f3"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
# What is selected, from which element, and what has to be marked: whole visible characters.
SELECTED = {
    "zh": ("棉花丰", "棉花丰"),
    "ar": ("القُط", "القُطْ"),  # the vowel sign belongs to the letter before it
    "ug": ("پاختا تې", "پاختا تې"),
    "flag": (FLAGS[1:3], FLAGS),  # half of each of two flags
    "family": (FAMILY[:3], FAMILY),  # a man and the joiner and a woman, of three
    "accent": ("cafe", "cafe\u0301"),
    "split": ("cotton harv", "cotton harv"),  # across inline elements and spaces
    "second": ("twice", "twice"),
}
MARKUP = f"""<!DOCTYPE html><html lang=zh><head><title>Post</title><style>p {{ color: #222 }}</style></head>
<body><script>document.title = "never"</script><p id=first>twice said</p>
<p id=zh>新疆<b>棉花</b>丰收了</p><p id=ar dir=rtl>القُطْن في كاشغر</p>
<p id=ug dir=rtl>پاختا تېرىش ۋە يىغىش</p><p id=flag>x{FLAGS}y</p><p id=family>a {FAMILY} b</p>
<p id=accent>le cafe\u0301 noir</p><p id=split>cot<i>ton
   </i> <u>harvest</u></p><textarea>twice typed</textarea><p hidden>twice hidden</p>
<div id=second>said <span>twice</span> and done</div></body></html>"""


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(10)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    binary = str(find_browser(None))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=binary, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def sign_in(chromium: Browser, served: str, login: str = "coder", **options: object) -> Page:
    page = chromium.new_context(**options).new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{served}/sign-in")
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button").click()
    return page


# Selects letters of the text below an element, wherever its nodes begin and end; runs in our page.
SELECT = """([frame, id, from, length]) => {
  const page = frame ? document.querySelector(".frame iframe").contentDocument : document;
  const root = page.getElementById(id);
  const walker = page.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const range = page.createRange();
  let passed = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const end = passed + node.data.length;
    if (passed <= from && from < end) range.setStart(node, from - passed);
    if (passed < from + length && from + length <= end) range.setEnd(node, from + length - passed);
    passed = end;
  }
  page.getSelection().removeAllRanges();
  page.getSelection().addRange(range);
}"""
PAINTED = """() => [...document.querySelector(".frame iframe").contentWindow.CSS.highlights
  .get("holdfast") ?? []].map((range) => range.toString().replace(/\\s+/g, " "))"""
INSIDE = "() => document.querySelector('.frame iframe').contentDocument.documentElement.outerHTML"


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_words_are_marked_in_the_page_exactly_and_painted_without_changing_it(
    chromium: Browser, served: str, capture: Callable, wiring: Wiring
) -> None:
    capture({ADDRESS: MARKUP})
    with wiring.database.read() as session:
        taken = session.scalars(select(Capture)).one()
        text = session.get_one(Rendition, taken.id).text
    here = f"{served}/p/study/items/{taken.item_id}/highlights?on=page"
    page = sign_in(chromium, served)
    page.goto(here)
    inner = page.frame_locator(".frame iframe")
    expect(inner.locator("#zh")).to_be_visible()
    before = page.evaluate(INSIDE)
    for name, (selected, marked) in SELECTED.items():
        expect(inner.locator(f"#{name}")).to_be_visible()
        whole = page.evaluate(
            "(id) => document.querySelector('.frame iframe').contentDocument.getElementById(id)"
            ".textContent",
            name,
        )
        start, length = place_of(whole, selected)
        page.evaluate(SELECT, [True, name, start, length])
        expect(page.locator("#mark textarea[name=quote]")).to_have_value(marked)
        page.get_by_role("button", name="Highlight", exact=True).click()
        expect(page.get_by_text("Highlighted.")).to_be_visible()
    expect(page.locator("#said")).to_have_text("8 highlights are painted in the page.")
    painted = page.evaluate(PAINTED)
    assert sorted(painted) == sorted(marked for _selected, marked in SELECTED.values())
    assert page.evaluate(INSIDE) == before, "the archived page is as it was"
    with wiring.database.read() as session:
        rows = session.scalars(select(Annotation)).all()
    assert [one.exact for one in rows] == [text[one.start : one.end] for one in rows]
    assert sorted(one.exact for one in rows) == sorted(painted)
    second = next(one for one in rows if one.exact == "twice")
    assert second.start == text.rindex("twice"), "the second of two, not the first"
    page.get_by_role("button", name="Show it in the page").first.click()
    page.get_by_role("link", name="Text (8)").click()
    assert page.locator("#text mark").count() == 8
    page.context.close()


def place_of(whole: str, selected: str) -> tuple[int, int]:
    """Where letters stand in a text, in UTF-16 units, spaces of the text being passed over."""
    for start in range(len(whole)):
        for end in range(start + 1, len(whole) + 1):
            if " ".join(whole[start:end].split()) == selected:
                return utf16(whole[:start]), utf16(whole[start:end])
    raise AssertionError(selected)


@pytest.mark.parametrize("name", ["zh", "ar", "ug", "flag", "family", "accent"])
def test_words_are_marked_in_the_text_exactly(
    chromium: Browser, served: str, capture: Callable, wiring: Wiring, name: str
) -> None:
    capture({ADDRESS: MARKUP})
    with wiring.database.read() as session:
        taken = session.scalars(select(Capture)).one()
        text = session.get_one(Rendition, taken.id).text
    selected, marked = SELECTED[name]
    page = sign_in(chromium, served)
    page.goto(f"{served}/p/study/items/{taken.item_id}/highlights")
    start = utf16(text[: text.index(selected)])
    page.evaluate(SELECT, [False, "text", start, utf16(selected)])
    expect(page.locator("#mark textarea[name=quote]")).to_have_value(marked)
    page.get_by_role("button", name="Highlight", exact=True).click()
    expect(page.locator("#text mark")).to_have_text(marked)
    with wiring.database.read() as session:
        one = session.scalars(select(Annotation)).one()
    assert (one.exact, text[one.start : one.end]) == (marked, marked)
    page.context.close()

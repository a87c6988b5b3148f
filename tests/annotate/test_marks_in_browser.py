"""Marking in a real browser: in the text, in the page as captured, on pictures, in films."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import PASSWORD, capture_pages
from flask import Flask
from pictured import WIDTH, PicturedEngine
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import select

from annotate.instrument import table
from annotate.models import (
    Annotation,
    Assignment,
    Capture,
    CodingAnswer,
    Item,
    Project,
    Rendition,
)
from annotate.selectors.media import MediaMark, Region, TimeRange
from annotate.services import annotating, codebooks, people, projects, rounds, sources
from annotate.services.viewing import Viewing
from annotate.wiring import Wiring
from archive.capture.browsers import find_browser
from tests.serving import serving

pytestmark = pytest.mark.browser
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
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
<body><script>document.title = "never"</script><img id=getSelection name=getSelection src=x>
<div id=CSS></div><div id=Highlight></div><article data-start=0 data-end=3></article><p id=first>twice said</p>
<p id=zh>新疆<b>棉花</b>丰收了</p><p id=ar dir=rtl>القُطْن في كاشغر</p>
<p id=ug dir=rtl>پاختا تېرىش ۋە يىغىش</p><p id=flag>x{FLAGS}y</p><p id=family>a {FAMILY} b</p>
<p id=accent>le cafe\u0301 noir</p><p id=split>cot<i>ton
   </i> <u>harvest</u></p><textarea>twice typed</textarea><p hidden>twice hidden</p>
<div id=second>said <span>twice</span> and done</div></body></html>"""


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    with serving(app) as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    binary = str(find_browser(None))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=binary,
            args=["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()


@pytest.fixture
def pictured(wiring: Wiring, project: Project) -> Capture:
    """A capture with two pictures and a sound."""
    pages = {ADDRESS: MARKUP}
    capture_pages(wiring, project, pages, PicturedEngine(pages))
    with wiring.database.read() as session:
        return session.scalars(select(Capture)).one()


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


def test_words_are_marked_in_the_text_exactly(
    chromium: Browser, served: str, capture: Callable, wiring: Wiring
) -> None:
    capture({ADDRESS: MARKUP})
    with wiring.database.read() as session:
        taken = session.scalars(select(Capture)).one()
        text = session.get_one(Rendition, taken.id).text
    page = sign_in(chromium, served)
    page.goto(f"{served}/p/study/items/{taken.item_id}/highlights")
    names = ("zh", "ar", "ug", "flag", "family", "accent")
    for name in names:
        selected, marked = SELECTED[name]
        start = utf16(text[: text.index(selected)])
        page.evaluate(SELECT, [False, "text", start, utf16(selected)])
        expect(page.locator("#mark textarea[name=quote]")).to_have_value(marked)
        page.get_by_role("button", name="Highlight", exact=True).click()
        expect(page.locator("#text mark", has_text=marked)).to_have_count(1)
        page.wait_for_load_state("domcontentloaded")
    with wiring.database.read() as session:
        rows = session.scalars(select(Annotation)).all()
    assert sorted(one.exact for one in rows) == sorted(SELECTED[name][1] for name in names)
    assert [one.exact for one in rows] == [text[one.start : one.end] for one in rows]
    page.context.close()


@pytest.mark.parametrize("zoom", [0.5, 1, 2])
def test_a_region_is_drawn_in_natural_pixels_at_any_zoom(
    chromium: Browser, served: str, pictured: Capture, wiring: Wiring, zoom: float
) -> None:
    """A browser's zoom makes the window smaller in CSS pixels, and each of them larger."""
    size = {"width": round(1280 / zoom), "height": round(900 / zoom)}
    page = sign_in(chromium, served, viewport=size, device_scale_factor=zoom)
    here = f"{served}/p/study/items/{pictured.item_id}/highlights?on=pictures"
    page.goto(here)
    svg = page.locator("svg.picture").first
    page.evaluate("document.querySelector('.picture-frame').scrollIntoView()")
    box = svg.bounding_box()
    scale = box["width"] / WIDTH
    corners = (200, 120), (520, 330)
    (left, top), (right, bottom) = (
        (box["x"] + x * scale, box["y"] + y * scale) for x, y in corners
    )
    page.mouse.move(right, bottom)
    page.mouse.down()
    page.mouse.move(left + 40, top + 40, steps=4)
    page.mouse.move(left, top)
    page.mouse.up()
    drawn = [int(page.locator(f"[name='r.{name}']").input_value()) for name in "xywh"]
    off = 1 + 1 / scale  # a mouse stands on whole CSS pixels
    assert drawn == pytest.approx([200, 120, 320, 210], abs=2 * off)
    shown = page.locator("rect.drawn").bounding_box()
    assert shown["x"] == pytest.approx(left, abs=3)
    assert shown["y"] == pytest.approx(top, abs=3)
    expect(page.locator("rect.drawn")).to_be_focused()
    for stroke in ("ArrowRight", "Alt+ArrowDown", "Shift+ArrowLeft", "Alt+Shift+ArrowDown"):
        page.keyboard.press(stroke)
    moved = [drawn[0] + 1, drawn[1] + 10, drawn[2] - 1, drawn[3] + 10]
    for name, value in zip("xywh", moved, strict=True):
        expect(page.locator(f"[name='r.{name}']")).to_have_value(str(value))
    page.locator("[name='r.w']").fill("333")
    expect(page.locator("rect.drawn")).to_have_attribute("width", "333")
    page.get_by_role("button", name="Mark the region").click()
    expect(page.get_by_text("Marked.")).to_be_visible()
    page.wait_for_load_state()  # words count as visible before the style sheet has come
    moved[2] = 333
    with wiring.database.read() as session:
        one = session.scalars(select(Annotation)).one()
    assert one.fragment == "xywh=pixel:" + ",".join(str(number) for number in moved)
    box = page.locator("svg.picture").first.bounding_box()
    kept = page.locator("svg.picture rect.region").first.bounding_box()
    line = 4  # CSS pixels of the frame drawn around it
    assert (kept["x"] - box["x"]) == pytest.approx(moved[0] * box["width"] / WIDTH, abs=line)
    assert kept["width"] == pytest.approx(333 * box["width"] / WIDTH, abs=2 * line)
    page.context.close()


def test_a_range_of_a_sound_is_marked_by_buttons_and_played_alone(
    chromium: Browser, served: str, pictured: Capture, wiring: Wiring
) -> None:
    page = sign_in(chromium, served)
    page.goto(f"{served}/p/study/items/{pictured.item_id}/highlights?on=films")
    for seconds, button in ((1.25, "Start here"), (2, "End here")):
        page.evaluate(SEEK, seconds)
        page.get_by_role("button", name=button).click()
    page.get_by_role("button", name="Mark the range").click()
    expect(page.get_by_text("0:01.25 to 0:02", exact=True)).to_be_visible()
    with wiring.database.read() as session:
        assert session.scalars(select(Annotation)).one().fragment == "t=npt:1.25,2"
    page.get_by_text("Play this range").click()
    begun, ended = page.evaluate(PLAY)
    assert begun == pytest.approx(1.25, abs=0.2)
    assert ended == pytest.approx(2, abs=0.4)
    page.context.close()


# A sound is sought to and played where its element stands; both end when the browser says so.
SEEK = """(seconds) => new Promise((done) => {
  const sound = document.querySelector(".film");
  const seek = () => { sound.onseeked = () => done(); sound.currentTime = seconds; };
  if (sound.readyState) seek(); else sound.onloadedmetadata = seek;
})"""
PLAY = """() => new Promise((done, failed) => {
  const sound = document.querySelector("article .film");
  let begun = null;
  sound.ontimeupdate = () => { begun ??= sound.currentTime; };
  sound.onpause = () => done([begun, sound.currentTime]);
  sound.onerror = () => failed(new Error("not played"));
  sound.play().catch(failed);
})"""
BOOK = (
    "variable,type,missing,code,evidence_required,keystroke\n"
    "frame,nominal,unclear,food,yes,f\nframe,,,denial,,d\n"
)


@pytest.mark.parametrize("kind", ["quote", "region", "time"])
def test_a_coder_takes_evidence_by_one_key(
    chromium: Browser, served: str, pictured: Capture, wiring: Wiring, kind: str
) -> None:
    page = sign_in(chromium, served)
    page.goto(f"{served}{open_unit(wiring)}")
    expect(page.frame_locator(".frame iframe").locator("#ar")).to_be_visible()
    page.get_by_role("radio", name="food").check()
    if kind == "quote":
        page.evaluate(SELECT, [True, "ar", 0, 3])
        field = page.locator("textarea[name='q.frame']")
        for _ in range(50):  # the text of the capture may still be on its way
            page.get_by_role("radio", name="food").press("h")
            if field.input_value():
                break
            page.wait_for_timeout(100)
        expect(field).to_have_value("القُ")
    elif kind == "region":
        page.get_by_text("Its pictures").click()
        svg = page.locator("svg.picture").first
        svg.scroll_into_view_if_needed()
        box = svg.bounding_box()
        page.mouse.move(box["x"] + 10, box["y"] + 10)
        page.mouse.down()
        page.mouse.move(box["x"] + 60, box["y"] + 40, steps=3)
        page.mouse.up()
        page.get_by_role("radio", name="food").press("r")
        expect(page.locator(".marks input")).to_be_checked()
    else:
        page.get_by_text("Its films and sound").click()
        for seconds, button in ((0.5, "Start here"), (1.5, "End here")):
            page.evaluate(SEEK, seconds)
            page.get_by_role("button", name=button).click()
        page.get_by_role("radio", name="food").press("t")
        expect(page.locator(".marks")).to_contain_text("0.5 s to 1.5 s")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Saved and sealed.")).to_be_visible()
    with wiring.database.read() as session:
        held = json.loads(session.scalars(select(CodingAnswer.selectors)).one())["frame"]
    if kind == "quote":
        assert held["exact"] == "القُ"
    else:
        value = held["marks"][0]["selector"]["value"]
        assert value == "t=npt:0.5,1.5" if kind == "time" else value.startswith("xywh=pixel:")
    page.context.close()


def open_unit(wiring: Wiring) -> str:
    """Open a blind round of one coder on the captured item; return the address of the unit."""
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        held = projects.find_project(session, "study")
        version = codebooks.create(session, actor, held, table.read_table("Frames", BOOK))
        codebooks.freeze(session, actor, held, version)
        plan = rounds.Plan("Round", "", 0, 1, 1, [people.find_user(session, "coder")])
        found = list(session.scalars(select(Item.id)))
        rounds.open_round(session, actor, held, version, plan, found)
        return f"/p/study/coding/unit/{session.scalars(select(Assignment.id)).one()}"


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 390)])
def test_axe_finds_nothing_where_there_is_something_to_mark(
    chromium: Browser, served: str, pictured: Capture, wiring: Wiring, dark: bool, width: int
) -> None:
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "coder"))
        held = projects.find_project(session, "study")
        capture = session.get_one(Capture, pictured.id)
        found = sources.of_capture(session, Viewing(wiring.store), capture)
        marks = [MediaMark(found[0].uri, Region(5, 6, 700, 80)),
                 MediaMark(found[2].uri, TimeRange(Decimal(1), Decimal(2)))]  # fmt: skip
        for mark in marks:
            annotating.add_media(session, actor, held, capture, found, mark, body="ملاحظة 注")
        annotating.add(session, actor, held, capture, quote="棉花丰收")
    unit = open_unit(wiring)
    again = {ADDRESS: "<title>Post</title><p>新疆棉花又丰收了"}
    capture_pages(wiring, held, again, PicturedEngine(again))
    base = f"/p/study/items/{pictured.item_id}/highlights?capture={pictured.id}&on="
    light = "dark" if dark else "light"
    page = sign_in(chromium, served, bypass_csp=True, color_scheme=light,
                   viewport={"width": width, "height": 900})  # fmt: skip
    wrong = []
    for address in (*(base + on for on in ("page", "pictures", "films")), "/p/study/highlights"):
        page.goto(served + address)
        wrong += objections(page, address, width)
    token = page.context.request.get(f"{served}{unit}").text()
    form = {"csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', token)[1]}
    form |= {"v.frame": "food", "e.frame": str(marks[0]), "seconds": "1"}
    kept = page.context.request.post(f"{served}{unit}/draft", form=form)
    assert kept.ok, kept.text()
    page.goto(served + unit)
    for words in ("Its pictures", "Its films and sound", "A region of the picture"):
        page.get_by_text(words).click()
    wrong += objections(page, unit, width)
    page.context.close()
    assert not wrong, "\n".join(wrong)


def objections(page: Page, address: str, width: int) -> list[str]:
    found = [
        f"{address}: {one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in Axe().run(page, options=RULES).response["violations"]
    ]
    wide = page.evaluate("document.documentElement.scrollWidth")
    return found + ([f"{address}: {wide} px wide"] if wide > width + 1 else [])

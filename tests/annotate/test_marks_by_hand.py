"""Marking with a mouse in Chromium and in Firefox, at a zoom of 50, 100 and 200 per cent."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import hands
import pytest
from conftest import PASSWORD
from firefox import find_firefox
from hands import Hand, click, until
from pictured import WIDTH
from sqlalchemy import select
from test_marks_in_browser import MARKUP
from test_marks_in_browser import pictured as pictured_capture
from test_marks_in_browser import served as served_app

from annotate.models import Annotation, Capture
from annotate.wiring import Wiring
from archive.capture.browsers import find_browser

pytestmark = pytest.mark.browser
pictured, served = pictured_capture, served_app  # the fixtures
# Which letters of an element the mouse goes over, and what has to be marked.
DRAGGED = {
    "zh": (2, 3, "棉花丰"),  # out of an element in the middle of a line
    "ug": (0, 5, "پاختا"),  # from the right to the left
    "split": (0, 6, "cotton"),
    "second": (5, 5, "twice"),  # the second of two
}
# Where the first of these letters begins and the last ends, on the window.
ENDS = """((page, frame, id, from, length) => {
  const root = page.getElementById(id);
  root.scrollIntoView({ block: "center" });
  frame?.scrollIntoView({ block: "center" });
  const walker = page.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const boxes = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (let unit = 0; unit < node.data.length; unit += 1) {
      const range = page.createRange();
      range.setStart(node, unit);
      range.setEnd(node, unit + 1);
      boxes.push(range.getBoundingClientRect());
    }
  }
  const [first, last] = [boxes[from], boxes[from + length - 1]];
  const around = frame?.getBoundingClientRect();
  const [left, top] = frame ? [around.left + frame.clientLeft, around.top + frame.clientTop] : [0, 0];
  const back = last.left < first.left;
  return [[left + (back ? first.right - 1 : first.left + 1), top + (first.top + first.bottom) / 2],
          [left + (back ? last.left + 1 : last.right - 1), top + (last.top + last.bottom) / 2]];
})"""
FRAME = 'document.querySelector(".frame iframe")'
PAINTED = f"[...{FRAME}.contentWindow.CSS.highlights.get('holdfast') ?? []].map(String)"


@pytest.fixture(params=["chromium", "firefox"])
def started(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[float], AbstractContextManager[Hand]]:
    """Start a browser at a zoom."""
    if request.param == "chromium":
        return lambda zoom: hands.chromium(str(find_browser(None)), tmp_path / "profile", zoom)
    binary = find_firefox()
    if binary is None:
        pytest.skip("no Firefox is installed: sh scripts/firefox.sh")
    return lambda zoom: hands.firefox(binary, tmp_path / "profile", zoom)


def sign_in(hand: Hand, served: str) -> None:
    hand.open(f"{served}/sign-in")
    filled = json.dumps({"login": "coder", "password": PASSWORD})
    hand.run(
        f"Object.entries({filled}).map(([name, value]) =>"
        " { document.querySelector(`input[name=${name}]`).value = value; })"
    )
    click(hand, "main button")
    until(hand, "!location.pathname.startsWith('/sign-in') && document.readyState === 'complete'")


def value_of(name: str) -> str:
    return f"document.querySelector('#mark [name={json.dumps(name)}]').value"


@pytest.mark.parametrize("zoom", [0.5, 1, 2])
def test_words_are_marked_in_the_page_and_in_its_text_with_the_mouse(
    started: Callable, served: str, capture: Callable, wiring: Wiring, zoom: float
) -> None:
    capture({"https://example.org/post": MARKUP})
    with wiring.database.read() as session:
        item_id = session.scalars(select(Capture.item_id)).one()
    here = f"{served}/p/study/items/{item_id}/highlights"
    with started(zoom) as hand:
        sign_in(hand, served)
        hand.open(f"{here}?on=page")
        assert hand.run("devicePixelRatio") == zoom, "the zoom is real"
        before = hand.run(f"{FRAME}.contentDocument.documentElement.outerHTML")
        for number, (name, (start, length, marked)) in enumerate(DRAGGED.items(), start=1):
            until(hand, f"{FRAME}.contentDocument.getElementById('{name}') !== null")
            until(hand, "document.getElementById('said') !== null")
            ends = hand.run(
                f"{ENDS}({FRAME}.contentDocument, {FRAME}, '{name}', {start}, {length})"
            )
            hand.drag(*ends)
            assert until(hand, value_of("quote")) == marked, name
            click(hand, "#mark > button")
            until(hand, f"document.querySelectorAll('[data-start]').length === {number}")
            until(hand, f"{PAINTED}.length === {number}")
        assert sorted(hand.run(PAINTED)) == sorted(marked for *_place, marked in DRAGGED.values())
        assert hand.run(f"{FRAME}.contentDocument.documentElement.outerHTML") == before
        hand.open(here)
        text = hand.run("document.getElementById('text').textContent")
        start = text.index("harvest")
        hand.drag(
            *hand.run(
                f"{ENDS}(document, null, 'text', {len(text[:start].encode('utf-16-le')) // 2}, 7)"
            )
        )
        assert until(hand, value_of("quote")) == "harvest"
        click(hand, "#mark > button")
        until(hand, "document.querySelectorAll('#text mark').length === 5")
    with wiring.database.read() as session:
        found = {one.exact: one for one in session.scalars(select(Annotation))}
    assert set(found) == {marked for *_place, marked in DRAGGED.values()} | {"harvest"}
    assert found["twice"].start == text.rindex("twice")


@pytest.mark.parametrize("zoom", [0.5, 1, 2])
def test_a_region_is_drawn_where_the_mouse_goes(
    started: Callable, served: str, pictured: Capture, wiring: Wiring, zoom: float
) -> None:
    with started(zoom) as hand:
        sign_in(hand, served)
        hand.open(f"{served}/p/study/items/{pictured.item_id}/highlights?on=pictures")
        assert hand.run("devicePixelRatio") == zoom, "the zoom is real"
        draw(hand, (200, 120), (520, 330))
        box = hand.run(BOX.replace("svg.picture", "rect.drawn"))
        drawn = [int(hand.run(value_of(f"r.{name}"))) for name in "xywh"]
        picture = hand.run(BOX)
        scale = picture["width"] / WIDTH
        assert drawn == pytest.approx([200, 120, 320, 210], abs=2 * (1 + 1 / scale))
        assert box["x"] == pytest.approx(picture["x"] + drawn[0] * scale, abs=3)
        click(hand, "#mark > button")
        until(hand, "document.querySelectorAll('article').length === 1")
    with wiring.database.read() as session:
        one = session.scalars(select(Annotation)).one()
    assert one.fragment == "xywh=pixel:" + ",".join(str(number) for number in drawn)


BOX = """(() => { const { x, y, width, height } =
  document.querySelector("svg.picture").getBoundingClientRect(); return { x, y, width, height }; })()"""


def draw(hand: Hand, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Draw from one place of the picture to another, in its own pixels."""
    hand.run("document.querySelector('.picture-frame').scrollIntoView() ?? true")
    box = hand.run(BOX)
    scale = box["width"] / WIDTH
    points = [(box["x"] + x * scale, box["y"] + y * scale) for x, y in (start, end)]
    hand.drag(points[0], ((points[0][0] + points[1][0]) / 2, points[1][1]), points[1])

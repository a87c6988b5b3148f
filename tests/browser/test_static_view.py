"""The static view of the test pages: texts, fonts, pictures and films, and nothing from outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from archive.capture.job import CaptureResult
from archive.errors import ArchiveError
from archive.replay import StaticView, StreamedPart, policy_for
from archive.replay_check import open_capture
from tests.site.running import Site

pytestmark = pytest.mark.browser
HERE = "http://view.test"
PLACE = "/c/1"
# What the live page did not get either: a 404, and what its own policy forbade.
NEVER_SHOWN = {"/missing.png", "/blocked-by-csp.png"}


class Shown:
    """A browser's tab that is given the static view, and refused everything else."""

    def __init__(self, view: StaticView, tab: Page) -> None:
        self.view = view
        self.tab = tab
        self.outside: list[str] = []
        tab.route("**/*", self._answer)
        tab.goto(f"{HERE}{PLACE}/view", wait_until="load")

    def _answer(self, route: Route) -> None:
        address = urlsplit(route.request.url)
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        if f"{address.scheme}://{address.netloc}" != HERE:
            self.outside.append(route.request.url)
            route.abort()
            return
        try:
            part = self._part(address.path.removeprefix(PLACE), asked)
        except ArchiveError:
            route.fulfill(status=404, body="")
            return
        if isinstance(part, StreamedPart):
            body = b"".join(part.pieces(0, part.length))
        else:
            body = part.body
        headers = policy_for(f"view.test{PLACE}/") | {"Content-Type": part.content_type}
        route.fulfill(status=200, headers=headers, body=body)

    def _part(self, path: str, asked: dict[str, str]):
        if path == "/view":
            return self.view.page(PLACE)
        if path == "/frame" and "n" in asked:
            return self.view.inner_frame(asked.get("of", ""), asked["n"], PLACE)
        if path == "/frame":
            return self.view.frame(asked["u"], PLACE)
        return self.view.stream(asked.get("u", ""), PLACE)

    def text(self) -> str:
        return "\n".join(frame.locator("body").inner_text() for frame in self.tab.frames)

    def pictures(self) -> dict[str, int]:
        """Width of each picture by the path it had on the live site."""
        found = {}
        for frame in self.tab.frames:
            for source, width in frame.evaluate(
                "[...document.images].map((one) => [one.currentSrc || one.src, one.naturalWidth])"
            ):
                live = parse_qs(urlsplit(source).query).get("u", [source])[0]
                found[urlsplit(live).path] = width
        return found

    def width_of_film(self) -> int:
        """Load the film and look how wide it is; no script of the view's own may wait for it."""
        film = self.tab.locator("video").first
        film.evaluate("(one) => { one.preload = 'auto'; one.load(); }")
        for _look in range(100):
            if width := film.evaluate("(one) => one.videoWidth"):
                return width
            self.tab.wait_for_timeout(100)
        return 0


def test_texts_fonts_pictures_and_films_are_shown_and_nothing_is_asked_for_outside(
    capture: Callable[..., CaptureResult], site: Site, binary: Path
) -> None:
    made = capture(f"{site.here}/")
    assert made.warc is not None
    site.log.clear()
    with (
        open_capture(made.warc, f"{site.here}/") as view,
        sync_playwright() as play,
        play.chromium.launch(executable_path=binary, args=["--no-sandbox"]) as browser,
    ):
        shown = Shown(view, browser.new_page())
        words = shown.text()
        for said in ("پاختا 棉花 хлопок", "same site", "strict"):
            assert said in words
        fonts = shown.tab.evaluate(
            "document.fonts.ready.then((all) => [...all].map((one) => [one.family, one.status]))"
        )
        assert ["f", "loaded"] in fonts
        pictures = shown.pictures()
        assert {"/plain.png", "/picture.png", "/inner.png", "/srcdoc.png"} <= set(pictures)
        blank = {path for path, width in pictures.items() if not width}
        assert blank <= NEVER_SHOWN
        assert shown.width_of_film() > 0
        assert shown.outside == []
    assert site.log.lines() == []


@pytest.mark.parametrize("path", ["/light", "/h2"])
def test_pages_of_other_kinds_are_shown_from_their_bytes_alone(
    path: str, capture: Callable[..., CaptureResult], site: Site, binary: Path
) -> None:
    address = (site.secure if path == "/h2" else site.here) + path
    made = capture(address)
    assert made.warc is not None
    site.log.clear()
    with (
        open_capture(made.warc, address) as view,
        sync_playwright() as play,
        play.chromium.launch(executable_path=binary, args=["--no-sandbox"]) as browser,
    ):
        shown = Shown(view, browser.new_page())
        assert {"/light": "light", "/h2": "over TLS"}[path] in shown.text()
        assert all(shown.pictures().values())
        assert shown.pictures()
        assert shown.outside == []
    assert site.log.lines() == []

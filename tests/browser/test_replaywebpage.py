"""Our packages open in ReplayWeb.page, unmodified: every picture, and both answers to POSTs."""

from __future__ import annotations

import dataclasses
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import site_example as site
from playwright.sync_api import sync_playwright
from sqlalchemy import select

from annotate.app import create_app
from annotate.models import Item
from annotate.replay_app import create_replay_app
from annotate.services import people
from annotate.wiring import make_home
from archive.digest import file_sha256
from archive.export.signing import package_key
from archive.export.wacz import Contents, PackedPage, PackedWarc, wacz_pieces
from archive.lookup import IndexFolder
from config import Config
from tests.annotate.conftest import PASSWORD, import_whole, make_project
from tests.serving import serving

pytestmark = pytest.mark.browser
THEIRS = Path(__file__).parents[2] / ".venv-oracles/replaywebpage"
OPENER = """<!doctype html><script src="/ui.js"></script><style>replay-web-page{{display:block;height:95vh}}</style>
<replay-web-page source="/ours.wacz" url="{url}" embed="replayonly" replayBase="/replay/"></replay-web-page>"""

FRAME = '<!doctype html><script src="/ui.js"></script><replay-app-main></replay-app-main>'


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    if not (THEIRS / "ui.js").exists():
        pytest.skip("ReplayWeb.page is not installed: make oracles")
    folder = tmp_path / "web"
    (folder / "replay").mkdir(parents=True)
    shutil.copy(THEIRS / "ui.js", folder / "ui.js")
    shutil.copy(THEIRS / "sw.js", folder / "replay/sw.js")
    # Their frame may be asked for before their service worker answers for it.
    (folder / "replay/index.html").write_text(FRAME, "utf-8")
    (folder / "index.html").write_text(OPENER.format(url=site.HOME), "utf-8")
    warc = site.write(tmp_path / "crawl.warc.gz")
    index = IndexFolder(tmp_path / "cdxj").of(warc, file_sha256(warc))
    page = PackedPage("p1", site.HOME, datetime(2020, 5, 1, tzinfo=UTC), "پاختا 棉花")
    contents = Contents([PackedWarc(warc, "crawl.warc.gz", index)], [page], "t", "d", "Holdfast")
    pieces = wacz_pieces(contents, package_key(tmp_path), tmp_path)
    (folder / "ours.wacz").write_bytes(b"".join(pieces))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_it_opens_with_all_pictures_and_both_answers(served: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page()
        page.goto(f"{served}/index.html")
        # On a first visit their frame may load before their service worker answers for it.
        page.wait_for_function(WORKER_STANDS, timeout=60_000)
        page.reload()
        page.wait_for_function(FOUND_TWO, timeout=60_000)
        seen = page.evaluate(LOOK)
        browser.close()
    assert "cotton: 41" in seen["answers"]
    assert "railway: 7" in seen["answers"]
    assert seen["heading"] == "پاختا 棉花"
    assert seen["pictures"] == {"plain": 20, "set": 20, "again": 20}
    assert seen["colour"] == "rgb(1, 2, 3)", "the style sheet, last line of the index, is found"


@pytest.fixture
def put_in(tmp_path: Path) -> Iterator[tuple[str, str, str]]:
    """Serve the application, and its replay host under another name; give session and item."""
    if not (THEIRS / "ui.js").exists():
        pytest.skip("ReplayWeb.page is not installed: make oracles")
    told = {"home": tmp_path / "home", "replay_folder": str(THEIRS)}
    home = make_home(Config().replaced(told))
    project = make_project(home)
    import_whole(home, project, site.write(tmp_path / "crawl.warc.gz"))
    with home.database.write() as session:
        item = session.scalars(select(Item.id).where(Item.address == site.HOME)).one()
        _user, token = people.sign_in(session, "viewer", PASSWORD, hours=1)
    with serving(create_replay_app(home)) as replay:
        other_host = replay.replace("127.0.0.1", "replay.localhost")
        config = home.config.replaced({"replay_address": other_host})
        home = dataclasses.replace(home, config=config)
        with serving(create_app(home)) as address:
            yield address, token, item
    home.database.close()


def test_it_opens_from_the_page_of_a_package_on_another_host_name(
    put_in: tuple[str, str, str],
) -> None:
    address, token, item = put_in
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        context = browser.new_context()
        context.add_cookies([{"name": "holdfast", "value": token, "url": address}])
        asked: list[str] = []
        context.on("request", lambda one: asked.append(one.url))
        page = context.new_page()
        page.goto(f"{address}/p/study/package?item={item}")
        page.get_by_role("button", name="Open in ReplayWeb.page").click()
        with context.expect_page() as opening:
            page.locator("main a.button").click()
        opened = opening.value
        opened.wait_for_function(WORKER_STANDS, timeout=60_000)
        opened.reload()
        opened.wait_for_function(FOUND_TWO, timeout=60_000)
        seen = opened.evaluate(LOOK)
        cookies = opened.evaluate("document.cookie")
        host = opened.evaluate("location.hostname")
        browser.close()
    assert host == "replay.localhost"
    assert cookies == ""
    assert "cotton: 41" in seen["answers"]
    assert seen["colour"] == "rgb(1, 2, 3)"
    strays = [
        one
        for one in asked
        if not one.startswith((address, "http://replay.localhost:", "data:", "blob:"))
    ]
    assert strays == []


# The archived page stands in a frame within the shadow roots of their page.
WITHIN = """(() => { const find = (root) => { for (const e of root.querySelectorAll('*')) {
  if (e.tagName === 'IFRAME' && e.contentDocument) { const d = e.contentDocument;
    if (d.getElementById('answers')) return d; const deeper = find(d); if (deeper) return deeper }
  if (e.shadowRoot) { const deeper = find(e.shadowRoot); if (deeper) return deeper } } return null };
  return find(document) })()"""
WORKER_STANDS = "() => navigator.serviceWorker.getRegistration('/replay/').then(one => one?.active?.state === 'activated')"
FOUND_TWO = f"() => {{ const d = {WITHIN}; return d && d.getElementById('answers').textContent.split(':').length > 2 && [...d.images].every(i => i.complete) }}"
LOOK = f"""() => {{ const d = {WITHIN}; return {{
  answers: d.getElementById('answers').textContent, heading: d.querySelector('h1').textContent,
  colour: getComputedStyle(d.querySelector('h1')).color,
  pictures: Object.fromEntries([...d.images].map(i => [i.id, i.naturalWidth])) }} }}"""

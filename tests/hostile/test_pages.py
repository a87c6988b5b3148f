"""Every hostile page, in Chromium and in Firefox, in the frame and by itself: nothing happens.

No script runs, no request leaves the capture, cookie and title of the application stay as they
are, and the server answers afterwards as before.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from firefox import Firefox, find_firefox
from hostile_pages import HOST, ODD, PAGES, PARTS
from playwright.sync_api import Error, sync_playwright

pytestmark = pytest.mark.browser
COOKIE_NAME = "holdfast"
_CHROMIUM = "/usr/bin/chromium"


def places(hostile) -> list[tuple[str, str, bool]]:
    """Name, address, and whether the application's frame is around it."""
    found = []
    for name, capture in hostile.captures.items():
        found += [
            (name, f"/c/{capture}/view", True),
            (f"{name}, raw", f"/c/{capture}/view?raw=1", False),
        ]
    some = next(iter(hostile.captures.values()))
    found += [
        (name, f"/c/{some}/part?u={quote(HOST + name, safe='')}&raw=1", False) for name in PARTS
    ]
    return [
        *found,
        ("inner.html", f"/c/{some}/frame?u={quote(HOST + 'inner.html', safe='')}", True),
    ]


def strays(asked: list[str], hostile) -> list[str]:
    """Return the addresses asked for that are neither the application's own nor in a capture."""
    known = ("/c/", "/static/", "/favicon.ico")
    return [
        url for url in asked
        if urlsplit(url).scheme not in {"data", "about"}
        and not (url.startswith(hostile.address + "/") and urlsplit(url).path.startswith(known))
    ]  # fmt: skip


def judge(
    name: str, *, framed: bool, title: str, cookies: dict[str, str], asked: list[str], hostile
) -> list[str]:
    wrong = []
    if "HARM" in title or (framed and not title.endswith("Study")):
        wrong.append(f"{name}: the title is {title!r}")
    if any(one in title for one in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"):
        wrong.append(f"{name}: the title turns the direction of writing")
    if cookies.get(COOKIE_NAME) != hostile.token or set(cookies) - {COOKIE_NAME, "holdfast_form"}:
        wrong.append(f"{name}: the cookies are {sorted(cookies)}")
    wrong += [f"{name}: asked for {url}" for url in strays(asked, hostile)]
    return wrong


def test_there_are_enough_of_them(hostile) -> None:
    assert len(hostile.captures) >= 44
    assert set(PAGES) <= set(hostile.captures)
    assert len(set(ODD) - set(hostile.captures)) <= 2, (
        "pages whose heads are over a limit may be refused"
    )


def test_nothing_happens_in_chromium(hostile) -> None:
    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        context = browser.new_context()
        context.add_cookies(
            [
                {
                    "name": COOKIE_NAME,
                    "value": hostile.token,
                    "url": hostile.address,
                    "httpOnly": True,
                    "sameSite": "Lax",
                }
            ]
        )
        page = context.new_page()
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: (wrong.append("a dialog opened"), dialog.dismiss()))
        for name, address, framed in places(hostile):
            asked.clear()
            try:
                page.goto(hostile.address + address, wait_until="load")
            except Error as error:
                wrong.append(f"{name}: {str(error).splitlines()[0]}")
                page.close()
                page = context.new_page()
                continue
            if framed:
                page.frame_locator("iframe").first.locator("body").click(
                    position={"x": 5, "y": 5}, timeout=5000, force=True, no_wait_after=True
                ) if name in {"handlers", "javascript-links", "forms", "popups"} else None
            cookies = {one["name"]: one["value"] for one in context.cookies()}
            wrong += judge(
                name,
                framed=framed,
                title=page.title(),
                cookies=cookies,
                asked=asked,
                hostile=hostile,
            )
            if len(context.pages) > 1:
                wrong.append(f"{name}: a window opened")
        page.wait_for_timeout(300)
        browser.close()
    assert not wrong
    assert not hostile.called
    alive(hostile)


def test_nothing_happens_in_firefox(hostile, tmp_path: Path) -> None:
    binary = find_firefox()
    if binary is None:
        pytest.skip("no Firefox is installed: sh scripts/firefox.sh")

    async def look() -> list[str]:
        wrong: list[str] = []
        async with Firefox(binary, tmp_path / "profile") as firefox:
            await firefox.set_cookie(COOKIE_NAME, hostile.token, "127.0.0.1")
            for name, address, framed in places(hostile):
                firefox.requests.clear()
                try:
                    await firefox.open(hostile.address + address)
                except (RuntimeError, TimeoutError) as error:
                    wrong.append(f"{name}: {error!r}")
                    continue
                title = await firefox.evaluate("document.title")
                cookies = await firefox.cookies()
                wrong += judge(
                    name,
                    framed=framed,
                    title=title,
                    cookies=cookies,
                    asked=list(firefox.requests),
                    hostile=hostile,
                )
            await asyncio.sleep(0.3)
        return wrong

    assert not asyncio.run(look())
    assert not hostile.called
    alive(hostile)


def alive(hostile) -> None:
    """The server answers a harmless page as before."""
    import http.client

    connection = http.client.HTTPConnection(urlsplit(hostile.address).netloc, timeout=10)
    connection.request(
        "GET",
        f"/c/{hostile.captures['base']}/view",
        headers={"Cookie": f"{COOKIE_NAME}={hostile.token}"},
    )
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize(
    "name", [name for name in ODD if name.startswith("bomb-") and name != "bomb-headers"]
)
def test_a_bomb_is_named_and_not_opened(hostile, name: str) -> None:
    import http.client

    connection = http.client.HTTPConnection(urlsplit(hostile.address).netloc, timeout=60)
    connection.request(
        "GET",
        f"/c/{hostile.captures[name]}/view",
        headers={"Cookie": f"{COOKIE_NAME}={hostile.token}"},
    )
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status == 200
    assert len(text) < 1000
    assert answer.headers["Content-Type"].startswith("text/plain")

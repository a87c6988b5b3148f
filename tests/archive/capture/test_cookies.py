"""Cookies as tools export them, as they are kept, and with which requests they go."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive.capture.cookies import Cookie, CookieJar, read_cookies, read_set_cookie
from archive.capture.http import HttpEngine
from archive.capture.job import CaptureJob
from archive.capture.network import GuardPolicy
from archive.capture.sessions import CaptureSession, SessionStore
from archive.errors import CookieFormatError, StoreError
from archive.identifiers import uuid7
from archive.urlkey import Address

LATER = int(time.time()) + 10_000
NETSCAPE = (
    "# Netscape HTTP Cookie File\n\n"
    f".example.org\tTRUE\t/\tTRUE\t{LATER}\tsid\ta=b\n"
    f"#HttpOnly_www.example.org\tFALSE\t/in\tFALSE\t0\ttoken\t名\n"
)
EDITOR = json.dumps(
    [
        {"domain": ".example.org", "expirationDate": LATER + 0.5, "hostOnly": False,
         "httpOnly": False, "name": "sid", "path": "/", "sameSite": "no_restriction",
         "secure": True, "session": False, "storeId": "0", "value": "a=b"},
        {"domain": "www.example.org", "hostOnly": True, "httpOnly": True, "name": "token",
         "path": "/in", "sameSite": "unspecified", "secure": False, "value": "名"},
    ]
)  # fmt: skip
PLAYWRIGHT = json.dumps(
    {
        "cookies": [
            {"name": "sid", "value": "a=b", "domain": ".example.org", "path": "/",
             "expires": LATER, "httpOnly": False, "secure": True, "sameSite": "None"},
            {"name": "token", "value": "名", "domain": "www.example.org", "path": "/in",
             "expires": -1, "httpOnly": True, "secure": False, "sameSite": "Lax"},
        ],
        "origins": [],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    "text", [NETSCAPE, EDITOR, PLAYWRIGHT], ids=["txt", "editor", "playwright"]
)
def test_each_way_of_exporting_gives_the_same_cookies(text: str) -> None:
    sid, token = read_cookies(b"\xef\xbb\xbf" + text.encode())
    assert (sid.name, sid.value, sid.domain, sid.expires) == ("sid", "a=b", "example.org", LATER)
    assert (sid.secure, sid.host_only, sid.http_only) == (True, False, False)
    assert (token.name, token.value, token.domain) == ("token", "名", "www.example.org")
    assert (token.path, token.expires, token.host_only, token.http_only) == (
        "/in",
        None,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "no cookie"),
        (b"\xff\xfe", "UTF-8"),
        (b"a b c", "Line 1"),
        (b"# only a comment\n", "no cookie"),
        (b"[", "JSON"),
        (b'{"a": 1}', "no list"),
        (b'[{"name": "a", "value": "b"}]', "no domain"),
        (b'[{"name": "a", "value": "b;c", "domain": "x.org"}]', "characters"),
        (b'[{"name": "a\\r\\nX: 1", "value": "b", "domain": "x.org"}]', "characters"),
        (b'[{"name": "a", "value": "b", "domain": "x.org", "expires": "soon"}]', "expires"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_what_is_no_file_of_cookies_is_refused_with_the_place(data: bytes, word: str) -> None:
    with pytest.raises(CookieFormatError, match=word):
        read_cookies(data)


@pytest.mark.parametrize(
    ("cookie", "url", "goes"),
    [
        (Cookie("a", "b", "example.org"), "http://example.org/x", True),
        (Cookie("a", "b", "example.org"), "http://www.example.org/", True),
        (Cookie("a", "b", "example.org"), "http://notexample.org/", False),
        (Cookie("a", "b", "example.org", host_only=True), "http://www.example.org/", False),
        (Cookie("a", "b", "example.org", secure=True), "http://example.org/", False),
        (Cookie("a", "b", "example.org", secure=True), "https://example.org/", True),
        (Cookie("a", "b", "example.org", path="/in"), "http://example.org/in/x", True),
        (Cookie("a", "b", "example.org", path="/in"), "http://example.org/inside", False),
        (Cookie("a", "b", "example.org", expires=1), "http://example.org/", False),
        (Cookie("a", "b", "0.0.1"), "http://127.0.0.1/", False),
    ],
)
def test_a_cookie_goes_where_it_belongs(cookie: Cookie, url: str, goes: bool) -> None:
    assert (CookieJar([cookie]).header(url) is not None) is goes


def test_longer_paths_come_first_and_newer_values_replace() -> None:
    jar = CookieJar([Cookie("a", "1", "x.org"), Cookie("b", "2", "x.org", path="/p")])
    jar.take(
        "http://x.org/p/q", ["a=3; Path=/", "c=4", "=x", "d=5; Domain=y.org", "e=6; Max-Age=0"]
    )
    assert jar.header("http://x.org/p/q") == "b=2; c=4; a=3"


def test_set_cookie_for_a_whole_suffix_is_ignored() -> None:
    assert read_set_cookie("a=b; Domain=org", "http://x.org/") is None
    kept = read_set_cookie("a=b; Domain=.x.org; Secure; SameSite=lax", "http://www.x.org/d/f")
    assert kept == Cookie("a", "b", "x.org", "/d", secure=True, same_site="Lax")


def test_a_session_is_kept_readable_by_us_alone(tmp_path: Path) -> None:
    store = SessionStore(tmp_path / "sessions")
    session = CaptureSession(uuid7(), read_cookies(NETSCAPE.encode()), ("Ana", "@ana"))
    store.save(session)
    assert store.load(session.id) == session
    [file] = (tmp_path / "sessions").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    store.delete(session.id)
    assert not list((tmp_path / "sessions").iterdir())
    with pytest.raises(StoreError, match="deleted"):
        store.load(session.id)
    with pytest.raises(StoreError, match="no id"):
        store.load("../../etc/passwd")


def test_cookies_txt_reads_back_the_same() -> None:
    cookies = read_cookies(PLAYWRIGHT.encode())
    with CaptureSession(uuid7(), cookies).cookies_txt() as path:
        again = read_cookies(path.read_bytes())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.as_netscape() for one in again] == [one.as_netscape() for one in cookies]
    assert not path.exists()


def test_the_browser_is_told_host_only_cookies_by_their_address() -> None:
    sid, token = CaptureSession(uuid7(), read_cookies(PLAYWRIGHT.encode())).for_browser()
    assert (sid["domain"], "url" in sid, sid["expires"]) == (".example.org", False, LATER)
    assert (token["url"], "domain" in token) == ("http://www.example.org/in", False)


def test_the_http_engine_sends_them_and_writes_the_id_alone(
    serve: Callable[..., Any], tmp_path: Path
) -> None:
    port, _ = serve({"/": b"<p>words"})
    session = CaptureSession(uuid7(), (Cookie("sid", "secret", "127.0.0.1"),), ("Ana Person",))
    job = CaptureJob(
        "id", Address.parse(f"http://127.0.0.1:{port}/"), tmp_path,
        GuardPolicy(frozenset({("127.0.0.1", port)})), "o", "i", "t", session=session,
    )  # fmt: skip
    made = HttpEngine().capture(job)
    assert made.warc is not None
    import gzip

    written = gzip.decompress(made.warc.path.read_bytes()).decode("utf-8", "replace")
    assert "\r\nCookie: sid=secret\r\n" in written
    assert f'"session": "{session.id}"' in written
    assert "Ana Person" not in written

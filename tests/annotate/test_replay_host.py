"""The replay host: off unless set up, apart from the application, one package a link."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import site_example as site
from conftest import import_whole, send
from flask import Flask
from flask.testing import FlaskClient

from annotate.app import create_app
from annotate.errors import UsageError
from annotate.models import Project
from annotate.replay_app import check_settings, create_replay_app
from annotate.services import replay_links
from annotate.services.replay_links import ReplayLink
from annotate.wiring import Wiring

Browser = Callable[[str], FlaskClient]
HOST = {"Host": "replay.localhost:5001"}


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "rwp"
    folder.mkdir()
    (folder / "ui.js").write_text("// their user interface")
    (folder / "sw.js").write_text("// their service worker")
    (tmp_path / "outside.txt").write_text("not theirs")
    return folder


@pytest.fixture
def wiring(wiring: Wiring, build: Path) -> Wiring:
    return replace(wiring, config=wiring.config.replaced({"replay_folder": str(build)}))


@pytest.fixture
def app(wiring: Wiring, project: Project, tmp_path: Path) -> Flask:
    import_whole(wiring, project, site.write(tmp_path / "crawl.warc.gz"))
    made = create_app(wiring)
    made.testing = True
    return made


@pytest.fixture
def apart(wiring: Wiring) -> FlaskClient:
    return create_replay_app(wiring).test_client()


def link_from(client: FlaskClient) -> str:
    answer = send(client, "/p/study/package", "/p/study/package/replay")
    assert answer.status_code == 200, answer.text
    found = re.search(r'href="(http://replay\.localhost:5001/open/[^"]+)"', answer.text)
    assert found is not None, answer.text
    return urlsplit(html.unescape(found[1])).path


def test_a_package_is_opened_by_its_link_and_read_by_range(
    sign_in: Browser, apart: FlaskClient
) -> None:
    path = link_from(sign_in("viewer"))
    page = apart.get(path, headers=HOST)
    assert page.status_code == 200
    assert 'url="http://site.example/' in page.text
    source = re.search(r'source="([^"]+)"', page.text)
    assert source is not None
    with apart.get(source[1], headers=HOST) as whole:
        assert whole.data.startswith(b"PK")
    with apart.get(source[1], headers=HOST | {"Range": "bytes=10-19"}) as part:
        assert (part.status_code, part.data) == (206, whole.data[10:20])


def test_a_link_that_is_changed_old_or_of_another_home_opens_nothing(
    wiring: Wiring, sign_in: Browser, apart: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = link_from(sign_in("viewer"))
    assert apart.get(f"{path}x", headers=HOST).status_code == 404
    link = replay_links.read(wiring.web_key, path.rpartition("/")[2])
    assert link is not None
    forged = replay_links.sign(b"another key", link)
    assert apart.get(f"/wacz/{forged}.wacz", headers=HOST).status_code == 404
    elsewhere = replay_links.sign(wiring.web_key, ReplayLink("../../holdfast.sqlite3", "x", ""))
    assert apart.get(f"/wacz/{elsewhere}.wacz", headers=HOST).status_code == 404
    monkeypatch.setattr(replay_links, "LIFE", -1)
    assert apart.get(path, headers=HOST).status_code == 404


def test_the_replay_host_answers_under_its_own_name_only_and_has_nothing_of_the_application(
    sign_in: Browser, apart: FlaskClient
) -> None:
    path = link_from(sign_in("viewer"))
    for name in ("127.0.0.1:5001", "localhost:5001", "127.0.0.1", "evil.example"):
        assert apart.get(path, headers={"Host": name}).status_code == 404, name
        assert apart.get("/ui.js", headers={"Host": name}).status_code == 404, name
    for name in (
        "/",
        "/p/study/",
        "/sign-in",
        "/static/site.css",
        "/../outside.txt",
        "/%2e%2e/outside.txt",
    ):
        assert apart.get(name, headers=HOST).status_code == 404, name  # fmt: skip
    with apart.get("/replay/sw.js", headers=HOST) as served:
        assert served.text == "// their service worker"
        assert "connect-src 'self'" in served.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in apart.get(path, headers=HOST).headers


def test_the_application_itself_never_serves_it(sign_in: Browser) -> None:
    client = sign_in("viewer")
    path = link_from(client)
    assert client.get(path).status_code == 404
    assert client.get("/ui.js").status_code == 404


def test_it_is_off_unless_it_is_set_up(wiring: Wiring, app: Flask, sign_in: Browser) -> None:
    client = sign_in("viewer")
    assert "Open in ReplayWeb.page" in client.get("/p/study/package").text
    off = create_app(replace(wiring, config=wiring.config.replaced({"replay_folder": ""})))
    app.extensions.update(off.extensions)
    assert "Open in ReplayWeb.page" not in client.get("/p/study/package").text
    assert send(client, "/p/study/package", "/p/study/package/replay").status_code == 404


def test_a_stranger_gets_no_link(sign_in: Browser) -> None:
    client = sign_in("stranger")
    assert send(client, "/", "/p/study/package/replay").status_code == 404


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"replay_folder": "/nowhere"}, "ui.js"),
        ({"replay_address": "http://127.0.0.1:5001"}, "Another port is not enough"),
        ({"replay_address": "http://localhost:5001"}, "Another port is not enough"),
        ({"replay_address": "replay"}, "no address"),
    ],
)
def test_settings_that_would_not_keep_it_apart_are_refused(
    wiring: Wiring, settings: dict[str, str], told: str
) -> None:
    check_settings(wiring)
    with pytest.raises(UsageError, match=told):
        check_settings(replace(wiring, config=wiring.config.replaced(settings)))


def test_packages_of_yesterday_are_dropped(wiring: Wiring, sign_in: Browser) -> None:
    link_from(sign_in("viewer"))
    (old,) = replay_links.folder_of(wiring.home).iterdir()
    os.utime(old, (0, 0))
    replay_links.keep_package(wiring.home, [b"new"])
    assert old not in set(replay_links.folder_of(wiring.home).iterdir())

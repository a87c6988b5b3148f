"""Holdfast with every hostile page imported, served for browsers; a server that must stay silent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import warcs
from conftest import import_whole
from hostile_pages import HOST, ODD, PAGES, PARTS
from sqlalchemy import select

from annotate.app import create_app
from annotate.models import Capture, Role
from annotate.services import people, projects
from annotate.wiring import make_home
from config import Config
from tests.serving import serving


class _Canary(BaseHTTPRequestHandler):
    def __init__(self, called: list[str], *args: Any) -> None:
        self._called = called
        super().__init__(*args)

    def do_GET(self) -> None:
        """Note the call."""
        self._called.append(self.path)
        self.send_response(204)
        self.end_headers()

    do_POST = do_HEAD = do_OPTIONS = do_GET  # noqa: N815

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@dataclass
class Hostile:
    """The application with the pages in it; `called` is what reached the silent server."""

    address: str
    token: str
    captures: dict[str, str]
    called: list[str]
    canary: str


def _raw(app: Any) -> Any:
    """Let a test open archived bytes as a page of their own, as an old browser would."""

    def wrapped(environ: dict[str, Any], start: Any) -> Any:
        if environ.get("QUERY_STRING", "").endswith("raw=1"):
            environ.pop("HTTP_SEC_FETCH_DEST", None)
        return app(environ, start)

    return wrapped


def _warc(folder: Path, canary: str) -> Path:
    def fill(text: str) -> bytes:
        return text.replace("CANARY", canary).encode("utf-8", "surrogatepass")

    records = [warcs.response(HOST + name, fill(text)) for name, text in PAGES.items()]
    records += [
        warcs.response(HOST + name, body if name.startswith(("bomb", "utf16")) else body.replace(b"CANARY", canary.encode()), kind=kind, headers=more.replace("CANARY", canary))
        for name, (kind, body, more) in ODD.items()
    ]  # fmt: skip
    records += [
        warcs.response(HOST + name, fill(text), kind=kind) for name, (kind, text) in PARTS.items()
    ]
    return warcs.write(folder / "hostile.warc.gz", *records)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    folder = tmp_path_factory.mktemp("hostile")
    called: list[str] = []
    canary = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Canary, called))
    wiring = make_home(Config().replaced({"home": folder / "home"}))
    with wiring.database.write() as session:
        owner = people.create_user(
            session, people.SYSTEM, login="owner", password="a long enough password", is_admin=True
        )
        actor = people.actor_of(owner)
        project = projects.create_project(session, actor, owner, slug="study", name="Study")
        projects.set_member(session, actor, project, owner, Role.OWNER)
        _user, token = people.sign_in(session, "owner", "a long enough password", hours=1)
    import_whole(wiring, project, _warc(folder, f"http://127.0.0.1:{canary.server_port}"))
    with wiring.database.read() as session:
        captures = {
            one.address.removeprefix(HOST): one.id for one in session.scalars(select(Capture))
        }
    threading.Thread(target=canary.serve_forever, daemon=True).start()
    with serving(_raw(create_app(wiring))) as address:
        elsewhere = f"http://127.0.0.1:{canary.server_port}"
        yield Hostile(address, token, captures, called, elsewhere)
    canary.shutdown()
    canary.server_close()
    wiring.database.close()

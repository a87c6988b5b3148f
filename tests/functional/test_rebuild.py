"""`holdfast rebuild index`: alone, and with a server's indexer at work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from annotate.cli import holdfast
from annotate.jobs import indexing
from annotate.wiring import Wiring
from search.query import Term
from search.whoosh_engine import WhooshEngine
from tests.annotate.conftest import _empty_home, app, capture, project, sign_in, wiring

__all__ = ["_empty_home", "app", "capture", "project", "sign_in", "wiring"]

PAGES = {f"https://example.org/{at}": f"<title>cotton {at}</title><p>棉花" for at in range(3)}


def rebuild(wiring: Wiring) -> str:
    done = CliRunner().invoke(holdfast, ["--home", str(wiring.home), "rebuild", "index"])
    assert done.exit_code == 0, done.output
    return done.output


def state(wiring: Wiring) -> tuple[int, int]:
    engine = WhooshEngine(wiring.index)
    found = len(engine.find(Term("cotton")).scores)
    return engine.health().generation, found


def test_it_is_made_anew(
    wiring: Wiring, project: object, capture: Callable[[dict[str, str]], None]
) -> None:
    capture(PAGES)
    assert state(wiring) == (1, 3)
    assert "3 items indexed" in rebuild(wiring)
    assert state(wiring) == (2, 3)


def test_the_servers_indexer_does_it_where_one_runs(
    wiring: Wiring,
    project: object,
    capture: Callable[[dict[str, str]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    capture(PAGES)
    monkeypatch.setattr(indexing, "INTERVAL", 0.05)
    stop = threading.Event()
    server = threading.Thread(target=indexing.run, args=(wiring, stop))
    server.start()
    while not Path(wiring.index.with_name("index.lock")).exists():
        stop.wait(0.01)
    stop.wait(0.5)
    try:
        output = rebuild(wiring)
    finally:
        stop.set()
        server.join()
    assert "3 items indexed" in output
    assert state(wiring) == (2, 3)

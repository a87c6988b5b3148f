"""A server is ended in order: what was asked is answered, and no file gets a stray byte."""

from __future__ import annotations

import gc
import http.client
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from annotate.web_server import WebServer

BODY = b"answered" * 500_000
Connect = Callable[[WebServer], http.client.HTTPConnection]


class Slow:
    """An application that answers once it is let to."""

    def __init__(self) -> None:
        self.asked, self.may, self.done = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/slow":
            self.asked.set()
            self.may.wait(30)
        start("200 OK", [("Content-Length", str(len(BODY)))])
        self.done.set()
        return [BODY]


@pytest.fixture
def slow() -> Slow:
    return Slow()


def begin(server: WebServer) -> threading.Thread:
    thread = threading.Thread(target=server.run)
    thread.start()
    return thread


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect to a server; what was connected is closed when the test ends."""
    made = []

    def to(server: WebServer) -> http.client.HTTPConnection:
        made.append(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30))
        return made[-1]

    yield to
    for one in made:
        one.close()


def test_what_was_asked_before_the_end_is_answered_whole(slow: Slow, connect: Connect) -> None:
    server = WebServer(slow, patience=30.0)
    running = begin(server)
    idle, asking = connect(server), connect(server)
    idle.request("GET", "/")
    assert idle.getresponse().read() == BODY  # and the connection stays
    asking.request("GET", "/slow")
    assert slow.asked.wait(30)
    server.end()
    letting = threading.Timer(0.3, slow.may.set)
    letting.start()
    assert asking.getresponse().read() == BODY
    running.join(30)
    assert not running.is_alive()
    with pytest.raises(ConnectionRefusedError):
        connect(server).request("GET", "/")
    letting.join()


@pytest.mark.filterwarnings("ignore:unclosed file <waitress")  # the pipe, left open on purpose
def test_a_request_that_outlasts_the_server_writes_into_no_file(
    slow: Slow, connect: Connect, tmp_path: Path
) -> None:
    """The byte that wakes the server must not come to stand in a file opened since."""
    others = set(threading.enumerate())
    server = WebServer(slow, patience=0.1)
    running = begin(server)
    asking = connect(server)
    asking.request("GET", "/slow")
    assert slow.asked.wait(30)
    server.end()
    running.join(30)
    assert not running.is_alive()
    with pytest.raises((http.client.HTTPException, OSError)):
        asking.getresponse()
    ledgers = [tmp_path / f"ledger-{number}" for number in range(50)]
    opened = [path.open("wb", buffering=0) for path in ledgers]
    slow.may.set()
    assert slow.done.wait(30)
    for thread in set(threading.enumerate()) - others:  # those that answer requests
        thread.join(30)
        assert not thread.is_alive()
    for file in opened:
        file.close()
    assert {path.stat().st_size for path in ledgers} == {0}
    del server, running
    gc.collect()


def test_an_interrupt_ends_it_in_order(
    slow: Slow, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = WebServer(slow)

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(server, "_turn", interrupted)
    server.run()
    with pytest.raises(ConnectionRefusedError):
        connect(server).request("GET", "/")


def test_an_address_of_ipv6_is_written_in_brackets(slow: Slow) -> None:
    server = WebServer(slow, host="::1")
    running = begin(server)
    assert server.address == f"http://[::1]:{server.port}"
    server.end()
    running.join(30)


def test_a_port_that_is_taken_is_said(slow: Slow) -> None:
    server = WebServer(slow)
    running = begin(server)
    with pytest.raises(OSError, match="in use"):
        WebServer(slow, port=server.port)
    server.end()
    running.join(30)

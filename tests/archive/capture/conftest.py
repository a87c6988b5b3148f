"""What tests of the guard share: a watch on connections, a false DNS, a site, a SOCKS5 proxy."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.site.proxy import Proxy


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every connection begun by this process, as (IP, port)."""
    made: list[tuple[str, int]] = []
    connect = socket.socket.connect

    def noted(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            made.append((address[0], address[1]))
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", noted)
    return made


class FalseDns:
    """Answers of getaddrinfo by name: a list of lists, one a look-up, the last for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    def reply(self, name: str) -> list[str]:
        self.asked.append(name)
        answers = self.answers[name]
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def false_dns(monkeypatch: pytest.MonkeyPatch) -> FalseDns:
    """A resolver that knows only what a test tells it; literals go to the real one."""
    dns = FalseDns()
    real = socket.getaddrinfo

    def told(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        numeric = kwargs.get("flags", 0) & socket.AI_NUMERICHOST
        name = host.decode() if isinstance(host, bytes) else host
        if not numeric and name in dns.answers:
            return [
                entry
                for answer in dns.reply(name)
                for entry in real(answer, port, type=socket.SOCK_STREAM)
            ]
        try:
            return real(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            if not numeric:
                dns.asked.append(name)
            raise

    monkeypatch.setattr(socket, "getaddrinfo", told)
    return dns


class Site(http.server.BaseHTTPRequestHandler):
    """A page a path; /to?URL redirects."""

    pages: dict[str, bytes]
    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        path, _, query = self.path.partition("?")
        if path == "/to":
            self.send_response(302)
            self.send_header("Location", query)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = type(self).pages.get(path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def serve() -> Iterator[Callable[[dict[str, bytes]], tuple[int, list[str]]]]:
    """Serve pages on loopback: gives the port, and the list of paths asked for."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(pages: dict[str, bytes]) -> tuple[int, list[str]]:
        handler = type("Handler", (Site,), {"pages": pages, "asked": []})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server.server_port, handler.asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A running SOCKS5 proxy."""
    running = Proxy()
    running.start()
    yield running
    running.stop()

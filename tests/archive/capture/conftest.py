"""What tests of the guard share: a watch on connections, a false DNS, a site, a SOCKS5 proxy."""

from __future__ import annotations

import asyncio
import http.server
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import pytest


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


class Proxy:
    """A SOCKS5 proxy with a DNS server behind it, both of tests; keeps what it was asked for."""

    def __init__(self) -> None:
        self.user, self.password = "", ""
        self.names: dict[str, list[str]] = {}
        """What its DNS server at 9.9.9.9:53 answers."""
        self.places: dict[tuple[str, int], int] = {}
        """Where a target really is: a port on loopback. Anything else is refused."""
        self.targets: list[tuple[str, int]] = []
        self.questions: list[str] = []
        self.port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait(5)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(5)

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._ended.wait()
        server.close()
        for writer in self._open:
            writer.transport.abort()
        await asyncio.sleep(0.05)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        wanted = 2 if self.user else 0
        if wanted not in methods:
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, wanted]))
        if self.user:
            _, size = await reader.readexactly(2)
            user = await reader.readexactly(size)
            password = await reader.readexactly((await reader.readexactly(1))[0])
            good = (user, password) == (self.user.encode(), self.password.encode())
            writer.write(bytes([1, 0 if good else 1]))
            if not good:
                return
        _, _, _, kind = await reader.readexactly(4)
        if kind == 3:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        else:
            host = str(ip_address(await reader.readexactly(4 if kind == 1 else 16)))
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        self.targets.append((host, port))
        if (host, port) == ("9.9.9.9", 53):
            writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            await self._answer(reader, writer)
        elif (host, port) in self.places:
            far = await asyncio.open_connection("127.0.0.1", self.places[(host, port)])
            self._open.add(far[1])
            writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            await asyncio.gather(_copy(reader, far[1]), _copy(far[0], writer))
        else:
            writer.write(b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00")

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        asked = await reader.readexactly(length)
        labels, at = [], 12
        while size := asked[at]:
            labels.append(asked[at + 1 : at + 1 + size].decode())
            at += 1 + size
        name, kind = ".".join(labels), asked[at + 2]
        self.questions.append(name)
        found = [ip_address(one) for one in self.names.get(name, [])]
        fit = [one for one in found if (kind == 1) == (one.version == 4)]
        code = 0 if name in self.names else 3
        message = asked[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(fit), 0, 0) + asked[12:]
        for one in fit:
            message += struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(one.packed)) + one.packed
        writer.write(struct.pack("!H", len(message)) + message)
        await writer.drain()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(65_536):
            sink.write(piece)
            await sink.drain()
    except OSError:
        pass
    sink.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A running SOCKS5 proxy."""
    running = Proxy()
    running.start()
    yield running
    running.stop()

"""The network guard: which host a capture may reach, and a witness of what it reached.

A SOCKS5 server (RFC 1928, CONNECT only, loopback only) stands in front of the browser. It
resolves each host once in its life, refuses addresses that are not public, connects to
the very address it judged (so no second DNS answer can slip in) and logs every request.
It forwards bytes untouched and reads none: TLS stays end to end.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

from archive.capture.addresses import normalise, why_not_public
from archive.capture.lookup import LOOKUP_SECONDS, begin_lookup
from archive.capture.socks import (
    MalformedRequestError,
    Reply,
    close_quietly,
    pipe,
    read_request,
    send_reply,
)
from archive.clock import utc_now
from archive.errors import GuardRefusedError

CONNECT_SECONDS: Final = 15.0
HANDSHAKE_SECONDS: Final = 15.0

# Asked for by Chromium itself in spite of its flags (seen with 156); never part of a page's
# evidence. A name also stands for its subdomains.
TELEMETRY_HOSTS: Final = frozenset(
    {
        "accounts.google.com",
        "android.clients.google.com",
        "clients1.google.com",
        "clients2.google.com",
        "clients3.google.com",
        "clients4.google.com",
        "clients5.google.com",
        "clients6.google.com",
        "clientservices.googleapis.com",
        "content-autofill.googleapis.com",
        "gvt1.com",
        "mtalk.google.com",
        "optimizationguide-pa.googleapis.com",
        "safebrowsing.googleapis.com",
        "safebrowsingohttpgateway.googleapis.com",
        "update.googleapis.com",
    }
)


class GuardOutcome(StrEnum):
    """What the guard did with one request."""

    CONNECTED = "connected"
    REFUSED_ADDRESS = "refused-address"
    REFUSED_HOST = "refused-host"
    UNRESOLVED = "unresolved"
    UNREACHABLE = "unreachable"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """What may be reached: public addresses, and the literal (IP, port) pairs in `allowed`."""

    allowed: frozenset[tuple[str, int]] = frozenset()
    public: bool = True
    """False refuses public addresses as well: nothing but `allowed` (replay checks)."""

    def refusal(self, address: str, port: int) -> str | None:
        """Why a literal IP address must not be reached at `port`, or None where it may."""
        plain = normalise(address)
        if any(normalise(ip) == plain and open_port == port for ip, open_port in self.allowed):
            return None
        if not self.public:
            return "this capture may reach listed addresses only"
        return why_not_public(plain)


@dataclass(frozen=True, slots=True)
class GuardEntry:
    """One request to the guard."""

    at: datetime
    host: str
    port: int
    address: str | None
    """The IP address connected to, or the first one refused."""
    outcome: GuardOutcome
    bytes_in: int = 0
    """Bytes from the remote side."""
    bytes_out: int = 0
    """Bytes to the remote side."""


def resolve_public(
    host: str, port: int, policy: GuardPolicy, *, timeout: float = LOOKUP_SECONDS
) -> list[str]:
    """Look `host` up once and give the addresses the policy allows, in the system's order.

    Connect to one of these literally; a second look-up could answer differently.

    :param timeout: seconds
    :raises GuardRefusedError: every answer is forbidden
    :raises OSError: the name does not resolve, or not in time (TimeoutError)
    """
    return _permitted(host, port, policy, begin_lookup(host, port).result(timeout))


def _permitted(host: str, port: int, policy: GuardPolicy, answers: list[str]) -> list[str]:
    refusals = [(answer, policy.refusal(answer, port)) for answer in answers]
    good = [answer for answer, reason in refusals if reason is None]
    if not good:
        answer, reason = refusals[0]
        raise GuardRefusedError(
            f"{host}:{port} is at {answer}, which may not be reached: {reason}. "
            "Only public addresses are captured; an operator can allow one address and port."
        )
    return good


def is_telemetry(host: str, names: frozenset[str] = TELEMETRY_HOSTS) -> bool:
    """Whether `host` is one the browser calls on its own account."""
    plain = _plain_host(host)
    return any(plain == name or plain.endswith("." + name) for name in names)


class Guard:
    """The SOCKS5 server, alive between ``__enter__`` and ``__exit__``, on its own thread.

    >>> with Guard(GuardPolicy()) as guard:
    ...     proxy = f"socks5://127.0.0.1:{guard.port}"
    """

    def __init__(
        self, policy: GuardPolicy, *, refused_hosts: frozenset[str] = TELEMETRY_HOSTS
    ) -> None:
        self.port = 0
        """TCP port on 127.0.0.1 while entered, else 0."""
        self._policy = policy
        self._refused_hosts = refused_hosts
        self._entries: list[GuardEntry] = []
        self._lock = threading.Lock()  # over _entries: read by the capture's thread
        self._pinned: dict[str, list[str]] = {}
        self._ready = threading.Event()
        self._failure: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="holdfast-guard", daemon=True)

    def __enter__(self) -> Self:
        """Listen on a free port.

        :raises OSError: no port could be had
        """
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every connection and wait for the thread."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self.port = 0

    @property
    def log(self) -> list[GuardEntry]:
        """Every request until now, oldest first; bytes of open connections as of now."""
        with self._lock:
            return list(self._entries)

    def address_of(self, host: str, port: int) -> str | None:
        """The IP address last connected to for `host`, or None: the IP of a WARC record."""
        plain = _plain_host(host)
        with self._lock:
            for entry in reversed(self._entries):
                connected = entry.outcome is GuardOutcome.CONNECTED
                if connected and (entry.host, entry.port) == (plain, port):
                    return entry.address
        return None

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        clients = tuple(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._client(reader, writer))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                host, port = await read_request(reader, writer)
            await self._connect(_plain_host(host), port, reader, writer)
        except MalformedRequestError as error:
            self._note("", 0, None, GuardOutcome.MALFORMED)
            with contextlib.suppress(OSError):
                await send_reply(writer, error.reply)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the browser hung up or sent nothing in time: this connection only
        finally:
            await close_quietly(writer)

    async def _connect(
        self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        opened = await self._open(host, port)
        if isinstance(opened, Reply):
            await send_reply(writer, opened)
            return
        index, far_reader, far_writer = opened
        try:
            await send_reply(writer, Reply.SUCCEEDED)
            await asyncio.gather(
                pipe(reader, far_writer, lambda size: self._count(index, sent=size)),
                pipe(far_reader, writer, lambda size: self._count(index, received=size)),
            )
        finally:
            await close_quietly(far_writer)

    async def _open(
        self, host: str, port: int
    ) -> Reply | tuple[int, asyncio.StreamReader, asyncio.StreamWriter]:
        """Judge, resolve and connect; what happens stands in the log either way."""
        if is_telemetry(host, self._refused_hosts):
            self._note(host, port, None, GuardOutcome.REFUSED_HOST)
            return Reply.NOT_ALLOWED
        try:
            answers = await self._answers(host, port)
        except OSError:
            self._note(host, port, None, GuardOutcome.UNRESOLVED)
            return Reply.HOST_UNREACHABLE
        try:
            addresses = _permitted(host, port, self._policy, answers)
        except GuardRefusedError:
            self._note(host, port, answers[0], GuardOutcome.REFUSED_ADDRESS)
            return Reply.NOT_ALLOWED
        for address in addresses:
            with contextlib.suppress(OSError):  # TimeoutError is one; the next may answer
                async with asyncio.timeout(CONNECT_SECONDS):
                    streams = await asyncio.open_connection(address, port)
                return self._note(host, port, address, GuardOutcome.CONNECTED), *streams
        self._note(host, port, addresses[0], GuardOutcome.UNREACHABLE)
        return Reply.CONNECTION_REFUSED

    async def _answers(self, host: str, port: int) -> list[str]:
        """The first answer for `host`, kept: a later one could point somewhere else."""
        if host not in self._pinned:
            async with asyncio.timeout(LOOKUP_SECONDS):
                found = await asyncio.wrap_future(begin_lookup(host, port))
            # Two first requests may look up side by side; the earlier answer stays.
            self._pinned.setdefault(host, found)
        return self._pinned[host]

    def _note(self, host: str, port: int, address: str | None, outcome: GuardOutcome) -> int:
        with self._lock:
            self._entries.append(GuardEntry(utc_now(), host, port, address, outcome))
            return len(self._entries) - 1

    def _count(self, index: int, *, received: int = 0, sent: int = 0) -> None:
        with self._lock:
            entry = self._entries[index]
            self._entries[index] = replace(
                entry, bytes_in=entry.bytes_in + received, bytes_out=entry.bytes_out + sent
            )


def _plain_host(host: str) -> str:
    return host.lower().rstrip(".")

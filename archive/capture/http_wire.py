"""One HTTP/1.1 request over a socket of our own: the exact bytes, the very address, the time.

The connection is the guard's, so look-up, judgement and log are those of every fetcher.
Certificates are verified against the system's authorities. Each exchange has a connection of
its own, so that nothing of one answer can be taken for another's.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

from archive.capture.classify import NetworkFault
from archive.capture.cookies import CookieJar
from archive.capture.exchange import Exchange
from archive.capture.http_message import (
    Copied,
    DeadlineError,
    Head,
    MalformedResponseError,
    Source,
    WireBrokenError,
    copy_body,
    framing_of,
    read_head,
)
from archive.capture.network import Guard, GuardOutcome, NotConnectedError
from archive.capture.stopping import Stop
from archive.capture.tls import peer_chain
from archive.clock import utc_now
from archive.errors import ArchiveError
from archive.urlkey import Address


class FetchFailedError(ArchiveError):
    """No response came."""

    def __init__(self, fault: NetworkFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault


class Deadline:
    """A moment of the monotonic clock, `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left.

        :raises DeadlineError: none are
        """
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise DeadlineError("the time limit of the capture was reached")
        return seconds


@dataclass(frozen=True, slots=True)
class PeerTls:
    """What was agreed with the peer of one connection."""

    version: str
    cipher: str
    chain: tuple[bytes, ...]
    """The certificates the peer sent on this connection, its own first, DER."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One request with its response; `exchange.body` stands at its start."""

    address: Address
    exchange: Exchange
    head: Head
    copied: Copied
    tls: PeerTls | None


class Fetcher:
    """Makes the requests of one capture through its guard; used from several threads."""

    def __init__(
        self,
        guard: Guard,
        deadline: Deadline,
        headers: tuple[tuple[str, str], ...],
        *,
        tls_context: ssl.SSLContext,
        jar: CookieJar | None = None,
        stop: Stop | None = None,
    ) -> None:
        """`jar` has the cookies of the capture's session; None neither sends nor keeps any."""
        self._guard = guard
        self._stop = stop or Stop()
        self._deadline = deadline
        self._headers = headers
        self._tls_context = tls_context
        self._jar = jar
        self._jar_lock = threading.Lock()

    def get(
        self,
        address: Address,
        body: BinaryIO,
        *,
        limit: int,
        resource_type: str,
        method: str = "GET",
    ) -> Fetched:
        """Ask for `address` and keep the answer as it comes, in `body`, which stays open.

        :param limit: bytes of body kept at most
        :param method: GET or HEAD
        :raises GuardRefusedError: the address is not public
        :raises FetchFailedError: no response came
        :raises StoreError: the disk refused the body
        """
        try:
            link = self._open(address)
            with contextlib.closing(link.socket), self._stop.heard_by(link.cut):
                return self._exchange(address, link, body, limit, resource_type, method)
        except DeadlineError as error:
            raise FetchFailedError(NetworkFault.TIMEOUT, str(error)) from error
        except WireBrokenError as error:
            raise FetchFailedError(NetworkFault.CONNECT, str(error)) from error
        except MalformedResponseError as error:
            raise FetchFailedError(NetworkFault.PROTOCOL, str(error)) from error

    def _open(self, address: Address) -> _Link:
        host = address.host
        try:
            dialled = self._guard.connect(host, address.port, timeout=self._deadline.left())
        except NotConnectedError as error:
            raise FetchFailedError(_fault_of(error), str(error)) from error
        except TimeoutError as error:
            raise FetchFailedError(NetworkFault.TIMEOUT, f"{host}: {error}") from error
        plain = dialled.stream
        if address.scheme == "http":
            return _Link(plain, dialled.number, dialled.address, None)
        try:
            plain.settimeout(self._deadline.left())
            secured = self._tls_context.wrap_socket(plain, server_hostname=host)
        except ssl.SSLError as error:
            plain.close()
            raise FetchFailedError(NetworkFault.TLS, _tls_words(error, host)) from error
        except (OSError, DeadlineError) as error:
            plain.close()
            detail = f"{host} broke off the TLS handshake: {error}"
            raise FetchFailedError(NetworkFault.TLS, detail) from error
        name, _, _ = secured.cipher() or ("unknown", "", 0)
        tls = PeerTls(secured.version() or "unknown", name, peer_chain(secured))
        return _Link(secured, dialled.number, dialled.address, tls)

    def _exchange(
        self, address: Address, link: _Link, body: BinaryIO, limit: int, kind: str, method: str
    ) -> Fetched:
        target, host = _request_target(address)
        headers = [("Host", host), *self._headers, *self._cookies(address)]
        headers.append(("Connection", "close"))
        request = _request_bytes(method, target, headers)
        source = Source(lambda size: self._receive(link.socket, size))
        started_at = utc_now()
        try:
            self._send(link.socket, request)
            head = read_head(source)
            framing = framing_of(head, method)
            copied = copy_body(source, body, framing, limit)
        finally:
            self._guard.count(link.number, received=source.received, sent=len(request))
        self._keep_cookies(address, head)
        body.seek(0)
        exchange = Exchange(
            url=address.target,
            started_at=started_at,
            method=method,
            request_target=target,
            request_headers=headers,
            request_body=b"",
            status_line=head.status_line,
            response_headers=list(head.headers),
            body=body,
            length=copied.length,
            ip=link.ip,
            protocol=None,
            truncated=copied.truncated,
            resource_type=kind,
            raw_transfer=framing.raw_transfer,
        )
        return Fetched(address, exchange, head, copied, link.tls)

    def _cookies(self, address: Address) -> list[tuple[str, str]]:
        if self._jar is None:
            return []
        with self._jar_lock:
            sent = self._jar.header(address.target)
        return [("Cookie", sent)] if sent is not None else []

    def _keep_cookies(self, address: Address, head: Head) -> None:
        if self._jar is not None:
            with self._jar_lock:
                self._jar.take(address.target, head.values("set-cookie"))

    def _send(self, stream: socket.socket, data: bytes) -> None:
        stream.settimeout(self._deadline.left())
        try:
            stream.sendall(data)
        except TimeoutError as error:
            raise DeadlineError("the time limit of the capture was reached") from error
        except OSError as error:
            raise WireBrokenError(f"the connection broke while asking: {error}") from error

    def _receive(self, stream: socket.socket, size: int) -> bytes:
        stream.settimeout(self._deadline.left())
        try:
            return stream.recv(size)
        except TimeoutError as error:
            raise DeadlineError("the time limit of the capture was reached") from error
        except OSError as error:
            raise WireBrokenError(f"the connection broke while answering: {error}") from error


@dataclass(frozen=True, slots=True)
class _Link:
    """An open connection to a judged address."""

    socket: socket.socket
    number: int
    ip: str | None
    tls: PeerTls | None

    def cut(self) -> None:
        """Break the connection under whoever reads from it, in whatever thread."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


def _fault_of(error: NotConnectedError) -> NetworkFault:
    if error.timed_out:
        return NetworkFault.TIMEOUT
    resolved = error.outcome is not GuardOutcome.UNRESOLVED
    return NetworkFault.CONNECT if resolved else NetworkFault.DNS


def _request_target(address: Address) -> tuple[str, str]:
    """Origin-form target and Host header (RFC 9112 sections 3.2.1 and 3.2)."""
    parts = urlsplit(address.target)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return target, parts.netloc


def _request_bytes(method: str, target: str, headers: list[tuple[str, str]]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    # An address or option with a line break would be a second request in disguise.
    if any(not line.isprintable() for line in lines):
        raise MalformedResponseError("the address or a header cannot be sent: control characters")
    return "\r\n".join([*lines, "", ""]).encode("utf-8")  # only cookies may be beyond ASCII


def _tls_words(error: ssl.SSLError, host: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {host} is not valid: {error.verify_message}"
    return f"no TLS with {host}: {error.reason or error}"

"""One HTTP/1.1 GET over a socket of our own: the exact bytes, the very address, the time.

The host is looked up once through the guard's rule and the connection goes to the address
that was judged. Certificates are verified against the system's authorities. Each exchange
has a connection of its own, so that nothing of one answer can be taken for another's.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass
from typing import BinaryIO, Final
from urllib.parse import urlsplit

from archive.capture.classify import NetworkFault
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
from archive.capture.lookup import LOOKUP_SECONDS
from archive.capture.network import (
    CONNECT_SECONDS,
    GuardEntry,
    GuardOutcome,
    GuardPolicy,
    resolve_public,
)
from archive.clock import utc_now
from archive.errors import ArchiveError, GuardRefusedError
from archive.urlkey import Address

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


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
    certificate: bytes
    """The peer's own certificate, DER."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One request with its response; `exchange.body` stands at its start."""

    address: Address
    exchange: Exchange
    head: Head
    copied: Copied
    tls: PeerTls | None


class Fetcher:
    """Makes GET requests for one capture, and logs each connection as the guard does."""

    def __init__(
        self,
        policy: GuardPolicy,
        deadline: Deadline,
        headers: tuple[tuple[str, str], ...],
        *,
        tls_context: ssl.SSLContext,
    ) -> None:
        self.log: list[GuardEntry] = []
        self._policy = policy
        self._deadline = deadline
        self._headers = headers
        self._tls_context = tls_context

    def get(self, address: Address, body: BinaryIO, *, limit: int, resource_type: str) -> Fetched:
        """Ask for `address` and keep the answer as it comes, in `body`, which stays open.

        :param limit: bytes of body kept at most
        :raises GuardRefusedError: the address is not public
        :raises FetchFailedError: no response came
        :raises StoreError: the disk refused the body
        """
        try:
            link = self._open(address)
            with contextlib.closing(link.socket):
                return self._exchange(address, link, body, limit, resource_type)
        except DeadlineError as error:
            raise FetchFailedError(NetworkFault.TIMEOUT, str(error)) from error
        except WireBrokenError as error:
            raise FetchFailedError(NetworkFault.CONNECT, str(error)) from error
        except MalformedResponseError as error:
            raise FetchFailedError(NetworkFault.PROTOCOL, str(error)) from error

    def _open(self, address: Address) -> _Link:
        host, port = address.host, _port(address)
        plain, ip = self._connect(host, port)
        if address.scheme == "http":
            return _Link(plain, ip, None)
        try:
            plain.settimeout(self._deadline.left())
            secured = self._tls_context.wrap_socket(plain, server_hostname=host.strip("[]"))
        except ssl.SSLError as error:
            plain.close()
            self._note(host, port, ip, GuardOutcome.CONNECTED)
            raise FetchFailedError(NetworkFault.TLS, _tls_words(error, host)) from error
        except (OSError, DeadlineError) as error:
            plain.close()
            self._note(host, port, ip, GuardOutcome.CONNECTED)
            detail = f"{host} broke off the TLS handshake: {error}"
            raise FetchFailedError(NetworkFault.TLS, detail) from error
        name, _, _ = secured.cipher() or ("unknown", "", 0)
        certificate = secured.getpeercert(binary_form=True) or b""
        return _Link(secured, ip, PeerTls(secured.version() or "unknown", name, certificate))

    def _connect(self, host: str, port: int) -> tuple[socket.socket, str]:
        """Resolve once and connect to the first judged address that answers."""
        addresses = self._resolve(host, port)
        refusal: OSError | None = None
        for ip in addresses:
            seconds = min(CONNECT_SECONDS, self._deadline.left())
            try:
                return socket.create_connection((ip, port), timeout=seconds), ip
            except OSError as error:
                refusal = error
        self._note(host, port, addresses[0], GuardOutcome.UNREACHABLE)
        timed_out = isinstance(refusal, TimeoutError)
        fault = NetworkFault.TIMEOUT if timed_out else NetworkFault.CONNECT
        raise FetchFailedError(fault, f"{host}:{port} ({addresses[0]}): {refusal}") from refusal

    def _resolve(self, host: str, port: int) -> list[str]:
        seconds = min(LOOKUP_SECONDS, self._deadline.left())
        try:
            return resolve_public(host, port, self._policy, timeout=seconds)
        except GuardRefusedError:
            self._note(host, port, None, GuardOutcome.REFUSED_ADDRESS)
            raise
        except OSError as error:
            self._note(host, port, None, GuardOutcome.UNRESOLVED)
            detail = "no answer in time" if isinstance(error, TimeoutError) else error.strerror
            raise FetchFailedError(NetworkFault.DNS, f"{host}: {detail}") from error

    def _exchange(
        self, address: Address, link: _Link, body: BinaryIO, limit: int, kind: str
    ) -> Fetched:
        target, host = _request_target(address)
        headers = [("Host", host), *self._headers, ("Connection", "close")]
        request = _request_bytes(target, headers)
        source = Source(lambda size: self._receive(link.socket, size))
        started_at = utc_now()
        try:
            self._send(link.socket, request)
            head = read_head(source)
            framing = framing_of(head)
            copied = copy_body(source, body, framing, limit)
        finally:
            self._note(
                address.host,
                _port(address),
                link.ip,
                GuardOutcome.CONNECTED,
                bytes_in=source.received,
                bytes_out=len(request),
            )
        body.seek(0)
        exchange = Exchange(
            url=address.target,
            started_at=started_at,
            method="GET",
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

    def _note(
        self,
        host: str,
        port: int,
        ip: str | None,
        outcome: GuardOutcome,
        *,
        bytes_in: int = 0,
        bytes_out: int = 0,
    ) -> None:
        self.log.append(GuardEntry(utc_now(), host, port, ip, outcome, bytes_in, bytes_out))


@dataclass(frozen=True, slots=True)
class _Link:
    """An open connection to a judged address."""

    socket: socket.socket
    ip: str
    tls: PeerTls | None


def _port(address: Address) -> int:
    return address.port or DEFAULT_PORTS[address.scheme]


def _request_target(address: Address) -> tuple[str, str]:
    """Origin-form target and Host header (RFC 9112 sections 3.2.1 and 3.2)."""
    parts = urlsplit(address.target)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return target, parts.netloc


def _request_bytes(target: str, headers: list[tuple[str, str]]) -> bytes:
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    # An address or option with a line break would be a second request in disguise.
    if any(not line.isprintable() or not line.isascii() for line in lines):
        raise MalformedResponseError("the address or a header cannot be sent: not plain ASCII")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _tls_words(error: ssl.SSLError, host: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {host} is not valid: {error.verify_message}"
    return f"no TLS with {host}: {error.reason or error}"

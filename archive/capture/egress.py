"""The way out of a project: direct, or through a SOCKS5 proxy and no other way.

With a proxy every connection goes to the proxy and nowhere else, names included: no name is
looked up on this machine, and when the proxy does not answer, nothing answers. Which side
looks names up, and what is judged then, is a choice of the project (`NamesBy`).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from archive.capture.dns import DnsError, DnsType, addresses, question
from archive.errors import ArchiveError

PROXY_SECONDS: Final = 15.0
DNS_PORT: Final = 53
_VERSION: Final = 5
_PASSWORD: Final = 2
_REPLIES: Final = {
    1: "the proxy failed",
    2: "the proxy does not allow it",
    3: "the network cannot be reached from the proxy",
    4: "the host cannot be reached from the proxy",
    5: "the connection was refused",
    6: "it took too long",
}
_NOBODY_THERE: Final = frozenset({3, 4, 5, 6})


class NamesBy(StrEnum):
    """Who looks names up where a project has a proxy."""

    RESOLVER = "resolver"
    """A name server asked through the proxy: answers are seen, judged and pinned here."""
    PROXY = "proxy"
    """The proxy itself: for proxies that refuse inner addresses on their own, as Tor does."""


class EgressDownError(ArchiveError):
    """The proxy cannot be used; nothing was sent any other way."""


class TargetUnreachableError(ArchiveError):
    """The proxy works, but says that the target cannot be had."""


@dataclass(frozen=True, slots=True)
class Egress:
    """A SOCKS5 proxy (RFC 1928), with a user and password where it wants them (RFC 1929)."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    names: NamesBy = NamesBy.RESOLVER
    resolver: str = ""
    """IP address of the name server asked through the proxy, over TCP."""
    resolver_port: int = DNS_PORT

    async def connect(self, host: str, port: int) -> socket.socket:
        """A connection to `host` through the proxy, as a non-blocking socket.

        :param host: a literal IP address, or a name for the proxy to look up
        :raises EgressDownError: the proxy does not answer, or not as a SOCKS5 proxy
        :raises TargetUnreachableError: the proxy cannot reach the target
        """
        try:
            async with asyncio.timeout(PROXY_SECONDS):
                stream = await connect_directly(self.host, self.port)
                try:
                    await self._greet(stream)
                    await self._ask(stream, host, port)
                except BaseException:  # nobody else would close it
                    stream.close()
                    raise
                return stream
        except TimeoutError as error:
            raise EgressDownError("the project's proxy does not answer in time") from error
        except (OSError, EOFError) as error:
            raise EgressDownError("the project's proxy does not answer") from error

    async def lookup(self, host: str) -> list[str]:
        """The addresses of a name, asked through the proxy, IPv4 first.

        :raises EgressDownError: proxy or name server cannot be used
        :raises DnsError: the name does not resolve
        """
        found: list[str] = []
        for kind in (DnsType.A, DnsType.AAAA):
            number, message = question(host, kind)
            try:
                stream = await self.connect(self.resolver, self.resolver_port)
            except TargetUnreachableError as error:
                words = "the name server cannot be reached through the project's proxy"
                raise EgressDownError(words) from error
            with stream:
                found += addresses(number, kind, await _exchange(stream, message))
        if not found:
            raise DnsError("the name has no address")
        return found

    async def _greet(self, stream: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        methods = bytes([0, _PASSWORD]) if self.user else bytes([0])
        await loop.sock_sendall(stream, bytes([_VERSION, len(methods)]) + methods)
        version, chosen = await _exactly(stream, 2)
        if version != _VERSION or chosen not in methods:
            raise EgressDownError("the project's proxy is no SOCKS5 proxy, or wants a password")
        if chosen != _PASSWORD:
            return
        user, password = self.user.encode(), self.password.encode()
        await loop.sock_sendall(
            stream, bytes([1, len(user)]) + user + bytes([len(password)]) + password
        )
        _, status = await _exactly(stream, 2)
        if status:
            raise EgressDownError("the project's proxy does not take the user and password")

    async def _ask(self, stream: socket.socket, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        request = bytes([_VERSION, 1, 0]) + _target(host) + struct.pack("!H", port)
        await loop.sock_sendall(stream, request)
        version, reply, _, kind = await _exactly(stream, 4)
        if version != _VERSION:
            raise EgressDownError("the project's proxy does not speak SOCKS5")
        if reply in _NOBODY_THERE:
            raise TargetUnreachableError(_REPLIES[reply])
        if reply:
            raise EgressDownError(_REPLIES.get(reply, f"the proxy's error {reply}"))
        size = {1: 4, 4: 16}.get(kind) or (await _exactly(stream, 1))[0]
        await _exactly(stream, size + 2)


async def connect_directly(host: str, port: int) -> socket.socket:
    """Connect as the system would; used for the proxy itself and, without one, for targets."""
    loop = asyncio.get_running_loop()
    refusal: OSError | None = None
    for family, where in await _places(host, port):
        stream = socket.socket(family, socket.SOCK_STREAM)
        stream.setblocking(False)
        try:
            await loop.sock_connect(stream, where)
        except OSError as error:
            refusal = error
            stream.close()
        except BaseException:  # cancelled: nobody else would close it
            stream.close()
            raise
        else:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return stream
    raise refusal or OSError(f"{host} has no address")


async def _places(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:  # a name; only that of a proxy comes here
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [(family, (str(where[0]), port)) for family, _, _, _, where in found]
    return [(socket.AF_INET if version == 4 else socket.AF_INET6, (host, port))]


async def _exchange(stream: socket.socket, message: bytes) -> bytes:
    try:
        async with asyncio.timeout(PROXY_SECONDS):
            await asyncio.get_running_loop().sock_sendall(stream, message)
            (length,) = struct.unpack("!H", await _exactly(stream, 2))
            return await _exactly(stream, length)
    except (OSError, EOFError) as error:
        raise EgressDownError("the name server does not answer through the proxy") from error


async def _exactly(stream: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    held = b""
    while len(held) < size:
        piece = await loop.sock_recv(stream, size - len(held))
        if not piece:
            raise EOFError("hung up")
        held += piece
    return held


def _target(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii", "replace")
        return bytes([3, len(name)]) + name
    return bytes([1 if address.version == 4 else 4]) + address.packed

"""The server's side of SOCKS5 on asyncio streams (RFC 1928): CONNECT, no authentication."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Final

VERSION: Final = 5
NO_AUTHENTICATION: Final = 0
CONNECT: Final = 1
PIPE_SIZE: Final = 65_536  # bytes per read


class Reply(IntEnum):
    """Reply codes, RFC 1928 section 6."""

    SUCCEEDED = 0
    GENERAL_FAILURE = 1
    NOT_ALLOWED = 2
    HOST_UNREACHABLE = 4
    CONNECTION_REFUSED = 5
    COMMAND_NOT_SUPPORTED = 7
    ADDRESS_TYPE_NOT_SUPPORTED = 8


class MalformedRequestError(Exception):
    """The client speaks something else, or asks for more than CONNECT."""

    def __init__(self, message: str, reply: Reply) -> None:
        super().__init__(message)
        self.reply = reply


async def read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[str, int]:
    """Go through the greeting and give the host and port asked for.

    :raises MalformedRequestError: not SOCKS5, or not CONNECT
    :raises asyncio.IncompleteReadError: the client hung up
    """
    version, count = await reader.readexactly(2)
    if version != VERSION:
        raise MalformedRequestError(f"version {version}, not 5", Reply.GENERAL_FAILURE)
    if NO_AUTHENTICATION not in await reader.readexactly(count):
        raise MalformedRequestError("client insists on authentication", Reply.GENERAL_FAILURE)
    writer.write(bytes([VERSION, NO_AUTHENTICATION]))
    await writer.drain()
    version, command, _reserved, kind = await reader.readexactly(4)
    if version != VERSION:
        raise MalformedRequestError(f"version {version}, not 5", Reply.GENERAL_FAILURE)
    host = await _read_host(reader, kind)
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    if command != CONNECT:
        raise MalformedRequestError(f"command {command}", Reply.COMMAND_NOT_SUPPORTED)
    return host, port


async def _read_host(reader: asyncio.StreamReader, kind: int) -> str:
    if kind == 1:
        return str(ipaddress.IPv4Address(await reader.readexactly(4)))
    if kind == 4:
        return str(ipaddress.IPv6Address(await reader.readexactly(16)))
    if kind != 3:
        raise MalformedRequestError(f"address type {kind}", Reply.ADDRESS_TYPE_NOT_SUPPORTED)
    (length,) = await reader.readexactly(1)
    try:
        return (await reader.readexactly(length)).decode("ascii")
    except UnicodeDecodeError as error:
        raise MalformedRequestError("host is not ASCII", Reply.GENERAL_FAILURE) from error


async def send_reply(writer: asyncio.StreamWriter, reply: Reply) -> None:
    """Answer the request; the bound address is left zero, which clients accept."""
    writer.write(bytes([VERSION, reply, 0, 1, 0, 0, 0, 0, 0, 0]))
    await writer.drain()


async def pipe(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, count: Callable[[int], None]
) -> None:
    """Copy until the end of `source`, then half-close `sink`; `count` hears of each chunk."""
    with contextlib.suppress(OSError):  # either side may reset at any moment
        while chunk := await source.read(PIPE_SIZE):
            count(len(chunk))
            sink.write(chunk)
            await sink.drain()
    with contextlib.suppress(OSError):
        if sink.can_write_eof():
            sink.write_eof()


async def close_quietly(writer: asyncio.StreamWriter, *, patience: float | None = None) -> None:
    """Close; a connection that is already broken is as good as closed.

    :param patience: seconds in which the other side may take what is on its way, then it is
        dropped; None waits for ever
    """
    writer.close()
    try:
        async with asyncio.timeout(patience):
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    except (TimeoutError, asyncio.CancelledError) as error:
        with contextlib.suppress(AttributeError):  # asyncio's, if it was closed at this very moment
            writer.transport.abort()
        if isinstance(error, asyncio.CancelledError):
            raise

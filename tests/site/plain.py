"""HTTP/1.1 by hand, so that a test decides about every byte and every broken connection."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import itertools
import socket
import struct
from collections.abc import Callable

from tests.site.answers import Answer, Ask, End, Line, Log

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class PlainServer:
    """One origin over plain HTTP/1.1."""

    def __init__(self, host: str, log: Log, answer: Callable[[Ask], Answer]) -> None:
        self._host = host
        self._log = log
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def origin(self) -> str:
        return f"http://{self._host}:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while (ask := await self._read(reader, writer)) is not None:
                answer = self._answer(ask)
                line = self._log.begin(ask, answer)
                if answer.delay:
                    await asyncio.sleep(answer.delay)
                if answer.websocket is not None:
                    await self._talk(ask, answer, line, reader, writer)
                    break
                if not await self._send(ask, answer, line, writer):
                    break
        writer.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Ask | None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        method, target, _version = first.split(" ")
        headers = tuple((k, v.strip()) for k, _, v in (line.partition(":") for line in lines))
        length = int(next((v for k, v in headers if k.lower() == "content-length"), "0"))
        body = await reader.readexactly(length)
        peer = writer.get_extra_info("peername")
        return Ask(self.origin, method, target, "http/1.1", headers, body, peer)

    async def _send(
        self, ask: Ask, answer: Answer, line: Line, writer: asyncio.StreamWriter
    ) -> bool:
        if answer.end is End.SILENT:
            return False
        if answer.hints:
            writer.write(_head("HTTP/1.1 103 Early Hints", answer.hints))
        length = sum(map(len, answer.pieces)) + (0 if answer.end is End.WHOLE else 1000)
        bodyless = ask.method == "HEAD" or answer.status in {204, 304}
        framing = (
            ("Transfer-Encoding", "chunked")
            if answer.chunked or answer.forever
            else ("Content-Length", str(length))
        )
        more = () if answer.status in {204, 304} else (framing,)
        writer.write(_head(f"HTTP/1.1 {answer.status} Said So", (*answer.headers, *more)))
        await writer.drain()
        if bodyless:
            line.sent = True
            return True
        pieces = itertools.cycle(answer.pieces) if answer.forever else iter(answer.pieces)
        for piece in pieces:
            for at in range(0, len(piece), 1 << 16):
                part = piece[at : at + (1 << 16)]
                chunk = b"%x\r\n%s\r\n" % (len(part), part)
                writer.write(chunk if framing[1] == "chunked" else part)
                await writer.drain()
            if answer.pause:
                await asyncio.sleep(answer.pause)
        if framing[1] == "chunked":
            writer.write(b"0\r\n\r\n")
        if answer.end is End.RESET:
            await asyncio.sleep(0.1)
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        await writer.drain()
        line.sent = True
        return answer.end is End.WHOLE

    async def _talk(
        self, ask: Ask, answer: Answer, line: Line,
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        key = hashlib.sha1((ask.header("sec-websocket-key") + _GUID).encode()).digest()
        accept = base64.b64encode(key).decode()
        writer.write(
            _head(
                "HTTP/1.1 101 Switching Protocols",
                (("Upgrade", "websocket"), ("Connection", "Upgrade"),
                 ("Sec-WebSocket-Accept", accept), *answer.headers),
            )
        )  # fmt: skip
        assert answer.websocket is not None
        line.sent = True
        while True:
            first, second = await reader.readexactly(2)
            size = second & 127
            if size == 126:
                size = int.from_bytes(await reader.readexactly(2))
            mask = await reader.readexactly(4)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(await reader.readexactly(size)))
            if first & 15 == 8:
                writer.write(bytes([0x88, len(data)]) + data)
                await writer.drain()
                return
            line.frames.append(("sent", data))
            for said in answer.websocket(data):
                kind = 0x82 if said.startswith(b"\x00") else 0x81
                size_field = (
                    bytes([len(said)]) if len(said) < 126 else b"\x7e" + len(said).to_bytes(2)
                )
                writer.write(bytes([kind]) + size_field + said)
                line.frames.append(("received", said))
            await writer.drain()


def _head(first: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

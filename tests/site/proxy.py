"""A SOCKS5 proxy that can die, for every test of a project's way out."""

from __future__ import annotations

import asyncio
import struct
import threading
from ipaddress import ip_address


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

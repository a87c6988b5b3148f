"""A client of the Chrome DevTools Protocol over a pair of pipes: commands out, events in.

Pipes and no port (--remote-debugging-pipe): nobody else on the machine can talk to the browser,
and it ends by itself when we are gone. A message is one JSON document and a zero byte.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections import defaultdict
from collections.abc import Callable
from typing import Any, BinaryIO, Final

Handler = Callable[[dict[str, Any], str | None], None]
ANSWER_SECONDS: Final = 30.0  # for a command that no page can hold up
_PIECE: Final = 3 << 18  # bytes of a body sent at once; a multiple of 3, as base64 wants


class CdpError(Exception):
    """The browser refused a command, does not answer, or is gone."""


class _Incoming(asyncio.Protocol):
    """Cuts what comes at its zero bytes."""

    def __init__(self, take: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        self._take = take
        self._ended = ended
        self._parts: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        """Take the messages that are complete."""
        *whole, rest = data.split(b"\0")
        for part in whole:
            self._take(b"".join([*self._parts, part]))
            self._parts = []
        if rest:
            self._parts.append(rest)

    def connection_lost(self, _error: Exception | None) -> None:
        """The browser has gone."""
        self._ended()


class Cdp:
    """One connection to a browser; sessions of targets share it (flat mode)."""

    def __init__(self) -> None:
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._handlers: dict[str, list[Handler]] = defaultdict(list)
        self._last = 0
        self._reading: asyncio.BaseTransport | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._turn = asyncio.Lock()
        self.gone = asyncio.Event()

    async def open(self, reading: int, writing: int) -> None:
        """Talk over two file descriptors, which belong to this object from now on."""
        loop = asyncio.get_running_loop()
        self._reading, _ = await loop.connect_read_pipe(
            lambda: _Incoming(self._received, self._ended), os.fdopen(reading, "rb", 0)
        )
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.streams.FlowControlMixin(loop=loop), os.fdopen(writing, "wb", 0)
        )
        self._writer = asyncio.StreamWriter(transport, protocol, None, loop)

    async def close(self) -> None:
        """Hang up; whatever still waits for an answer gets CdpError."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.transport.abort()  # to close would wait until the browser has read all
        if self._reading is not None:
            self._reading.close()
        self._ended()
        await asyncio.sleep(0)  # the transports close on the next turn of the loop

    def on(self, event: str, handler: Handler) -> None:
        """Call `handler` with the parameters and the session of each such event."""
        self._handlers[event].append(handler)

    def forget_handlers(self) -> None:
        """Call nobody any more: one capture is over."""
        self._handlers.clear()

    async def send(
        self, method: str, session: str | None = None, **parameters: Any
    ) -> dict[str, Any]:
        """Send a command; return its result.

        :raises CdpError: the browser refused it, or is gone
        """
        number, answer = self._expect()
        message = self._head(number, method, session) | {"params": parameters}
        async with self._turn:
            await self._write(json.dumps(message, separators=(",", ":")).encode() + b"\0")
        return await answer

    async def ask(
        self, method: str, session: str | None = None, **parameters: Any
    ) -> dict[str, Any]:
        """`send` where no other clock runs: a browser that hangs must not be waited for.

        :raises CdpError: the browser refused it, is gone, or does not answer
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self.send(method, session, **parameters)
        except TimeoutError as error:
            raise CdpError("the browser does not answer") from error

    async def send_with_body(
        self, method: str, body: BinaryIO, *, moved: Callable[[], None], **parameters: Any
    ) -> dict[str, Any]:
        """Send a command with a parameter `body` in base64, read from a file piece by piece.

        :param moved: called after each piece
        :raises CdpError: the browser refused it, or is gone
        """
        number, answer = self._expect()
        message = self._head(number, method, None) | {"params": {**parameters, "body": ""}}
        text = json.dumps(message, separators=(",", ":"))
        before, after = text[:-3], text[-3:]  # the last parameter's empty string ends in "}}
        async with self._turn:
            await self._write(before.encode())
            while piece := body.read(_PIECE):
                await self._write(base64.b64encode(piece))
                moved()
            await self._write(after.encode() + b"\0")
        return await answer

    def _expect(self) -> tuple[int, asyncio.Future[dict[str, Any]]]:
        if self._writer is None or self.gone.is_set():
            raise CdpError("the browser is gone")
        self._last += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[self._last] = answer
        return self._last, answer

    @staticmethod
    def _head(number: int, method: str, session: str | None) -> dict[str, Any]:
        head: dict[str, Any] = {"id": number, "method": method}
        return head | ({"sessionId": session} if session is not None else {})

    async def _write(self, data: bytes) -> None:
        if self._writer is None:
            raise CdpError("the browser is gone")
        self._writer.write(data)
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise CdpError("the browser is gone") from error

    def _received(self, data: bytes) -> None:
        message = json.loads(data)
        if "id" not in message:
            for handler in tuple(self._handlers.get(message["method"], ())):
                handler(message.get("params", {}), message.get("sessionId"))
            return
        answer = self._answers.pop(message["id"], None)
        if answer is None or answer.done():
            return
        if "error" in message:
            answer.set_exception(CdpError(str(message["error"].get("message"))))
        else:
            answer.set_result(message.get("result", {}))

    def _ended(self) -> None:
        self.gone.set()
        waiting, self._answers = self._answers, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(CdpError("the browser is gone"))

"""A client of the Chrome DevTools Protocol over its websocket: commands out, events in."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Self

import aiohttp

Handler = Callable[[dict[str, Any], str | None], None]


class CdpError(Exception):
    """The browser refused a command, or is gone."""


class Cdp:
    """One connection to a browser; sessions of targets share it (flat mode)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._handlers: dict[str, list[Handler]] = defaultdict(list)
        self._last = 0
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._pump: asyncio.Task[None] | None = None
        self.gone = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession()
        self._socket = await self._http.ws_connect(self._url, max_msg_size=0)
        self._pump = asyncio.create_task(self._receive(self._socket))
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._socket is not None:
            await self._socket.close()
        if self._pump is not None:
            await self._pump
        if self._http is not None:
            await self._http.close()

    def on(self, event: str, handler: Handler) -> None:
        """Call `handler` with the parameters and the session of each such event."""
        self._handlers[event].append(handler)

    async def send(
        self, method: str, session: str | None = None, **parameters: Any
    ) -> dict[str, Any]:
        """Send a command; return its result.

        :raises CdpError: the browser refused it, or is gone
        """
        if self._socket is None or self.gone.is_set():
            raise CdpError("the browser is gone")
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[self._last] = answer
        try:
            await self._socket.send_json(message)
        except (ConnectionError, aiohttp.ClientError) as error:
            raise CdpError("the browser is gone") from error
        return await answer

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for received in socket:
            if received.type is not aiohttp.WSMsgType.TEXT:
                continue
            message = received.json()
            if "id" not in message:
                for handler in self._handlers[message["method"]]:
                    handler(message.get("params", {}), message.get("sessionId"))
                continue
            answer = self._answers.pop(message["id"], None)
            if answer is None or answer.done():
                continue
            if "error" in message:
                answer.set_exception(CdpError(str(message["error"].get("message"))))
            else:
                answer.set_result(message.get("result", {}))
        self.gone.set()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(CdpError("the browser is gone"))

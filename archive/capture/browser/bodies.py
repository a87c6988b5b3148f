"""Taking the body of a response while Fetch holds it, and letting the page have it.

A body of known size is taken by one command up to a limit, and as a stream beyond it, into a
file that goes to disk when it grows. What was streamed has to be given back to the page whole.
An event stream never ends, so it is let through at once and listened to (`Listener`).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, cast

from archive.capture.browser.cdp import Cdp, CdpError

Event = dict[str, Any]
IN_ONE_PIECE: Final = 2_000_000  # bytes taken by one command
FED_BACK: Final = 64_000_000  # bytes of a streamed body given back to the page
BODY_SECONDS: Final = 20.0
NO_BODY: Final = frozenset({204, 205, 304})
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_READ: Final = 1 << 19
_IN_MEMORY: Final = 1 << 18  # bytes; larger bodies wait in a file


@dataclass(slots=True)
class Body:
    """A body waiting to be written, from the start of `file`."""

    file: BinaryIO
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    size: int = 0
    truncated: str | None = None
    """As in WARC-Truncated: length, time, disconnect or unspecified."""
    why: str = ""
    """A sentence for the loss ledger where it is truncated."""


@dataclass(slots=True)
class Budget:
    """Bytes still to be had: of one body, and of all together."""

    each: int
    total: int

    def allow(self, size: int) -> int:
        """How many of `size` more bytes may be kept."""
        allowed = min(size, self.total)
        self.total -= allowed
        return allowed


class Bodies:
    """Makes and closes the files of one capture's bodies."""

    def __init__(self, cdp: Cdp, budget: Budget, moved: Callable[[], None]) -> None:
        """:param moved: called whenever a large body has come or gone a piece further."""
        self._cdp = cdp
        self._budget = budget
        self._moved = moved
        self._files: list[BinaryIO] = []

    def close(self) -> None:
        """Let all of them go."""
        for file in self._files:
            file.close()

    def new(self) -> Body:
        """An empty body."""
        file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  (close does it)
        self._files.append(cast("BinaryIO", file))
        return Body(cast("BinaryIO", file))

    def add(self, body: Body, data: bytes) -> None:
        """Keep more of a body, within the limits."""
        room = min(len(data), self._budget.each - body.size)
        kept = self._budget.allow(room)
        body.file.write(data[:kept])
        body.size += kept
        if kept < len(data):
            body.truncated, body.why = "length", "the rest is beyond the limit of bytes"

    async def take(self, paused: Event) -> Body:
        """Take the body of a held response.

        :raises CdpError: the browser does not give it
        :raises TimeoutError: it takes too long
        """
        body = self.new()
        status = int(paused["responseStatusCode"])
        if status in REDIRECTS:
            if _declares_body(paused):
                body.truncated, body.why = (
                    "unspecified",
                    "a browser does not give the body of a redirect",
                )
            return body
        if status in NO_BODY or paused["request"]["method"] == "HEAD":
            return body
        if is_streamed(paused):
            await self._stream(paused["requestId"], body)
        else:
            await self._whole(paused["requestId"], body)
        return body

    async def _whole(self, request_id: str, body: Body) -> None:
        answer = await asyncio.wait_for(
            self._cdp.send("Fetch.getResponseBody", requestId=request_id), BODY_SECONDS
        )
        self.add(body, decoded(answer, "body", "base64Encoded"))

    async def _stream(self, request_id: str, body: Body) -> None:
        answer = await self._cdp.send("Fetch.takeResponseBodyAsStream", requestId=request_id)
        handle = answer["stream"]
        try:
            while body.truncated is None:
                piece = await asyncio.wait_for(
                    self._cdp.send("IO.read", handle=handle, size=_READ), BODY_SECONDS
                )
                self.add(body, decoded(piece, "data", "base64Encoded"))
                self._moved()
                if piece["eof"]:
                    break
        except (CdpError, TimeoutError) as error:
            body.truncated = "disconnect" if isinstance(error, CdpError) else "time"
            body.why = str(error) or f"nothing more came for {BODY_SECONDS:g} seconds"
        with contextlib.suppress(CdpError):  # the stream may be gone with its request
            await self._cdp.send("IO.close", handle=handle)

    async def give(self, paused: Event, body: Body | None) -> None:
        """Let the page have what was held.

        :raises CdpError: the page had let go of it already
        """
        request_id = paused["requestId"]
        if body is None or not is_streamed(paused):
            await self._cdp.send("Fetch.continueResponse", requestId=request_id)
        elif body.size <= FED_BACK:
            body.file.seek(0)
            await self._cdp.send_with_body(
                "Fetch.fulfillRequest", body.file, requestId=request_id,
                responseCode=paused["responseStatusCode"],
                responseHeaders=paused["responseHeaders"], moved=self._moved,
            )  # fmt: skip
        else:
            await self._cdp.send("Fetch.failRequest", requestId=request_id, errorReason="Aborted")


class Listener:
    """Event streams: let through at once, their bytes taken as they come."""

    def __init__(self, cdp: Cdp, bodies: Bodies) -> None:
        self._cdp = cdp
        self._bodies = bodies
        self._open: dict[str, Body] = {}

    def expect(self, network_id: str) -> Body:
        """A body for a stream that is about to be let through."""
        body = self._bodies.new()
        body.truncated, body.why = "time", "the stream was still open when the capture ended"
        self._open[network_id] = body
        return body

    async def listen(self, network_id: str, session: str | None) -> None:
        """Ask for the bytes, once the page has begun to receive them."""
        body = self._open.get(network_id)
        if body is None:
            return
        try:
            answer = await self._cdp.send(
                "Network.streamResourceContent", session, requestId=network_id
            )
        except CdpError as error:
            body.why = f"the stream could not be listened to: {error}"
        else:
            self._bodies.add(body, base64.b64decode(answer.get("bufferedData", "")))

    def came(self, event: Event) -> None:
        """Network.dataReceived."""
        body = self._open.get(event["requestId"])
        if body is not None and event.get("data"):
            self._bodies.add(body, base64.b64decode(event["data"]))

    def ended(self, network_id: str, *, by_page: bool) -> None:
        """The stream ended, or the page closed it."""
        body = self._open.pop(network_id, None)
        if body is not None and body.truncated == "time":
            body.truncated = "disconnect" if by_page else None
            body.why = "the page closed the stream" if by_page else ""


def is_event_stream(paused: Event) -> bool:
    """Whether a held response never ends of itself."""
    return _header(paused, "content-type").lower().startswith("text/event-stream")


def is_streamed(paused: Event) -> bool:
    """Whether a body is too large, or may be, to be taken by one command."""
    length = _header(paused, "content-length")
    if length.isdigit():
        return int(length) > IN_ONE_PIECE
    return str(paused.get("resourceType")) == "Media"


def decoded(answer: Event, name: str, flag: str) -> bytes:
    """Bytes as the protocol gives them: base64, or text."""
    text = str(answer[name])
    return base64.b64decode(text) if answer.get(flag) else text.encode()


def _declares_body(paused: Event) -> bool:
    coded = bool(_header(paused, "transfer-encoding"))
    return coded or _header(paused, "content-length") not in {"", "0"}


def _header(paused: Event, name: str) -> str:
    held = paused.get("responseHeaders", ())
    return str(next((one["value"] for one in held if one["name"].lower() == name), ""))

"""Recording every exchange of a page: bodies by Fetch, heads by Network, joined on the request.

Measured traps are in archive.md §1: attach commands go out together, a redirect chain re-uses
one id, HTTP/2 has no head text, bodies arrive decoded.
"""

from __future__ import annotations

import asyncio
import base64
import tempfile
import time
from collections import defaultdict
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, cast
from urllib.parse import urlsplit

from archive.capture.browser.cdp import Cdp, CdpError
from archive.capture.exchange import Exchange
from archive.capture.network import Guard

_IN_ONE_PIECE: Final = 2_000_000  # bytes fetched by one command
_FED_BACK: Final = 5_000_000  # bytes of a large body given on to the page
_BODY_SECONDS: Final = 20.0
_NO_BODY: Final = frozenset({204, 205, 301, 302, 303, 304, 307, 308})
_DECODED: Final = frozenset({"content-encoding", "transfer-encoding"})


@dataclass(slots=True)
class Recorded:
    """One exchange as it came, or why it did not."""

    url: str
    method: str
    resource_type: str
    at: datetime
    status: int | None = None
    size: int | None = None
    error: str | None = None
    exchange: Exchange | None = None


@dataclass(slots=True)
class _Heads:
    """What Network told of one id; a chain of redirects adds to each list."""

    requests: list[dict[str, str]] = field(default_factory=list)
    responses: list[dict[str, Any]] = field(default_factory=list)
    protocols: list[str] = field(default_factory=list)
    used: int = 0


class Recorder:
    """Records one browser until it is closed."""

    def __init__(self, cdp: Cdp, guard: Guard, *, body_limit: int) -> None:
        self._cdp = cdp
        self._guard = guard
        self._limit = body_limit
        self._heads: dict[str, _Heads] = defaultdict(_Heads)
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_flight: set[str] = set()
        self._changed = time.monotonic()
        self._files: list[BinaryIO] = []
        self.recorded: list[Recorded] = []
        self.by_id: dict[str, list[tuple[Recorded, dict[str, Any], BinaryIO, int, str | None]]] = (
            defaultdict(list)
        )

    async def start(self) -> None:
        """Begin recording every target the browser has and opens."""
        on = self._cdp.on
        on("Target.attachedToTarget", lambda p, _s: self._spawn(self._attach(p["sessionId"])))
        on("Fetch.requestPaused", lambda p, _s: self._spawn(self._paused(p)))
        on("Network.requestWillBeSent", self._sent)
        on("Network.requestWillBeSentExtraInfo", self._sent_head)
        on("Network.responseReceivedExtraInfo", self._response_head)
        on("Network.responseReceived", self._response)
        on("Network.loadingFinished", lambda p, _s: self._ended(p["requestId"]))
        on("Network.loadingFailed", self._failed)
        await self._cdp.send(
            "Fetch.enable", patterns=[{"urlPattern": "*", "requestStage": "Response"}]
        )
        await self._cdp.send(
            "Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True
        )

    async def quiet(self, *, calm: float, at_most: float) -> bool:
        """Wait until nothing has been in flight for `calm` seconds; False if it never was."""
        ends = time.monotonic() + at_most
        while time.monotonic() < ends:
            if not self._in_flight and time.monotonic() - self._changed >= calm:
                return True
            await asyncio.sleep(0.03)
        return False

    async def finish(self) -> list[Recorded]:
        """Let what is being read end; return everything in the order it was asked for."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=5)
        for request_id, rows in self.by_id.items():
            for recorded, paused, body, size, truncated in rows:
                recorded.exchange = self._exchange(
                    request_id, recorded, paused, body, size, truncated
                )
        return sorted(self.recorded, key=lambda one: one.at)

    def close(self) -> None:
        """Let the bodies go."""
        for task in self._tasks:
            task.cancel()
        for file in self._files:
            file.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attach(self, session: str) -> None:
        # Together: awaited one by one these deadlock service workers.
        await asyncio.gather(
            self._cdp.send("Network.enable", session, maxPostDataSize=5_000_000),
            self._cdp.send(
                "Target.setAutoAttach", session,
                autoAttach=True, waitForDebuggerOnStart=True, flatten=True,
            ),
            self._cdp.send("Runtime.runIfWaitingForDebugger", session),
            return_exceptions=True,
        )  # fmt: skip

    def _sent(self, parameters: dict[str, Any], _session: str | None) -> None:
        request_id = parameters["requestId"]
        self._in_flight.add(request_id)
        self._changed = time.monotonic()
        redirect = parameters.get("redirectResponse")
        if redirect is not None:
            self._heads[request_id].protocols.append(str(redirect.get("protocol") or ""))

    def _sent_head(self, parameters: dict[str, Any], _session: str | None) -> None:
        self._heads[parameters["requestId"]].requests.append(parameters["headers"])

    def _response_head(self, parameters: dict[str, Any], _session: str | None) -> None:
        self._heads[parameters["requestId"]].responses.append(parameters)

    def _response(self, parameters: dict[str, Any], _session: str | None) -> None:
        protocol = str(parameters["response"].get("protocol") or "")
        self._heads[parameters["requestId"]].protocols.append(protocol)

    def _ended(self, request_id: str) -> None:
        self._in_flight.discard(request_id)
        self._changed = time.monotonic()

    def _failed(self, parameters: dict[str, Any], _session: str | None) -> None:
        self._ended(parameters["requestId"])

    async def _paused(self, paused: dict[str, Any]) -> None:
        """Take the body of a response that is held, then let the page have it."""
        request = paused["request"]
        recorded = Recorded(
            request["url"],
            request["method"],
            str(paused.get("resourceType", "other")).lower(),
            datetime.now(UTC),
            status=paused.get("responseStatusCode"),
        )
        self.recorded.append(recorded)
        held: BinaryIO | None = None
        size = 0
        try:
            if paused.get("responseErrorReason"):
                recorded.error = str(paused["responseErrorReason"])
            elif recorded.status is not None and _is_web(recorded.url):
                held, size, truncated = await self._body(paused, recorded)
                recorded.size = size
                network_id = str(paused.get("networkId") or paused["requestId"])
                self.by_id[network_id].append((recorded, paused, held, size, truncated))
        except (CdpError, TimeoutError) as error:
            recorded.error = f"the body was not had: {error or 'too slow'}"
        await self._let_go(paused, recorded, held, size)

    async def _body(
        self, paused: dict[str, Any], recorded: Recorded
    ) -> tuple[BinaryIO, int, str | None]:
        file = _spool()
        self._files.append(file)
        if recorded.status in _NO_BODY or paused["request"]["method"] == "HEAD":
            return file, 0, None
        lengths = [
            h["value"] for h in paused["responseHeaders"] if h["name"].lower() == "content-length"
        ]
        length = int(lengths[0]) if lengths and lengths[0].isdigit() else -1
        if length > _IN_ONE_PIECE or (length < 0 and recorded.resource_type == "media"):
            return await self._streamed(paused["requestId"], file)
        answer = await asyncio.wait_for(
            self._cdp.send("Fetch.getResponseBody", requestId=paused["requestId"]), _BODY_SECONDS
        )
        body = _decoded(answer["body"], base=bool(answer["base64Encoded"]))[: self._limit]
        file.write(body)
        return file, len(body), None

    async def _streamed(self, request_id: str, file: BinaryIO) -> tuple[BinaryIO, int, str | None]:
        answer = await self._cdp.send("Fetch.takeResponseBodyAsStream", requestId=request_id)
        handle, size = answer["stream"], 0
        truncated: str | None = None
        while True:
            piece = await self._cdp.send("IO.read", handle=handle, size=1 << 19)
            data = _decoded(piece["data"], base=bool(piece.get("base64Encoded")))
            file.write(data[: self._limit - size])
            size += len(data[: self._limit - size])
            if piece["eof"]:
                break
            if size >= self._limit:
                truncated = "length"
                break
        await self._cdp.send("IO.close", handle=handle)
        return file, size, truncated

    async def _let_go(
        self, paused: dict[str, Any], recorded: Recorded, held: BinaryIO | None, size: int
    ) -> None:
        request_id = paused["requestId"]
        streamed = held is not None and size > _IN_ONE_PIECE
        try:
            if paused.get("responseErrorReason"):
                reason = paused["responseErrorReason"]
                await self._cdp.send("Fetch.failRequest", requestId=request_id, errorReason=reason)
            elif streamed and held is not None and size <= _FED_BACK:
                held.seek(0)
                await self._cdp.send(
                    "Fetch.fulfillRequest", requestId=request_id,
                    responseCode=recorded.status, responseHeaders=paused["responseHeaders"],
                    body=base64.b64encode(held.read()).decode("ascii"),
                )  # fmt: skip
            elif streamed:
                await self._cdp.send(
                    "Fetch.failRequest", requestId=request_id, errorReason="Aborted"
                )
            else:
                await self._cdp.send("Fetch.continueResponse", requestId=request_id)
        except CdpError as error:
            recorded.error = recorded.error or f"the page let go of it: {error}"

    def _exchange(
        self,
        request_id: str,
        recorded: Recorded,
        paused: dict[str, Any],
        body: BinaryIO,
        size: int,
        truncated: str | None,
    ) -> Exchange:
        heads = self._heads[request_id]
        at, heads.used = heads.used, heads.used + 1
        extra = heads.responses[at] if at < len(heads.responses) else None
        status_line, headers = _response_fields(paused, extra)
        request = paused["request"]
        sent = heads.requests[at] if at < len(heads.requests) else request["headers"]
        posted = "".join(
            base64.b64decode(entry.get("bytes", "")).decode("latin-1")
            for entry in request.get("postDataEntries", ())
        ).encode("latin-1")
        asked = [(name, value) for name, value in sent.items() if not name.startswith(":")]
        if posted and not any(name.lower() == "content-length" for name, _value in asked):
            asked.append(("Content-Length", str(len(posted))))
        parts = urlsplit(recorded.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        protocol = heads.protocols[at] if at < len(heads.protocols) else ""
        body.seek(0)
        return Exchange(
            url=recorded.url.partition("#")[0],
            started_at=recorded.at,
            method=recorded.method,
            request_target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            request_headers=asked,
            request_body=posted,
            status_line=status_line,
            response_headers=_as_decoded(headers, size, recorded),
            body=body,
            length=size,
            ip=self._guard.address_of(parts.hostname or "", port),
            protocol=protocol if protocol in {"h2", "h3"} else None,
            truncated=truncated,
            resource_type=recorded.resource_type,
        )


def _spool() -> BinaryIO:
    """A body waiting to be written; the recorder closes it."""
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=1 << 20))


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _decoded(data: str, *, base: bool) -> bytes:
    return base64.b64decode(data) if base else data.encode()


def _response_fields(
    paused: dict[str, Any], extra: dict[str, Any] | None
) -> tuple[str, list[tuple[str, str]]]:
    """Return status and headers: as they stood on the wire where the browser tells, else as held."""
    text = extra.get("headersText") if extra is not None else None
    if text:
        first, *lines = str(text).split("\r\n")
        pairs = [line.partition(":") for line in lines if ":" in line]
        return first.partition(" ")[2], [(name, value.lstrip(" ")) for name, _c, value in pairs]
    status = f"{paused['responseStatusCode']} {paused.get('responseStatusText', '')}".strip()
    if extra is not None:
        return status, [
            (name, value)
            for name, values in extra["headers"].items()
            if not name.startswith(":")
            for value in str(values).split("\n")
        ]
    return status, [(one["name"], one["value"]) for one in paused["responseHeaders"]]


def _as_decoded(
    headers: list[tuple[str, str]], size: int, recorded: Recorded
) -> list[tuple[str, str]]:
    """Rename what described the coded body; the payload is as the browser decoded it."""
    made: list[tuple[str, str]] = []
    for name, value in headers:
        low = name.lower()
        wrong_length = low == "content-length" and value.strip() != str(size)
        renamed = low in _DECODED or wrong_length
        made.append((f"X-Archive-Orig-{name}" if renamed else name, value))
    bodyless = recorded.status in _NO_BODY or recorded.method == "HEAD"
    if not bodyless and not any(name.lower() == "content-length" for name, _value in made):
        made.append(("Content-Length", str(size)))
    return made

"""Recording every exchange of one browser context: bodies by Fetch, heads by Network.

Measured traps are in archive.md §1 and docs/decisions: attach commands go out together, a
redirect chain re-uses one id, HTTP/2 has no head text, bodies arrive decoded, a cached answer
is held like any other.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from typing import Any, Final

from archive.capture.browser.bodies import (
    BODY_SECONDS,
    Bodies,
    Budget,
    Listener,
    is_event_stream,
)
from archive.capture.browser.cdp import Cdp, CdpError
from archive.capture.browser.exchanges import Recorded, record_hop, record_socket
from archive.capture.browser.sockets import Socket, Sockets
from archive.capture.browser.targets import Disguise, Targets
from archive.capture.browser.traffic import Held, Traffic
from archive.capture.network import Guard

Event = dict[str, Any]
_STALLED: Final = 3.0  # seconds without a sign of life after which nobody waits for a request
_MOVING: Final = 1.0  # seconds within which a large body must have moved to count as coming
_LAST_WORDS: Final = 3.0  # seconds bodies on their way get at the end
_HOLD: Final = ({"urlPattern": "*", "requestStage": "Response"},)
_REFUSE: Final = ({"urlPattern": "*", "requestStage": "Request"},)


class Recorder:
    """Records one context of a browser until `finish`."""

    def __init__(
        self, cdp: Cdp, guard: Guard, context: str, disguise: Disguise, budget: Budget
    ) -> None:
        self._cdp = cdp
        self._guard = guard
        self._traffic = Traffic()
        self._bodies = Bodies(cdp, budget, self._body_moved)
        self._listener = Listener(cdp, self._bodies)
        self._sockets = Sockets(cdp)
        self._tasks: set[asyncio.Task[None]] = set()
        self._alive: dict[str, float] = {}
        self._changed = time.monotonic()
        self._moved = -_MOVING
        self.targets = Targets(cdp, context, disguise)

    async def start(self) -> None:
        """Begin recording every target the context has and opens.

        :raises CdpError: the browser is gone
        """
        on, traffic = self._cdp.on, self._traffic
        on("Fetch.requestPaused", lambda p, _s: self._spawn(self._paused(p)))
        on("Network.requestWillBeSent", self._sent)
        on("Network.requestWillBeSentExtraInfo", lambda p, _s: traffic.sent_head(p))
        on("Network.responseReceivedExtraInfo", lambda p, _s: traffic.response_head(p))
        on("Network.responseReceived", self._received)
        on("Network.requestServedFromCache", lambda p, _s: traffic.from_memory(p))
        on("Network.dataReceived", self._data)
        on("Network.loadingFinished", self._finished)
        on("Network.loadingFailed", self._failed)
        await self._cdp.send("Fetch.enable", patterns=list(_HOLD))
        await self.targets.start()

    async def quiet(self, *, calm: float, at_most: float) -> bool:
        """Wait until nothing has been in flight for `calm` seconds; False if it never was.

        A request that shows no sign of life for three seconds (a long poll) is not waited for;
        a large body that moves is, beyond `at_most` too.
        """
        ends = time.monotonic() + at_most
        while (now := time.monotonic()) < ends or now - self._moved < _MOVING:
            busy = now - self._moved < _MOVING or any(
                now - seen < _STALLED for seen in self._alive.values()
            )
            if not busy and now - self._changed >= calm:
                return True
            await asyncio.sleep(0.02)
        return False

    async def no_more(self) -> None:
        """Let nothing further leave the browser; what is on its way gets a moment."""
        with contextlib.suppress(CdpError):
            await self._cdp.ask("Fetch.enable", patterns=[*_HOLD, *_REFUSE])
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=_LAST_WORDS)
        self._traffic.cut_short(set(self._alive))

    def finish(self, main_frame: str) -> tuple[list[Recorded], list[tuple[Recorded, Socket]]]:
        """Everything in the order it was asked for; call it when the network is shut."""
        self.targets.close()
        for task in self._tasks:
            task.cancel()
        hops = [
            record_hop(hop, self._guard)
            for hop in self._traffic.hops(main_frame)
            if _is_web(hop.url)
        ]
        sockets = [(record_socket(one, self._guard), one) for one in self._sockets.all()]
        return hops, sockets

    def close(self) -> None:
        """Let the bodies go."""
        self._bodies.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _sent(self, event: Event, session: str | None) -> None:
        self._traffic.sent(event, session)
        if _is_web(event["request"]["url"]) and event.get("type") != "EventSource":
            self._lives(event["requestId"])

    def _received(self, event: Event, session: str | None) -> None:
        self._traffic.received(event, session)
        self._spawn(self._listener.listen(event["requestId"], session))

    def _data(self, event: Event, _session: str | None) -> None:
        self._listener.came(event)
        if event["requestId"] in self._alive:
            self._lives(event["requestId"])

    def _finished(self, event: Event, _session: str | None) -> None:
        self._traffic.finished(event)
        self._ended(event["requestId"], by_page=False)

    def _failed(self, event: Event, _session: str | None) -> None:
        self._traffic.failed(event)
        self._ended(event["requestId"], by_page=bool(event.get("canceled")))

    def _body_moved(self) -> None:
        self._moved = self._changed = time.monotonic()

    def _lives(self, request_id: str) -> None:
        self._alive[request_id] = self._changed = time.monotonic()

    def _ended(self, request_id: str, *, by_page: bool) -> None:
        self._listener.ended(request_id, by_page=by_page)
        if self._alive.pop(request_id, None) is not None:
            self._changed = time.monotonic()

    async def _paused(self, paused: Event) -> None:
        """Take the body of a response that is held, then let the page have it."""
        if "responseStatusCode" not in paused and "responseErrorReason" not in paused:
            await self._refuse(paused)
            return
        held = Held(paused)
        if paused.get("responseErrorReason") or not _is_web(paused["request"]["url"]):
            self._traffic.held(held)
            with contextlib.suppress(CdpError):  # it was let go already
                await self._cdp.send("Fetch.continueRequest", requestId=paused["requestId"])
            return
        self._traffic.held(held)
        try:
            if is_event_stream(paused):
                held.body = self._listener.expect(str(paused.get("networkId")))
                await self._bodies.give(paused, None)
                return
            held.body = await self._bodies.take(paused)
        except CdpError as error:
            held.error = f"the browser did not give the body: {error}"
        except TimeoutError:
            # Held and half read it cannot be let through any more: the page gets an error.
            held.error = f"the body was still coming after {BODY_SECONDS:g} seconds"
            await self._refuse_body(paused)
            return
        try:
            await self._bodies.give(paused, held.body)
        except CdpError as error:
            if held.body is None:
                held.error = held.error or f"the page let go of it: {error}"

    async def _refuse(self, paused: Event) -> None:
        self._traffic.refused(paused)
        with contextlib.suppress(CdpError):
            await self._cdp.send(
                "Fetch.failRequest", requestId=paused["requestId"], errorReason="Aborted"
            )

    async def _refuse_body(self, paused: Event) -> None:
        with contextlib.suppress(CdpError, TimeoutError):
            await asyncio.wait_for(
                self._cdp.send(
                    "Fetch.failRequest", requestId=paused["requestId"], errorReason="TimedOut"
                ),
                _LAST_WORDS,
            )


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))

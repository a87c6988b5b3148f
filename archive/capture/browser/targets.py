"""Attaching to everything that can ask for something: pages, frames, workers of every kind."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

from archive.capture.browser.cdp import Cdp, CdpError

Event = dict[str, Any]
_POST_LIMIT: Final = 10_000_000  # bytes of a request body the browser tells of itself
# The browser's own surfaces load hundreds of chrome:// files; a tab only wraps its page.
FILTER: Final[tuple[dict[str, object], ...]] = (
    {"type": "browser", "exclude": True},
    {"type": "browser_ui", "exclude": True},
    {"type": "tab", "exclude": True},
    {},
)


@dataclass(frozen=True, slots=True)
class Disguise:
    """What the browser says of itself: what it says with a window, not that it has none."""

    agent: str
    languages: str
    """Comma-separated, the preferred one first, without weights."""
    hints: dict[str, Any] | None = None

    @classmethod
    def of(cls, agent: str, accept_language: str, hints: dict[str, Any] | None = None) -> Disguise:
        """From the browser's own agent string and hints, and an Accept-Language header.

        >>> Disguise.of("X HeadlessChrome/1", "ug,en;q=0.5,*;q=0.1")
        Disguise(agent='X Chrome/1', languages='ug,en', hints=None)
        """
        names = (part.partition(";")[0].strip() for part in accept_language.split(","))
        return cls(
            agent.replace("Headless", ""), ",".join(n for n in names if n and n != "*"), hints
        )


class Targets:
    """Attaches to every target of one browser context, once each."""

    def __init__(self, cdp: Cdp, context: str, disguise: Disguise) -> None:
        self._cdp = cdp
        self._context = context
        self._disguise = disguise
        self._sessions: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._new = asyncio.Event()
        self.kinds: Counter[str] = Counter()
        """How many of each kind there were: page, iframe, worker, shared_worker…"""
        cdp.on("Target.attachedToTarget", lambda p, _s: self._spawn(self._attach(p)))

    async def start(self) -> None:
        """Attach to what is there and to whatever comes."""
        await self._auto_attach(None)

    async def session_of(self, target: str) -> str:
        """The session of a target, once it is attached."""
        while target not in self._sessions:
            self._new.clear()
            await self._new.wait()
        return self._sessions[target]

    def close(self) -> None:
        """Attach to nothing any more."""
        for task in self._tasks:
            task.cancel()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _auto_attach(self, session: str | None) -> None:
        await self._cdp.send(
            "Target.setAutoAttach", session, autoAttach=True, waitForDebuggerOnStart=True,
            flatten=True, filter=list(FILTER),
        )  # fmt: skip

    async def _attach(self, event: Event) -> None:
        session, info = str(event["sessionId"]), event["targetInfo"]
        target = str(info["targetId"])
        known = target in self._sessions
        if known or info.get("browserContextId", self._context) != self._context:
            # A service worker is reported by the browser and by its page: twice the events.
            await self._together(session, [("Runtime.runIfWaitingForDebugger", {})])
            with contextlib.suppress(CdpError):
                await self._cdp.send("Target.detachFromTarget", sessionId=session)
            return
        self._sessions[target] = session
        self.kinds[str(info["type"])] += 1
        # Together: awaited one by one these deadlock service workers.
        disguise: Event = {
            "userAgent": self._disguise.agent,
            "acceptLanguage": self._disguise.languages,
        }
        if self._disguise.hints is not None:
            disguise["userAgentMetadata"] = self._disguise.hints
        attach = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}
        await self._together(
            session,
            [
                ("Network.enable", {"maxPostDataSize": _POST_LIMIT}),
                ("Network.setUserAgentOverride", disguise),
                ("Target.setAutoAttach", {**attach, "filter": list(FILTER)}),
                ("Runtime.runIfWaitingForDebugger", {}),
            ],
        )
        self._new.set()

    async def _together(self, session: str, commands: Sequence[tuple[str, Event]]) -> None:
        sending = (self._cdp.send(method, session, **given) for method, given in commands)
        await asyncio.gather(*sending, return_exceptions=True)

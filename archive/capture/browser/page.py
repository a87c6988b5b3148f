"""Driving one page: opening it, waiting, scrolling, and taking what it shows."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from dataclasses import dataclass
from typing import Any, Final

from archive.capture.browser.cdp import Cdp, CdpError
from archive.capture.browser.recorder import Recorder
from archive.capture.job import CaptureOptions

_CALM: Final = 0.4  # seconds without a request that count as quiet
_SETTLE: Final = 6.0  # seconds waited at most for quiet
_AFTER_SCROLL: Final = 0.12
_THUMBNAIL: Final = 0.3  # of the viewport's size
# What srcset and lazy loading chose must survive in the snapshot.
_KEEP_CHOICES: Final = (
    "for (const i of document.images)"
    " if (i.currentSrc && i.src !== i.currentSrc) i.src = i.currentSrc"
)


@dataclass(slots=True)
class Shown:
    """What a page showed; `error` is the browser's word where it could not be opened."""

    url: str = ""
    title: str = ""
    html: str = ""
    error: str = ""
    never_quiet: bool = False
    screenshot: bytes | None = None
    thumbnail: bytes | None = None
    snapshot: bytes | None = None


class PageDriver:
    """One tab."""

    def __init__(self, cdp: Cdp, recorder: Recorder, options: CaptureOptions) -> None:
        self._cdp = cdp
        self._recorder = recorder
        self._options = options
        self._session = ""

    async def visit(self, url: str, shown: Shown) -> None:
        """Open the page and take everything; `shown` holds what was had if time runs out.

        :raises CdpError: the browser is gone
        """
        loaded = asyncio.Event()
        self._cdp.on("Page.loadEventFired", lambda _p, _s: loaded.set())
        await self._open_tab()
        answer = await self._send("Page.navigate", url=url)
        shown.error = str(answer.get("errorText") or "")
        if shown.error:
            await self._recorder.quiet(calm=0.1, at_most=1)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(loaded.wait(), self._options.time_limit / 2)
        shown.never_quiet = not await self._recorder.quiet(calm=_CALM, at_most=_SETTLE)
        await self._scroll()
        await self._take(shown)

    async def _open_tab(self) -> None:
        target = await self._cdp.send("Target.createTarget", url="about:blank")
        attached = await self._cdp.send(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        for domain in ("Page.enable", "Runtime.enable"):
            await self._send(domain)
        language = self._options.accept_language
        await self._send("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})
        await self._resize(self._options.viewport_height)

    async def _scroll(self) -> None:
        """Go down a screen at a time, so that lazy parts load; then back up."""
        step = self._options.viewport_height
        for number in range(1, self._options.scroll_steps + 1):
            height = int(await self._evaluate("document.documentElement.scrollHeight") or 0)
            if number * step >= height:
                break
            await self._evaluate(f"scrollTo(0, {number * step})")
            await asyncio.sleep(_AFTER_SCROLL)
            await self._recorder.quiet(calm=_AFTER_SCROLL, at_most=2)
        await self._evaluate("scrollTo(0, 0)")

    async def _take(self, shown: Shown) -> None:
        shown.url = str(await self._evaluate("location.href") or "")
        shown.title = str(await self._evaluate("document.title") or "")
        await self._evaluate(_KEEP_CHOICES)
        shown.html = str(await self._evaluate("document.documentElement.outerHTML") or "")
        snapshot = await self._send("Page.captureSnapshot", format="mhtml")
        shown.snapshot = str(snapshot["data"]).encode()
        shown.thumbnail = await self._picture(self._options.viewport_height, _THUMBNAIL)
        height = int(await self._evaluate("document.documentElement.scrollHeight") or 1)
        height = max(self._options.viewport_height, height)
        tall = min(height, self._options.screenshot_height_limit)
        # A full-page screenshot leaves frames of other origins blank; a taller window does not.
        await self._resize(tall)
        await self._recorder.quiet(calm=0.1, at_most=1)
        shown.screenshot = await self._picture(tall, 1)

    async def _picture(self, height: int, scale: float) -> bytes:
        clip = {"x": 0, "y": 0, "width": self._options.viewport_width, "height": height}
        answer = await self._send(
            "Page.captureScreenshot", format="png", clip={**clip, "scale": scale}
        )
        return base64.b64decode(answer["data"])

    async def _resize(self, height: int) -> None:
        await self._send(
            "Emulation.setDeviceMetricsOverride", width=self._options.viewport_width,
            height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    async def _evaluate(self, expression: str) -> Any:
        answer = await self._send("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer.get("result", {}).get("value")

    async def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        try:
            return await self._cdp.send(method, self._session, **parameters)
        except CdpError as error:
            raise CdpError(f"{method}: {error}") from error

"""Pictures of a page: its first screen, and the whole of it, in tiles where it is very tall."""

from __future__ import annotations

import base64
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from PIL import Image

from archive.capture.job import CaptureOptions

_THUMBNAIL: Final = 0.3  # of the viewport's size
_MOST_TILES: Final = 8


class Send(Protocol):
    """Sends a command to the page's session."""

    def __call__(self, method: str, **parameters: Any) -> Awaitable[dict[str, Any]]:
        """Send it; the answer is its result."""
        ...


@dataclass(slots=True)
class Pictures:
    """PNG files of one page."""

    view: bytes | None = None
    """The first screen."""
    tiles: list[bytes] = field(default_factory=list)
    """The whole page from the top; one where it is not taller than a tile may be."""
    height: int = 0
    """CSS pixels of the page."""
    left_off: int = 0
    """CSS pixels at the bottom that no tile shows."""

    @property
    def thumbnail(self) -> bytes | None:
        """The first screen made small."""
        if self.view is None:
            return None
        with Image.open(io.BytesIO(self.view)) as picture:
            size = (round(picture.width * _THUMBNAIL), round(picture.height * _THUMBNAIL))
            small = picture.convert("RGB").resize(size, Image.Resampling.BILINEAR, reducing_gap=2)
        made = io.BytesIO()
        small.save(made, "PNG")
        return made.getvalue()


class Camera:
    """Takes pictures of one page."""

    def __init__(self, send: Send, options: CaptureOptions) -> None:
        self._send = send
        self._options = options

    async def first_screen(self, pictures: Pictures) -> None:
        """Take what a reader sees first."""
        pictures.view = await self._take(self._options.viewport_height)

    async def whole(
        self, height: int, pictures: Pictures, rest: Callable[[int], Awaitable[None]]
    ) -> None:
        """Take the whole page, `height` CSS pixels tall.

        A picture beyond the window leaves frames of other sites blank; a taller window does
        not. So the window grows to the page, or to a tile and the page is scrolled under it.
        """
        window, limit = self._options.viewport_height, self._options.screenshot_height_limit
        pictures.height = height
        if height <= window and pictures.view is not None:
            pictures.tiles = [pictures.view]
            return
        tile = min(height, limit)
        await self.resize(tile)
        for top in range(0, min(height, tile * _MOST_TILES), tile):
            await rest(top)
            # At its end the page scrolls no further, so the last tile is cut to what is new.
            pictures.tiles.append(await self._take(min(tile, height - top), top=top))
        pictures.left_off = max(0, height - tile * _MOST_TILES)
        await self.resize(window)

    async def resize(self, height: int) -> None:
        """Make the window this tall, in CSS pixels."""
        await self._send(
            "Emulation.setDeviceMetricsOverride", width=self._options.viewport_width,
            height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    async def _take(self, height: int, top: int = 0) -> bytes:
        more: dict[str, Any] = {}
        if top:
            area = {"x": 0, "y": top, "width": self._options.viewport_width, "height": height}
            more["clip"] = {**area, "scale": 1}
        answer = await self._send(
            "Page.captureScreenshot", format="png", optimizeForSpeed=True, **more
        )
        return base64.b64decode(answer["data"])

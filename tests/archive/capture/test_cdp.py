"""Hanging up on a browser, whatever state its pipes are in."""

from __future__ import annotations

import asyncio
import contextlib
import os

import pytest

from archive.capture.browser.cdp import Cdp, CdpError


@pytest.mark.parametrize("browser", ["reads nothing", "is gone", "goes meanwhile"])
def test_whoever_waits_is_told_and_nothing_is_left_open(browser: str) -> None:
    their_in, our_out = os.pipe()
    our_in, their_out = os.pipe()
    theirs = [their_in, their_out]

    async def talk() -> None:
        cdp = Cdp()
        await cdp.open(our_in, our_out)
        if browser == "is gone":
            hang_up()
            await cdp.gone.wait()
        # More than the pipe takes: the rest waits in our own buffer.
        waiting = asyncio.create_task(cdp.send("Page.navigate", url="x" * (1 << 21)))
        await asyncio.sleep(0.05)
        if browser == "goes meanwhile":
            hang_up()
            await cdp.gone.wait()
            await asyncio.sleep(0.05)
        await cdp.close()
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError), pytest.raises(CdpError):
            await waiting
        await cdp.close()  # harmless when repeated

    def hang_up() -> None:
        while theirs:
            os.close(theirs.pop())

    asyncio.run(talk())
    hang_up()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(our_out)

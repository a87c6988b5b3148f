"""A Chromium of our own: begun with a fresh profile, ended with everything it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Final, Self

from archive.errors import BrowserMissingError

_START_SECONDS: Final = 20.0
_FLAGS: Final = (
    "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--no-default-browser-check", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--disable-dev-shm-usage", "--mute-audio", "--password-store=basic", "--use-mock-keychain",
    "--remote-debugging-port=0", "--proxy-bypass-list=<-loopback>",
    # WebRTC goes round proxies by UDP, and a name looked up here would tell who watches.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp", "--dns-prefetch-disable",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)  # fmt: skip


class BrowserProcess:
    """One browser behind the guard's proxy; `url` is its debugging socket."""

    def __init__(self, binary: Path, proxy_port: int) -> None:
        self._binary = binary
        self._proxy_port = proxy_port
        self._profile = Path(tempfile.mkdtemp(prefix="holdfast-browser-"))
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        flags = [*_FLAGS, f"--user-data-dir={self._profile}"]
        flags.append(f"--proxy-server=socks5://127.0.0.1:{self._proxy_port}")
        if os.geteuid() == 0:  # Chromium's sandbox refuses to run as root
            flags.append("--no-sandbox")
        self._process = await asyncio.create_subprocess_exec(
            str(self._binary), *flags, "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            self.url = await asyncio.wait_for(self._debugging_url(), _START_SECONDS)
        except TimeoutError as error:
            await self._end()
            raise BrowserMissingError(f"{self._binary} did not start in time") from error
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._end()

    async def _debugging_url(self) -> str:
        told = self._profile / "DevToolsActivePort"
        while True:
            if told.exists():
                lines = told.read_text("utf-8").split("\n")
                if len(lines) >= 2 and lines[1]:
                    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            if self._process is not None and self._process.returncode is not None:
                raise BrowserMissingError(f"{self._binary} ended as soon as it was started")
            await asyncio.sleep(0.02)

    async def _end(self) -> None:
        """Kill the whole group: renderers outlive a browser that only was asked to go."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):  # it was gone already
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        await asyncio.to_thread(shutil.rmtree, self._profile, ignore_errors=True)

"""A Chromium of our own: begun with a fresh profile, ended with everything it started."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from archive.capture.browser import keeper
from archive.capture.browser.cdp import Cdp, CdpError
from archive.clock import utc_now
from archive.errors import BrowserMissingError

PREFIX: Final = "holdfast-browser-"
_START_SECONDS: Final = 30.0
_END_SECONDS: Final = 5.0
_HINT_SECONDS: Final = 5.0
_OWN_PAGE: Final = "chrome://version/"
_HINTS: Final = """navigator.userAgentData.getHighEntropyValues(
["architecture", "bitness", "model", "platformVersion", "fullVersionList", "wow64"]).then(told => {
  const plain = (list) => list.map((one) => ({brand: one.brand.replace("Headless", ""),
    version: one.version}));
  return {...told, brands: plain(told.brands), fullVersionList: plain(told.fullVersionList)} })"""
_LOCK: Final = keeper.LOCK
_YOUNG: Final = 60.0  # seconds in which a folder without a lock may still get one
_LONGEST: Final = 30  # characters; of 107, with a profile's name and the socket's in it
_PIPE: Final = 1 << 20  # bytes; the usual 64 KB make one large body a thousand wake-ups
# Reports and error logs are sent by the network service behind the recorder's back.
_UNWANTED: Final = (
    "Reporting", "NetworkErrorLogging", "Translate", "OptimizationHints", "MediaRouter",
    "DialMediaRouteProvider", "InterestFeedContentSuggestions", "AutofillServerCommunication",
)  # fmt: skip
# Boxes under the address line, which no one sees without a window: two pages of the browser's own
# with every tab, made anew by more than half of all the processor time of a capture.
_NO_WINDOW: Final = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "PreloadTopChromeWebUI",
)  # fmt: skip
_FLAGS: Final = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--disable-default-apps", "--disable-dev-shm-usage", "--mute-audio",
    "--password-store=basic", "--use-mock-keychain", "--disable-breakpad", "--dns-prefetch-disable",
    "--disable-crash-reporter", "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--no-pings", "--metrics-recording-only", "--remote-debugging-pipe",
    # WebRTC would go round a SOCKS proxy by UDP, and a name be looked up outside of the guard.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    # What belongs to no capture goes nowhere: each capture's context has its own guard.
    "--proxy-server=socks5://127.0.0.1:9", "--proxy-bypass-list=<-loopback>",
)  # fmt: skip
SCREEN: Final = ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR")


class BrowserProcess:
    """One running browser and the connection to it."""

    def __init__(
        self, binary: Path, *, trusted_keys: Sequence[str] = (), visible: bool = False
    ) -> None:
        self._binary = binary
        self._trusted = tuple(trusted_keys)
        self._visible = visible
        self._keeper: asyncio.subprocess.Process | None = None
        self._profile: Path | None = None
        self._lock: int | None = None
        self.cdp = Cdp()
        self.started_at: datetime | None = None
        self.agent = ""
        """The agent string as the browser itself would send it."""
        self.hints: dict[str, Any] | None = None
        """What the browser would send in Sec-CH-UA headers (userAgentMetadata)."""
        self.version = ""
        """As "Chrome/156.0.8078.108"."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.end()

    async def start(self) -> None:
        """Start it.

        :raises BrowserMissingError: it ended at once, or did not answer in time
        """
        sweep()
        self.started_at = utc_now()
        self._profile = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_place()))
        self._lock = os.open(self._profile / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        their_in, our_out = os.pipe()
        our_in, their_out = os.pipe()
        for end in (our_out, our_in):
            with contextlib.suppress(OSError, AttributeError):  # more than this user may have
                fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, _PIPE)
        try:
            self._keeper = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", str(Path(keeper.__file__)),
                str(their_in), str(their_out), str(self._profile),
                str(self._binary), *self._flags(), "about:blank",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL, pass_fds=(their_in, their_out, self._lock),
                env=self._environment(), start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(their_in)
            os.close(their_out)
        await self.cdp.open(our_in, our_out)
        try:
            answer = await asyncio.wait_for(self.cdp.send("Browser.getVersion"), _START_SECONDS)
        except (TimeoutError, CdpError) as error:
            await self.end()
            raise BrowserMissingError(f"{self._binary} was started and does not answer") from error
        self.agent = str(answer.get("userAgent", ""))
        self.hints = await self._client_hints()
        self.version = str(answer.get("product", "")).replace("Headless", "")

    async def end(self) -> None:
        """End it with every process it has, and remove its profile. Harmless when repeated."""
        await self.cdp.close()
        if self._keeper is not None:
            if self._keeper.stdin is not None:
                self._keeper.stdin.close()
            try:
                await asyncio.wait_for(self._keeper.wait(), _END_SECONDS)
            except TimeoutError:
                self._keeper.kill()
                await self._keeper.wait()
            self._keeper = None
        if self._profile is not None:
            try:
                await asyncio.to_thread(keeper.remove_profile, self._profile)
            except RuntimeError:  # an interpreter that ends begins no thread any more
                keeper.remove_profile(self._profile)
            self._profile = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def _client_hints(self) -> dict[str, Any] | None:
        """Ask a page of the browser's own what it would tell of itself.

        A browser whose agent string is set tells no client hints unless they are set too.
        """
        try:
            made = await self.cdp.ask("Target.createTarget", url=_OWN_PAGE)
            target = made["targetId"]
            attached = await self.cdp.ask("Target.attachToTarget", targetId=target, flatten=True)
            answer = await asyncio.wait_for(
                self.cdp.send(
                    "Runtime.evaluate", attached["sessionId"], expression=_HINTS,
                    awaitPromise=True, returnByValue=True,
                ),
                _HINT_SECONDS,
            )  # fmt: skip
            await self.cdp.ask("Target.closeTarget", targetId=target)
        except (CdpError, TimeoutError):
            return None
        told = answer.get("result", {}).get("value")
        return told if isinstance(told, dict) else None

    @property
    def usable(self) -> bool:
        """Whether it still answers, as far as is known."""
        return self._keeper is not None and not self.cdp.gone.is_set()

    def _flags(self) -> list[str]:
        unwanted = _UNWANTED if self._visible else (*_UNWANTED, *_NO_WINDOW)
        flags = [*_FLAGS, f"--user-data-dir={self._profile}"]
        flags.append("--disable-features=" + ",".join(unwanted))
        if not self._visible:
            flags += ["--headless=new", "--hide-scrollbars"]
        if os.geteuid() == 0:  # Chromium's sandbox refuses to run as root
            flags.append("--no-sandbox")
        if self._trusted:
            flags.append("--ignore-certificate-errors-spki-list=" + ",".join(self._trusted))
        return flags

    def _environment(self) -> dict[str, str]:
        """Nothing of the person or the place: no home, no language, no time zone."""
        profile = self._profile
        assert profile is not None  # noqa: S101  (start has made it)
        for folder in (".fonts", ".local/share/fonts"):
            theirs = Path.home() / folder
            if theirs.is_dir():
                (profile / folder).parent.mkdir(parents=True, exist_ok=True)
                (profile / folder).symlink_to(theirs)
        given = {"HOME": str(profile), "TZ": "UTC", "LANG": "C.UTF-8", "PATH": os.defpath}
        given["TMPDIR"] = str(profile)  # what a killed browser leaves there goes with the profile
        wanted = SCREEN if self._visible else ()
        return given | {name: os.environ[name] for name in wanted if name in os.environ}


def _place() -> str:
    """The folder for profiles: a browser makes a socket in its profile, whose path is bounded."""
    usual = tempfile.gettempdir()
    return usual if len(usual) <= _LONGEST else "/tmp"  # noqa: S108  (mkdtemp makes it ours)


def sweep() -> int:
    """Remove profiles whose browser and keeper are both dead; return how many.

    A living one is held by a lock that its processes share and the kernel lets go with them.
    """
    removed = 0
    for folder in Path(_place()).glob(PREFIX + "*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR)
        except FileNotFoundError:
            if _age(folder) > _YOUNG:
                removed += keeper.remove_profile(folder)
            continue
        except OSError:  # somebody else's
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            removed += keeper.remove_profile(folder)
        finally:
            os.close(lock)
    return removed


def _age(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0

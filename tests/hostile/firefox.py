"""A Firefox driven over WebDriver BiDi, as much of it as the tests need."""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import aiohttp

_PREFERENCES = """
user_pref("app.update.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
user_pref("captivedetect.canonicalURL", "");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,");
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
"""
_LISTENING = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")


def find_firefox() -> str | None:
    """Return a Firefox, if there is one."""
    return next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)


class Firefox:
    """One headless Firefox; `requests` are the addresses its pages asked for."""

    def __init__(
        self, binary: str, profile: Path, preferences: Mapping[str, str] | None = None
    ) -> None:
        profile.mkdir(parents=True)
        own = [f'user_pref("{key}", "{value}");' for key, value in (preferences or {}).items()]
        (profile / "user.js").write_text("\n".join([_PREFERENCES, *own]), "utf-8")
        self._command = [
            binary,
            "--headless",
            "--no-remote",
            "--remote-debugging-port=0",
            "--profile",
            str(profile),
        ]
        self._home = profile
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.requests: list[str] = []
        self.context = ""

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={
                "HOME": str(self._home),
                "PATH": "/usr/bin:/bin",
                "MOZ_CRASHREPORTER_DISABLE": "1",
            },
        )
        address = await asyncio.wait_for(self._address(), 90)
        self._drain = asyncio.create_task(self._process.stderr.read())
        self._session = aiohttp.ClientSession()
        self._socket = await self._session.ws_connect(f"{address}/session", max_msg_size=0)
        self._reader = asyncio.create_task(self._read())
        await self.call("session.new", capabilities={})
        await self.call("session.subscribe", events=["network.beforeRequestSent"])
        tree = await self.call("browsingContext.getTree", maxDepth=0)
        self.context = tree["contexts"][0]["context"]
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._reader.cancel()
        await self._socket.close()
        await self._session.close()
        self._process.kill()
        await self._process.wait()
        await self._drain

    async def call(self, method: str, **params: Any) -> Any:
        """Call a BiDi method.

        :raises RuntimeError: it answered with an error
        """
        number = next(self._numbers)
        future = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        await self._socket.send_json({"id": number, "method": method, "params": params})
        return await asyncio.wait_for(future, 60)

    async def open(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        await self.call("browsingContext.navigate", context=self.context, url=url, wait="complete")

    async def evaluate(self, expression: str, world: str | None = "test") -> Any:
        """Evaluate an expression in the page opened.

        :param world: one of its own, whatever the page did to its objects; None: the page's
        :raises RuntimeError: it threw
        """
        target = {"context": self.context} | ({"sandbox": world} if world else {})
        done = await self.call(
            "script.evaluate", expression=expression, target=target, awaitPromise=False
        )
        if done["type"] == "exception":
            raise RuntimeError(done["exceptionDetails"]["text"])
        return done["result"].get("value")

    async def drag(self, points: Sequence[tuple[float, float]]) -> None:
        """Press the mouse at the first point of the window, in CSS pixels, and let go at the last."""
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y)} for x, y in points]
        acts = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:],
                {"type": "pointerUp", "button": 0}]  # fmt: skip
        mouse = {"type": "pointer", "id": "mouse", "actions": acts,
                 "parameters": {"pointerType": "mouse"}}  # fmt: skip
        await self.call("input.performActions", context=self.context, actions=[mouse])

    async def set_cookie(self, name: str, value: str, domain: str) -> None:
        """Set a cookie as the server would."""
        cookie = {
            "name": name,
            "value": {"type": "string", "value": value},
            "domain": domain,
            "httpOnly": True,
            "sameSite": "lax",
            "path": "/",
        }
        await self.call("storage.setCookie", cookie=cookie)

    async def cookies(self) -> dict[str, str]:
        """Return every cookie."""
        found = await self.call("storage.getCookies")
        return {one["name"]: one["value"]["value"] for one in found["cookies"]}

    async def _address(self) -> str:
        while line := await self._process.stderr.readline():
            if match := _LISTENING.search(line):
                return match[1].decode()
        raise RuntimeError("Firefox ended before it listened")

    async def _read(self) -> None:
        async for message in self._socket:
            said = message.json()
            if said.get("type") == "event":
                self.requests.append(said["params"]["request"]["url"])
                continue
            future = self._waiting.pop(said.get("id"), None)
            if future is None or future.done():
                continue
            if said["type"] == "success":
                future.set_result(said["result"])
            else:
                future.set_exception(RuntimeError(f"{said['error']}: {said.get('message')}"))

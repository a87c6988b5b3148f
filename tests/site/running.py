"""The test site, running: two plain origins, one secure, one closed port, on a thread."""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from archive.capture.network import GuardPolicy
from tests.site import pages, secure_pages
from tests.site.answers import Answer, Ask, Log
from tests.site.plain import PlainServer
from tests.site.secure import SecureServer


class Site:
    """`here` and `other` are two sites over HTTP/1.1, `secure` one over HTTP/2."""

    def __init__(self) -> None:
        self.log = Log()
        self._folder = tempfile.TemporaryDirectory(prefix="holdfast-site-")
        self._here = PlainServer("127.0.0.1", self.log, self._plain)
        self._other = PlainServer("localhost", self.log, self._plain)
        self._secure = SecureServer("localhost", self.log, self._over_tls, Path(self._folder.name))
        self._hole = socket.create_server(("127.0.0.1", 0))
        self._closed_port = self._hole.getsockname()[1]
        self._hole.close()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="test-site", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._folder.cleanup()

    @property
    def here(self) -> str:
        return self._here.origin

    @property
    def other(self) -> str:
        return self._other.origin

    @property
    def secure(self) -> str:
        return self._secure.origin

    @property
    def closed(self) -> str:
        """An origin at whose port nobody listens."""
        return f"http://127.0.0.1:{self._closed_port}"

    @property
    def spki(self) -> str:
        """SHA-256 of the secure origin's public key, base64: what a test tells a browser."""
        return self._secure.leaf_spki

    @property
    def certificate_der(self) -> bytes:
        """The certificate the secure origin shows."""
        return self._secure.certificate_der

    @property
    def certificate_pem(self) -> str:
        """The same as text."""
        return ssl.DER_cert_to_PEM_cert(self._secure.certificate_der)

    @property
    def policy(self) -> GuardPolicy:
        """A guard policy that lets exactly this site through."""
        ports = (self._here.port, self._other.port, self._secure.port, self._closed_port)
        return GuardPolicy(allowed=frozenset(("127.0.0.1", port) for port in ports))

    def _plain(self, ask: Ask) -> Answer:
        return pages.answer(ask, self.here, self.other, self.closed)

    def _over_tls(self, ask: Ask) -> Answer:
        said = secure_pages.answer(ask)
        return said if said is not None else self._plain(ask)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        servers = (self._here, self._other, self._secure)
        for server in servers:
            await server.start()
        self._ready.set()
        await self._stop.wait()
        for server in servers:
            await server.stop()

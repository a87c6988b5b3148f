"""The network guard: which host a capture may reach, and a witness of what it reached.

The only way out for every fetcher. The browser and yt-dlp come in through a SOCKS5 server
(RFC 1928, CONNECT only, loopback only), the http engine through `connect`; both end in the
same `Dialler`, with one look-up a name and one log. Bytes are forwarded untouched and none is
read: TLS stays end to end.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from archive.capture.dialling import CONNECT_SECONDS, Dialled, Dialler, NotConnectedError
from archive.capture.guard_log import REFUSALS, GuardEntry, GuardLog, GuardOutcome
from archive.capture.policy import (
    TELEMETRY_HOSTS,
    GuardPolicy,
    is_telemetry,
    plain_host,
)
from archive.capture.socks import (
    MalformedRequestError,
    Reply,
    close_quietly,
    pipe,
    read_request,
    send_reply,
)
from archive.errors import GuardRefusedError

__all__ = [
    "CONNECT_SECONDS",
    "REFUSALS",
    "TELEMETRY_HOSTS",
    "Dialled",
    "Guard",
    "GuardEntry",
    "GuardOutcome",
    "GuardPolicy",
    "NotConnectedError",
    "is_telemetry",
]

HANDSHAKE_SECONDS: Final = 15.0
_LAST_BYTES: Final = 0.2  # seconds for what is on its way when the guard is shut
_SHUT: Final = "the guard was shut, since the capture had ended"
_REPLIES: Final = {
    GuardOutcome.UNRESOLVED: Reply.HOST_UNREACHABLE,
    GuardOutcome.UNREACHABLE: Reply.CONNECTION_REFUSED,
}
Made = TypeVar("Made")


class Guard:
    """The guard of one capture, alive between ``__enter__`` and ``__exit__``, on its own thread.

    >>> with Guard(GuardPolicy()) as guard:
    ...     proxy = f"socks5://127.0.0.1:{guard.port}"
    """

    def __init__(
        self, policy: GuardPolicy, *, refused_hosts: frozenset[str] = TELEMETRY_HOSTS
    ) -> None:
        self.port = 0
        """TCP port on 127.0.0.1 while entered, else 0."""
        self._log = GuardLog()
        self._dialler = Dialler(policy, self._log, refused_hosts)
        self._ready = threading.Event()
        self._failure: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="holdfast-guard", daemon=True)

    def __enter__(self) -> Self:
        """Listen on a free port.

        :raises OSError: no port could be had
        """
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every connection and wait for the thread."""
        self.shut()
        self._thread.join()
        self.port = 0

    def shut(self) -> None:
        """Close every connection and let no other through; the log can still be read.

        Leaving the guard does the same; to do it before is harmless.
        """
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # another thread was shutting it too
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    @property
    def log(self) -> list[GuardEntry]:
        """Every request until now, oldest first; bytes of open connections as of now."""
        return self._log.entries()

    def address_of(self, host: str, port: int) -> str | None:
        """The IP address `host` was reached at, or None: the IP of a WARC record.

        There is one at most: see `Dialler`.
        """
        plain = plain_host(host.strip("[]"))
        for entry in reversed(self._log.entries()):
            connected = entry.outcome is GuardOutcome.CONNECTED
            if connected and (entry.host, entry.port) == (plain, port):
                return entry.address
        return None

    def judge(self, host: str, port: int, *, timeout: float = 2 * CONNECT_SECONDS) -> None:
        """Look `host` up and judge it, before a browser is troubled; the answer is kept.

        :param timeout: seconds
        :raises GuardRefusedError: it may not be reached; the refusal stands in the log
        :raises NotConnectedError: it does not resolve
        :raises TimeoutError: not in time
        """
        self._wait(self._dialler.judge(host.strip("[]"), port), timeout)

    def connect(self, host: str, port: int, *, timeout: float = CONNECT_SECONDS) -> Dialled:
        """Connect from any thread; the socket is blocking and belongs to the caller.

        :param timeout: seconds
        :raises GuardRefusedError: it may not be reached; the refusal stands in the log
        :raises NotConnectedError: it does not resolve or cannot be reached
        :raises TimeoutError: not in time
        """
        dialled = self._wait(self._dialler.connect(host.strip("[]"), port), timeout)
        dialled.stream.setblocking(True)
        return dialled

    def count(self, number: int, *, received: int = 0, sent: int = 0) -> None:
        """Add bytes to the entry of a connection made with `connect`."""
        self._log.count(number, received=received, sent=sent)

    def _wait(self, work: Coroutine[Any, Any, Made], timeout: float) -> Made:
        if self._loop is None:
            work.close()
            raise RuntimeError("the guard is not entered")
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            raise NotConnectedError(_SHUT, GuardOutcome.UNREACHABLE) from None
        try:
            return future.result(timeout)
        except concurrent.futures.CancelledError:
            raise NotConnectedError(_SHUT, GuardOutcome.UNREACHABLE) from None
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise TimeoutError(f"no connection within {timeout:g} seconds") from None

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        clients = tuple(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await self._dialler.close()
        await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._client(reader, writer))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                host, port = await read_request(reader, writer)
            await self._serve_one(host, port, reader, writer)
        except MalformedRequestError as error:
            self._log.note("", 0, None, GuardOutcome.MALFORMED, str(error))
            with contextlib.suppress(OSError):
                await send_reply(writer, error.reply)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the browser hung up or sent nothing in time: this connection only
        finally:
            await self._close(writer)

    async def _serve_one(
        self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            dialled = await self._dialler.connect(host, port)
        except GuardRefusedError:
            await send_reply(writer, Reply.NOT_ALLOWED)
            return
        except NotConnectedError as error:
            await send_reply(writer, _REPLIES.get(error.outcome, Reply.GENERAL_FAILURE))
            return
        far_reader, far_writer = await asyncio.open_connection(sock=dialled.stream)
        number = dialled.number
        try:
            await send_reply(writer, Reply.SUCCEEDED)
            await asyncio.gather(
                pipe(reader, far_writer, lambda size: self._log.count(number, sent=size)),
                pipe(far_reader, writer, lambda size: self._log.count(number, received=size)),
            )
        finally:
            await self._close(far_writer)

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        """Close; a browser that does not read what it asked for keeps no guard from being shut."""
        shut = self._stop is None or self._stop.is_set()
        await close_quietly(writer, patience=_LAST_BYTES if shut else None)

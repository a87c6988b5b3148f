"""A web server that can be ended: waitress, closed in order and by the thread that runs it.

Waitress is woken by a byte written into a pipe of its own, also by a request that is still being
answered after the server was closed. Closed descriptors are given out again: the byte may then
come to stand in a file that was opened since, be it a WARC or the ledger. So the pipe stays open
as long as anybody may write into it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server

PATIENCE: Final = 5.0  # seconds for which requests that are being answered are waited for
_LOOK: Final = 1.0  # seconds between two looks whether the server is to end, if nothing wakes it
_SHORT: Final = 0.05  # the same while it ends
_THREADS_END: Final = 1.0  # seconds in which threads without work end


class WebServer:
    """One WSGI application at one address, from here until `end` or an interrupt.

    :param port: TCP port; 0 takes one that is free
    :param options: waitress's own adjustments, such as `max_request_body_size` in bytes
    :raises OSError: the address cannot be listened at
    """

    def __init__(
        self,
        application: Callable[..., Any],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        threads: int = 4,
        patience: float = PATIENCE,
        **options: Any,
    ) -> None:
        self._open: dict[int, Any] = {}  # waitress's own table: what it listens to, by descriptor
        try:
            self._server = create_server(
                application, map=self._open, host=host, port=port, threads=threads, ident=None,
                clear_untrusted_proxy_headers=True, **options,
            )  # fmt: skip
        except OSError:
            wasyncore.close_all(self._open)
            raise
        self._listening = [one for one in self._open.values() if isinstance(one, BaseWSGIServer)]
        self._patience = patience
        self._ending = threading.Event()
        self.port: int = self._listening[0].effective_port
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def run(self) -> None:
        """Serve; return once the server has ended, with every request answered or given up."""
        try:
            while not self._ending.is_set():
                self._turn(_LOOK)
        except KeyboardInterrupt:  # how a signal ends the process that serves
            self._ending.set()
        self._close()

    def end(self) -> None:
        """Ask the thread that runs the server to end it; may be called from any other."""
        self._ending.set()
        self._listening[0].pull_trigger()

    def _turn(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._open, count=1)

    def _close(self) -> None:
        for one in self._listening:
            wasyncore.dispatcher.close(one)  # its own `close` would close the pipe as well
        ends = time.monotonic() + self._patience
        while any(_busy(one) for one in self._channels()) and time.monotonic() < ends:
            self._turn(_SHORT)
        for one in self._channels():
            one.handle_close()
        answering = self._server.task_dispatcher
        answering.shutdown(timeout=_THREADS_END)
        if not answering.threads:
            for one in self._listening:
                one.trigger.close()

    def _channels(self) -> list[HTTPChannel]:
        return [one for one in self._open.values() if isinstance(one, HTTPChannel)]


def _busy(channel: HTTPChannel) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)

"""One DNS look-up that can be abandoned."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import Future
from typing import Final

from archive.capture.addresses import normalise

LOOKUP_SECONDS: Final = 15.0


def begin_lookup(host: str, port: int) -> Future[list[str]]:
    """Resolve `host` on a thread of its own; the future gives literal IP addresses.

    getaddrinfo cannot be interrupted, but a daemon thread can be left behind. The future
    fails with OSError where the name does not resolve or is no host name at all.
    """
    future: Future[list[str]] = Future()

    def work() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except (UnicodeError, ValueError):  # the idna codec; a NUL in the name
            future.set_exception(socket.gaierror(socket.EAI_NONAME, f"not a host name: {host!r}"))
        except OSError as error:
            future.set_exception(error)
        else:
            future.set_result(list(dict.fromkeys(normalise(str(entry[4][0])) for entry in found)))

    threading.Thread(target=work, name="holdfast-lookup", daemon=True).start()
    return future

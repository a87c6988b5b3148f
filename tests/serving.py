"""An application served over HTTP while a test lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from annotate.web_server import WebServer


@contextmanager
def serving(application: Callable[..., Any]) -> Iterator[str]:
    """Serve at a free port of 127.0.0.1; give the address; nothing of it is left afterwards."""
    server = WebServer(application, patience=2.0)
    thread = threading.Thread(target=server.run, name="web server")
    thread.start()
    try:
        yield server.address
    finally:
        server.end()
        thread.join(30)
        assert not thread.is_alive(), "the server did not end"

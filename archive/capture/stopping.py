"""Stopping a capture from another thread, because nobody wants it any more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

STOPPED: Final = "cancelled while it ran: nothing of it was stored"


class Stop:
    """Told once; whoever is busy with the capture is called then, or at once if it was told.

    Those who hear it are called in the thread that tells it, one after the other, and never
    after `heard_by` has ended.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told = False
        self._hearers: list[Callable[[], object]] = []

    @property
    def told(self) -> bool:
        """Whether the capture is to stop."""
        return self._told

    def tell(self) -> None:
        """Stop the capture. Harmless when repeated."""
        with self._lock:
            if self._told:
                return
            self._told = True
            for hearer in self._hearers:
                hearer()

    @contextmanager
    def heard_by(self, hearer: Callable[[], object]) -> Iterator[None]:
        """Have `hearer` called when the capture is to stop, within this context."""
        with self._lock:
            self._hearers.append(hearer)
            if self._told:
                hearer()
        try:
            yield
        finally:
            with self._lock:
                self._hearers.remove(hearer)

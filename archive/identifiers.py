"""Identifiers: UUID version 7 (RFC 9562, 5.7), so that they sort by the time they were made."""

from __future__ import annotations

import secrets
import threading
import time
import uuid

_COUNTER_BITS = 12


class _Generator:
    """Keeps the last millisecond and the counter within it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._milliseconds = 0
        self._counter = 0

    def next(self) -> tuple[int, int]:
        """Return a millisecond and counter greater than any before."""
        with self._lock:
            now = time.time_ns() // 1_000_000
            if now > self._milliseconds:
                self._milliseconds = now
                self._counter = secrets.randbelow(1 << (_COUNTER_BITS - 1))
            else:
                self._counter += 1
                if self._counter >> _COUNTER_BITS:
                    self._milliseconds, self._counter = self._milliseconds + 1, 0
            return self._milliseconds, self._counter


_generator = _Generator()


def uuid7() -> str:
    """Return a new identifier of 36 characters; within a process each sorts after the last.

    The 12 bits of `rand_a` are a counter within the millisecond (RFC 9562, 6.2 method 1).
    """
    milliseconds, counter = _generator.next()
    value = milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))

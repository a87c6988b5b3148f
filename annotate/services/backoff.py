"""Which visits that brought nothing are tried again by themselves, and when.

Tried again is what may pass by itself: no answer, a server in trouble, a browser that did not
start, a worker that died, and "too many requests", which waits longer. What a server says on
purpose (gone, forbidden, a sign-in) is an outcome; asking again and again would only tell it
who is asking.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from archive.capture.job import CaptureResult
from archive.capture.outcome import NetworkFault, Outcome

_GROWTH: Final = 5.0  # each pause is so many times the one before it
_LONGEST: Final = timedelta(hours=12)
_TOO_MANY: Final = 429  # RFC 6585, section 4
_TOO_MANY_FACTOR: Final = 10
_JITTER: Final = 0.2  # of the pause, either way: servers are not met by all at once
_PASSING: Final = frozenset(
    {NetworkFault.DNS, NetworkFault.CONNECT, NetworkFault.TIMEOUT, NetworkFault.PROTOCOL}
)
_chance: Final = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often a request is tried, and how long the first pause is."""

    attempts: int
    pause: float
    """Seconds."""

    def after(self, result: CaptureResult, tries: int) -> timedelta | None:
        """Return how long to wait before the next try; None: the request ends as it stands.

        :param tries: how many there were, this one included
        """
        if tries >= self.attempts or not may_pass(result):
            return None
        factor = _TOO_MANY_FACTOR if result.status == _TOO_MANY else 1
        seconds = self.pause * factor * _GROWTH ** (tries - 1)
        seconds *= 1 + _chance.uniform(-_JITTER, _JITTER)
        return min(_LONGEST, timedelta(seconds=seconds))


def may_pass(result: CaptureResult) -> bool:
    """Tell whether what stood in the way may be gone by itself after a while."""
    if result.outcome is Outcome.INTERRUPTED or result.status == _TOO_MANY:
        return True
    if result.outcome is not Outcome.FAILED:
        return False
    if result.status is not None:
        return result.status >= 500
    fault = result.judgement.fault if result.judgement is not None else None
    if fault is None and result.warc is None:
        return True  # it failed on our side, as when the browser did not start in time
    return fault in _PASSING

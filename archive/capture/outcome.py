"""How a capture ended; blocked and gone pages are evidence too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The one word for how a capture ended; always beside a reason."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    BLOCKED = "blocked"
    GONE = "gone"
    FAILED = "failed"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"


class Sign(StrEnum):
    """What a page showed that is not what was asked for."""

    TOMBSTONE = "tombstone"
    SUSPENDED = "suspended"
    PRIVATE = "private"
    LOGIN = "login"
    CAPTCHA = "captcha"

    @property
    def outcome(self) -> Outcome:
        """The outcome of a page that shows it."""
        return Outcome.GONE if self in {Sign.TOMBSTONE, Sign.SUSPENDED} else Outcome.BLOCKED


class NetworkFault(StrEnum):
    """Why no response came."""

    DNS = "dns"
    TLS = "tls"
    CONNECT = "connect"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Judgement:
    """An outcome with its reason, a sentence part for people; empty only when complete."""

    outcome: Outcome
    reason: str = ""
    sign: Sign | None = None
    """What the page showed, where words or a pattern decided."""
    phrase: str = ""
    """The words or the pattern that decided, as the list has them."""
    fault: NetworkFault | None = None
    """Why no response came, where none did."""

"""How a capture ended; blocked and gone pages are evidence too."""

from __future__ import annotations

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

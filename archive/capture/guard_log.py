"""What the network guard did: one entry a request, kept in the order they came."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from archive.clock import isoformat, utc_now


class GuardOutcome(StrEnum):
    """What the guard did with one request."""

    CONNECTED = "connected"
    REFUSED_ADDRESS = "refused-address"
    REFUSED_HOST = "refused-host"
    REFUSED_PORT = "refused-port"
    UNRESOLVED = "unresolved"
    UNREACHABLE = "unreachable"
    EGRESS_DOWN = "egress-down"
    """The project's proxy did not answer; nothing went out another way."""
    MALFORMED = "malformed"


REFUSALS: Final = frozenset(
    {
        GuardOutcome.REFUSED_ADDRESS,
        GuardOutcome.REFUSED_HOST,
        GuardOutcome.REFUSED_PORT,
        GuardOutcome.MALFORMED,
    }
)


@dataclass(frozen=True, slots=True)
class GuardEntry:
    """One request to the guard. Nothing in it names the project's proxy."""

    at: datetime
    host: str
    port: int
    address: str | None
    """The IP address connected to, or the one refused; None where a proxy looks names up."""
    outcome: GuardOutcome
    bytes_in: int = 0
    """Bytes from the remote side."""
    bytes_out: int = 0
    """Bytes to the remote side."""
    detail: str = ""
    """Why, in words, where it was not connected."""

    def as_json(self) -> dict[str, object]:
        """The entry as it stands in provenance and events."""
        told: dict[str, object] = {
            "at": isoformat(self.at),
            "host": self.host,
            "port": self.port,
            "address": self.address,
            "outcome": self.outcome.value,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
        }
        return told | ({"detail": self.detail} if self.detail else {})


class GuardLog:
    """The entries of one capture; written by the guard, read by the capture's threads."""

    def __init__(self) -> None:
        self._entries: list[GuardEntry] = []
        self._lock = threading.Lock()

    def note(
        self, host: str, port: int, address: str | None, outcome: GuardOutcome, detail: str = ""
    ) -> int:
        """Add an entry; return its number, for `count`."""
        with self._lock:
            self._entries.append(GuardEntry(utc_now(), host, port, address, outcome, detail=detail))
            return len(self._entries) - 1

    def count(self, number: int, *, received: int = 0, sent: int = 0) -> None:
        """Add bytes that went over the connection of an entry."""
        with self._lock:
            entry = self._entries[number]
            self._entries[number] = replace(
                entry, bytes_in=entry.bytes_in + received, bytes_out=entry.bytes_out + sent
            )

    def entries(self) -> list[GuardEntry]:
        """Every entry until now, oldest first."""
        with self._lock:
            return list(self._entries)

    def last(self, host: str, port: int) -> GuardEntry | None:
        """The newest entry of a host and port."""
        return next(
            (one for one in reversed(self.entries()) if (one.host, one.port) == (host, port)), None
        )

"""Instants: aware, UTC, to the microsecond; a naive time is refused."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present instant in UTC."""
    return datetime.now(UTC)


def require_aware(moment: datetime) -> datetime:
    """Return `moment` unchanged.

    :raises ValueError: it says no time zone
    """
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} says no time zone")
    return moment


def isoformat(moment: datetime) -> str:
    """Write an instant as W3C-DTF in UTC with microseconds (WARC/1.1, 5.4).

    :raises ValueError: the time is naive
    """
    return require_aware(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant that says its offset.

    :raises ValueError: it is no instant, or says no offset
    """
    return require_aware(datetime.fromisoformat(text))

"""Reporting zones (decisions 11): an IANA zone or a fixed offset, and the local days in it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from annotate.errors import UsageError

_OFFSET: Final = re.compile(r"(?:UTC|GMT)?\s*([+\-−])(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_WIDEST: Final = timedelta(hours=14)


def parse_zone(text: str) -> tzinfo:
    """Read "UTC", "Asia/Urumqi", "UTC+08:00" or "-05:00".

    :raises UsageError: it is none of these
    """
    name = text.strip()
    if name.upper() in {"UTC", "GMT", "Z"}:
        return UTC
    fixed = _OFFSET.fullmatch(name)
    if fixed is not None:
        offset = timedelta(hours=int(fixed[2]), minutes=int(fixed[3] or 0))
        if offset <= _WIDEST:
            return timezone(offset if fixed[1] == "+" else -offset)
    elif name:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise UsageError(
        f"{text!r} is no time zone; write one such as Asia/Urumqi, or an offset such as UTC+08:00."
    )


def local_day(instant: datetime, zone: tzinfo) -> date:
    """Return the calendar day of `instant` in `zone`."""
    return instant.astimezone(zone).date()

"""Dates as people and spreadsheets write them, brought to ISO 8601 where only one day is meant.

What could be two days (03/04/2020) stays as it is and is refused where it is read.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, tzinfo
from typing import Final

_CLOCK: Final = r"(?:[T\s]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?)?"
_FORMS: Final = (
    re.compile(rf"(?P<year>\d{{4}})[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}}){_CLOCK}"),
    re.compile(rf"(?P<year>\d{{4}})年(?P<month>\d{{1,2}})月(?P<day>\d{{1,2}})日{_CLOCK}"),
    re.compile(rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>\d{{4}}){_CLOCK}"),
)
_SLASHED: Final = re.compile(rf"(?P<a>\d{{1,2}})[/-](?P<b>\d{{1,2}})[/-](?P<year>\d{{4}}){_CLOCK}")
_ZONED: Final = re.compile(r".*\d(?:Z|[+-]\d{2}:?\d{2})$", re.IGNORECASE)


def as_iso(text: str, zone: tzinfo | None) -> str:
    """Return a date in ISO 8601; what cannot be read comes back as it was written.

    :param zone: of a time that says none; None leaves such a time without one
    """
    written = _western_digits(unicodedata.normalize("NFKC", text)).strip()
    if _ZONED.match(written):
        return written.replace(" ", "T", 1) if "T" not in written.upper() else written
    for form in _FORMS:
        match = form.fullmatch(written)
        if match is not None:
            return _iso(match, int(match["month"]), int(match["day"]), zone) or text
    match = _SLASHED.fullmatch(written)
    if match is not None:
        first, second = int(match["a"]), int(match["b"])
        if first > 12 >= second:
            return _iso(match, second, first, zone) or text
        if second > 12 >= first:
            return _iso(match, first, second, zone) or text
        if first == second:
            return _iso(match, first, second, zone) or text
    return text


def _iso(match: re.Match[str], month: int, day: int, zone: tzinfo | None) -> str | None:
    try:
        if match["hour"] is None:
            return date(int(match["year"]), month, day).isoformat()
        moment = datetime(
            int(match["year"]), month, day, int(match["hour"]), int(match["minute"]),
            int(match["second"] or 0), tzinfo=zone,
        )  # fmt: skip
    except ValueError:
        return None
    return moment.isoformat()


def _western_digits(text: str) -> str:
    """Write Arabic, Persian and other decimal digits as 0 to 9."""
    return "".join(
        str(unicodedata.digit(letter)) if letter.isdecimal() and letter > "\x7f" else letter
        for letter in text
    )

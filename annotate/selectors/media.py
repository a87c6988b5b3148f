"""Where on a picture or in a film an annotation stands: Media Fragments, in pixels and seconds.

Source: Media Fragments URI 1.0 (W3C Recommendation, 25 September 2012), 4.2.1 (`t=npt:`) and
4.2.2 (`xywh=pixel:`). Pixels are the picture's own, whatever size it is shown at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

CONFORMS_TO: Final = "http://www.w3.org/TR/media-frags/"
LONGEST: Final = Decimal(1_000_000)  # seconds into a film
_PIXELS: Final = 1_000_000  # along one side of a picture
_REGION: Final = re.compile(r"xywh=pixel:(\d{1,7}),(\d{1,7}),(\d{1,7}),(\d{1,7})")
_TIMES: Final = re.compile(r"t=npt:(\d{1,7}(?:\.\d{1,3})?),(\d{1,7}(?:\.\d{1,3})?)")
_MARK: Final = re.compile(r"(.+)[#&]((?:xywh=pixel:|t=npt:)[\d.,]+)", re.DOTALL)
_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,5}):(\d{1,2}(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of a picture, in its natural pixels, from its top left corner."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        """Refuse what is no rectangle.

        :raises ValueError: a side is less than one pixel, or a number is out of all bounds
        """
        if self.width < 1 or self.height < 1 or self.x < 0 or self.y < 0:
            raise ValueError("A region is at least one pixel wide and one pixel tall.")
        if max(self.x + self.width, self.y + self.height) > _PIXELS:
            raise ValueError(f"No picture has more than {_PIXELS} pixels along a side.")

    def __str__(self) -> str:
        """Return the fragment, as `xywh=pixel:160,120,320,240`."""
        return f"xywh=pixel:{self.x},{self.y},{self.width},{self.height}"

    def is_within(self, width: int, height: int) -> bool:
        """Tell whether the rectangle lies in a picture of this size, in pixels."""
        return self.x + self.width <= width and self.y + self.height <= height


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A stretch of a film or sound, in seconds from its beginning, to the millisecond."""

    start: Decimal
    end: Decimal

    def __post_init__(self) -> None:
        """Refuse what is no stretch of time.

        :raises ValueError: it does not end after it begins, or is out of all bounds
        """
        if not 0 <= self.start < self.end <= LONGEST:
            raise ValueError("A range ends after it begins, and begins at 0 or later.")

    def __str__(self) -> str:
        """Return the fragment, as `t=npt:83.5,90`."""
        return f"t=npt:{plain(self.start)},{plain(self.end)}"

    @property
    def words(self) -> str:
        """The range as a clock shows it."""
        return f"{clock(self.start)} to {clock(self.end)}"


Place = Region | TimeRange


@dataclass(frozen=True, slots=True)
class MediaMark:
    """A place on one picture, film or sound of a capture."""

    source: str
    """Target of the record marked, as its WARC has it."""
    place: Place

    def __str__(self) -> str:
        """Return the mark as one Media Fragment URI."""
        joint = "&" if "#" in self.source else "#"
        return f"{self.source}{joint}{self.place}"


def read_place(fragment: str) -> Place:
    """Read a fragment of the two kinds used here.

    :raises ValueError: it is neither
    """
    region = _REGION.fullmatch(fragment)
    if region is not None:
        return Region(*(int(number) for number in region.groups()))
    times = _TIMES.fullmatch(fragment)
    if times is not None:
        return TimeRange(Decimal(times[1]), Decimal(times[2]))
    raise ValueError(
        f"{fragment[:80]!r} is neither a region such as xywh=pixel:160,120,320,240 nor a range "
        "of seconds such as t=npt:83.5,90."
    )


def read_mark(uri: str) -> MediaMark:
    """Read a Media Fragment URI.

    :raises ValueError: it names no place
    """
    found = _MARK.fullmatch(uri)
    if found is None:
        raise ValueError(f"{uri[:200]!r} names no region or range of time.")
    return MediaMark(found[1], read_place(found[2]))


def read_seconds(text: str) -> Decimal:
    """Read a time into a film as people write it: 83.5, 1:23.5 or 0:01:23.5; to the millisecond.

    :raises ValueError: it is none
    """
    written = text.strip().replace(",", ".")
    found = _CLOCK.fullmatch(written)
    try:
        if found is not None:
            hours, minutes, seconds = Decimal(found[1] or 0), Decimal(found[2]), Decimal(found[3])
            if seconds >= 60 or (found[1] and minutes >= 60):
                raise ValueError
            total = hours * 3600 + minutes * 60 + seconds
        else:
            total = Decimal(written)
        if not (total.is_finite() and 0 <= total <= LONGEST):
            raise ValueError
    except (InvalidOperation, ValueError) as error:
        raise ValueError(
            f"{text[:40]!r} is no time: write seconds, as 83.5, or minutes and seconds, as 1:23.5."
        ) from error
    return total.quantize(Decimal("0.001"))


def in_seconds(milliseconds: int) -> Decimal:
    """Return milliseconds as seconds."""
    return Decimal(milliseconds) / 1000


def plain(seconds: Decimal) -> str:
    """Return seconds without zeros at the end: 83.5, 90."""
    return f"{seconds.quantize(Decimal('0.001')):f}".rstrip("0").rstrip(".")


def clock(seconds: Decimal) -> str:
    """Return seconds as a clock shows them: 1:23.5, 1:02:03."""
    all_minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(all_minutes), 60)
    whole, _, part = plain(rest).partition(".")
    second = whole.zfill(2) + (f".{part}" if part else "")
    return f"{hours}:{minutes:02}:{second}" if hours else f"{minutes}:{second}"

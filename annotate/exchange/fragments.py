"""Media Fragments as other programs write them: the forms of the Recommendation, read as asked.

Source: Media Fragments URI 1.0 (W3C Recommendation, 25 September 2012), 4.2.1 (`t=`, in normal
play time) and 4.2.2 (`xywh=`, in pixels or per cent). Programs that draw write fractions of
pixels, which it does not have; these are rounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from annotate.selectors.media import Region, TimeRange, read_seconds

_JOINT: Final = re.compile(r"(?:^|&)(?=(?:xywh|t)=)")
_BOX: Final = re.compile(r"xywh=(?:(pixel|percent):)?" + ",".join([r"(-?\d{1,7}(?:\.\d+)?)"] * 4))
_TIMES: Final = re.compile(r"t=(?:npt:)?([\d:.]*)s?(?:,([\d:.]+)s?)?")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle that was asked for, in pixels or in hundredths of the picture's sides."""

    left: Decimal
    top: Decimal
    width: Decimal
    height: Decimal
    in_percent: bool

    def on(self, width: int, height: int) -> Region:
        """Return the region of a picture of this size, in its pixels.

        :raises ValueError: it is no rectangle
        """
        across = Decimal(width) / 100 if self.in_percent else Decimal(1)
        down = Decimal(height) / 100 if self.in_percent else Decimal(1)
        left, top = round(self.left * across), round(self.top * down)
        right = round((self.left + self.width) * across)
        bottom = round((self.top + self.height) * down)
        return Region(left, top, right - left, bottom - top)


def is_fragment(text: str) -> bool:
    """Tell whether a fragment says a rectangle or a time."""
    return text.startswith(("xywh=", "t="))


def apart(address: str) -> tuple[str, str]:
    """Return an address without the fragment that says a rectangle or a time, and that."""
    page, _hash, fragment = address.partition("#")
    joint = _JOINT.search(fragment)
    if joint is None:
        return address, ""
    rest = fragment[: joint.start()]
    return f"{page}#{rest}" if rest else page, fragment[joint.end() :]


def read_fragment(text: str) -> Box | TimeRange:
    """Read a rectangle or a time.

    :raises ValueError: it is neither, both, or a time without an end
    """
    box = _BOX.fullmatch(text)
    if box is not None:
        left, top, width, height = (Decimal(number) for number in box.groups()[1:])
        return Box(left, top, width, height, in_percent=box[1] == "percent")
    times = _TIMES.fullmatch(text)
    if times is not None and times[2]:
        return TimeRange(read_seconds(times[1] or "0"), read_seconds(times[2]))
    raise ValueError(f"{text[:80]!r} is neither a rectangle nor a time with an end.")

"""What a picture looks like, in 64 bits: the same after scaling and compressing it anew.

Each bit says whether a point of the picture, made 9 by 8 points small, is brighter than its right
neighbour (the difference hash; N. Krawetz, "Kind of like that", 2013).
"""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

from archive.errors import ExtractionError

_WIDE, _HIGH = 9, 8
_PIXELS: Final = 80_000_000  # beyond which a picture is not unpacked
_PLAIN: Final = 5  # bits set, or not set, up to which a picture is a plain surface


def picture_hash(data: bytes) -> str | None:
    """Return the hash of a picture, 16 hex digits; None of a plain surface, which is like any.

    Decodes what it is given: of strangers' pictures only in a bounded process.

    :raises ExtractionError: it is no picture that can be read
    """
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.width * picture.height > _PIXELS:
                raise ExtractionError("the picture has too many points")
            small = picture.convert("RGB").convert("L")
            points = small.resize((_WIDE, _HIGH), Image.Resampling.LANCZOS).tobytes()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ExtractionError(f"the picture cannot be read: {error}") from error
    bits = 0
    for row in range(_HIGH):
        for column in range(_WIDE - 1):
            at = row * _WIDE + column
            bits = bits << 1 | (points[at] > points[at + 1])
    if not _PLAIN < bits.bit_count() < 64 - _PLAIN:
        return None
    return f"{bits:016x}"


def bits_apart(one: str, other: str) -> int:
    """Return in how many of the 64 bits two hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()

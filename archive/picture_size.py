"""How large a picture is, told from its first bytes; nothing of it is unfolded."""

from __future__ import annotations

import io
import struct
from typing import Final

from PIL import Image, UnidentifiedImageError

ENOUGH: Final = 1_000_000  # bytes from the beginning in which a picture says its size
_FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
_ORIENTATION: Final = 0x0112  # EXIF 2.3, 4.6.4: 5 to 8 are shown turned by a quarter
_MOST: Final = 200_000_000  # pixels


def picture_size(begin: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels, as a browser shows the picture; None if it is none.

    :param begin: the first bytes, `ENOUGH` of them where there are so many
    """
    try:
        with Image.open(io.BytesIO(begin), formats=_FORMATS) as picture:
            width, height = picture.size
            turned = picture.format == "JPEG" and picture.getexif().get(_ORIENTATION, 1) in range(
                5, 9
            )
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError,
            struct.error, KeyError, TypeError):  # fmt: skip
        # Pillow lets what broke in a decoder out as it is.
        return None
    if not 0 < width * height <= _MOST:
        return None
    return (height, width) if turned else (width, height)

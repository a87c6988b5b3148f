"""Answering with a stretch of bytes (RFC 9110, 14): films are sought in, downloads resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask import Response, request

Pieces = Callable[[int, int], Iterator[bytes]]
"""Yields the bytes from a first to before a last position."""


def ranged(length: int, pieces: Pieces, content_type: str) -> Response:
    """Answer with all of it, or with the one range asked for; nothing is held in memory.

    :param length: bytes there are
    """
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        response = Response(pieces(0, length), content_type=content_type)
        response.content_length = length
    else:
        found = asked.range_for_length(length)
        if found is None:
            response = Response(status=416)
            response.headers["Content-Range"] = f"bytes */{length}"
            return response
        start, stop = found
        response = Response(pieces(start, stop), 206, content_type=content_type)
        response.content_length = stop - start
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{length}"
    response.headers["Accept-Ranges"] = "bytes"
    return response

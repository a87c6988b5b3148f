"""Places on pictures and in films, read from the fields of a form."""

from __future__ import annotations

from collections.abc import Callable

from flask import request

from annotate.errors import UsageError
from annotate.selectors.media import (
    MediaMark,
    Place,
    Region,
    TimeRange,
    read_mark,
    read_seconds,
)


def read_media_marks(about: str = "", *, draft: bool = False) -> list[MediaMark]:
    """Read `e` (marks kept, as URIs), `r.source`, `.x`, `.y`, `.w`, `.h`, and `t.source`,
    `.start`, `.end`; each name with `about` after its first letter. Each mark once.

    :param draft: what is half filled in or unfit is left out, as the page keeps it typed
    :raises UsageError: a place is half filled in, or is no place
    """
    found: list[MediaMark] = []
    for read in (_kept, _region, _times):
        try:
            found += read(about)
        except UsageError:
            if not draft:
                raise
    return list(dict.fromkeys(found))


def _kept(about: str) -> list[MediaMark]:
    name = f"e.{about}" if about else "e"
    try:
        return [read_mark(one) for one in request.form.getlist(name)]
    except ValueError as error:
        raise UsageError(f"{error} Reload the page; your draft is kept.") from error


def _region(about: str) -> list[MediaMark]:
    typed = [_field("r", about, part) for part in ("x", "y", "w", "h")]
    if not any(typed):
        return []
    if not all(one.isascii() and one.isdigit() and len(one) < 8 for one in typed):
        raise UsageError(
            "A region needs four whole numbers of pixels: from the left, from the top, width "
            "and height."
        )
    x, y, width, height = (int(one) for one in typed)
    return [_mark(_field("r", about, "source"), lambda: Region(x, y, width, height))]


def _times(about: str) -> list[MediaMark]:
    start, end = _field("t", about, "start"), _field("t", about, "end")
    if not start and not end:
        return []
    if not start or not end:
        raise UsageError("A range of time needs a start and an end.")
    source = _field("t", about, "source")
    return [_mark(source, lambda: TimeRange(read_seconds(start), read_seconds(end)))]


def _mark(source: str, place: Callable[[], Place]) -> MediaMark:
    try:
        return MediaMark(source, place())
    except ValueError as error:
        raise UsageError(str(error)) from error


def _field(kind: str, about: str, part: str) -> str:
    return request.form.get(".".join(filter(None, (kind, about, part))), "").strip()

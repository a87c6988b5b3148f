"""What an archived payload is shown as: an allow-list, by declared type or by its first bytes."""

from __future__ import annotations

from typing import Final

_SHOWN: Final = frozenset(
    {
        "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp",
        "image/x-icon", "image/vnd.microsoft.icon", "image/svg+xml", "text/css", "font/woff",
        "font/woff2", "font/ttf", "font/otf", "application/font-woff", "application/font-woff2",
        "application/x-font-woff", "application/x-font-ttf", "application/x-font-otf",
        "video/mp4", "video/webm", "video/ogg", "audio/mpeg", "audio/ogg", "audio/webm",
        "audio/mp4", "audio/wav", "audio/x-wav", "audio/aac", "video/quicktime",
    }
)  # fmt: skip
_ALIASES: Final = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "audio/mp3": "audio/mpeg",
    "video/x-m4v": "video/mp4",
}
# Source: MIME Sniffing (WHATWG), 6. Only where the declared type says nothing.
_MAGIC: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"), (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"), (0, b"GIF89a", "image/gif"), (8, b"WEBP", "image/webp"),
    (4, b"ftypavif", "image/avif"), (0, b"wOFF", "font/woff"), (0, b"wOF2", "font/woff2"),
    (0, b"OTTO", "font/otf"), (0, b"\x00\x01\x00\x00\x00", "font/ttf"),
    (4, b"ftyp", "video/mp4"), (0, b"\x1a\x45\xdf\xa3", "video/webm"), (0, b"OggS", "video/ogg"),
    (0, b"ID3", "audio/mpeg"),
)  # fmt: skip
_TELLS_NOTHING: Final = frozenset(
    {"", "application/octet-stream", "binary/octet-stream", "application/x-download",
     "application/force-download", "unknown/unknown", "application/unknown", "*/*", "text/plain"}
)  # fmt: skip
_PAGES: Final = frozenset({"text/html", "application/xhtml+xml"})
_READABLE: Final = frozenset({"application/json", "application/xml", "application/javascript",
                              "application/ld+json", "application/rss+xml",
                              "application/atom+xml"})  # fmt: skip


def plain_kind(content_type: str) -> str:
    """Return a type without its parameters, in small letters."""
    return content_type.partition(";")[0].strip().lower()


def shown_kind(content_type: str, begin: bytes) -> str | None:
    """Return the type to serve a payload as; None where it is not shown.

    A declared type that is shown holds. One that tells nothing is found out from the first
    bytes: pictures, films, sounds and fonts only. A document never comes of it.

    >>> shown_kind("application/octet-stream", b"GIF89a")
    'image/gif'
    """
    kind = plain_kind(content_type)
    kind = _ALIASES.get(kind, kind)
    if kind in _SHOWN:
        return kind
    if kind not in _TELLS_NOTHING and not kind.startswith(("image/", "font/", "text/html")):
        return None
    return next(
        (found for at, magic, found in _MAGIC if begin[at : at + len(magic)] == magic), None
    )


def is_page(content_type: str, begin: bytes) -> bool:
    """Tell whether a payload is an HTML document."""
    kind = plain_kind(content_type)
    if kind in _PAGES:
        return shown_kind("", begin) is None
    return not kind and begin.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def is_readable(content_type: str) -> bool:
    """Tell whether a payload is text that can be shown as it stands."""
    kind = plain_kind(content_type)
    return kind.startswith("text/") or kind in _READABLE or kind.endswith(("+json", "+xml"))

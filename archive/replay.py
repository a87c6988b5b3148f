"""The static view: a capture's page from its stored bytes, made harmless, nothing fetched live."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Final
from urllib.parse import quote, urldefrag

from archive.content import decode_text
from archive.errors import ArchiveError, DamagedRecordError
from archive.reader import Payload, read_payload
from archive.record import RecordRef
from archive.sanitise import sanitise_css, sanitise_html

LIMIT: Final = 64_000_000  # bytes of one payload shown
STATIC_VIEW_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data:; media-src 'self' data:; "
        "style-src 'self' 'unsafe-inline'; font-src 'self' data:; frame-src 'self'; "
        "script-src 'none'; connect-src 'none'; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'self'; sandbox allow-same-origin"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SHOWN_TYPES: Final = frozenset(
    {
        "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp",
        "image/x-icon", "image/vnd.microsoft.icon", "image/svg+xml", "text/css", "font/woff",
        "font/woff2", "font/ttf", "font/otf", "application/font-woff", "application/font-woff2",
        "video/mp4", "video/webm", "video/ogg", "audio/mpeg", "audio/ogg", "audio/webm",
        "audio/mp4",
    }
)  # fmt: skip
_PLAIN: Final = "text/plain"
Lookup = Callable[[str], RecordRef | None]
"""Finds the response or resource record of an address in the capture's WARC."""


class UnsupportedTypeError(ArchiveError):
    """The archived part is of a type that is not shown; it can be saved from its record."""


class MissingPartError(ArchiveError):
    """The capture holds no such part."""


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes fit to be shown, and their type."""

    content_type: str
    body: bytes


class StaticView:
    """One capture, to be looked at."""

    def __init__(
        self, warc: Path, main: RecordRef, address: str, lookup: Lookup, snapshot: RecordRef | None
    ) -> None:
        """Stand on a capture.

        :param main: the page's response or resource record
        :param snapshot: the `urn:mhtml:` record, where the capture has one
        """
        self._warc = warc
        self._main = main
        self._address = address
        self._lookup = lookup
        self._parts: dict[str, EmailMessage] = {}
        self._document: EmailMessage | None = None
        if snapshot is not None:
            self._open_snapshot(snapshot)

    def page(self, prefix: str) -> Part:
        """Return the page, its references led to `prefix`/part?u=…

        :raises DamagedRecordError: the stored page cannot be read as declared
        """

        def rewrite(address: str) -> str | None:
            plain = urldefrag(address).url
            held = plain in self._parts or self._lookup(plain) is not None
            return f"{prefix}/part?u={quote(plain, safe='')}" if held else None

        if self._document is not None:
            markup = decode_text(_bytes(self._document), self._document.get("Content-Type", ""))
            return Part("text/html; charset=utf-8", sanitise_html(markup, self._address, rewrite))
        payload = read_payload(self._warc, self._main, limit=LIMIT)
        kind = _kind(payload.content_type)
        if kind in {"text/html", "application/xhtml+xml", ""}:
            markup = decode_text(payload.body, payload.content_type)
            return Part("text/html; charset=utf-8", sanitise_html(markup, self._address, rewrite))
        if kind.startswith("text/") or kind in {"application/json", "application/xml"}:
            text = decode_text(payload.body, payload.content_type)
            return Part(f"{_PLAIN}; charset=utf-8", text.encode())
        return self._shown(payload.content_type, payload.body, self._address, rewrite)

    def part(self, address: str, prefix: str) -> Part:
        """Return an image, style sheet, font or film of the capture.

        :raises MissingPartError: the capture does not hold it
        :raises UnsupportedTypeError: it is of a type that is not shown
        """

        def rewrite(wanted: str) -> str | None:
            plain = urldefrag(wanted).url
            held = plain in self._parts or self._lookup(plain) is not None
            return f"{prefix}/part?u={quote(plain, safe='')}" if held else None

        held = self._parts.get(address)
        if held is not None:
            return self._shown(held.get_content_type(), _bytes(held), address, rewrite)
        ref = self._lookup(address)
        if ref is None:
            raise MissingPartError(f"The capture holds no {address}.")
        payload = self._payload(ref)
        return self._shown(payload.content_type, payload.body, address, rewrite)

    def _payload(self, ref: RecordRef) -> Payload:
        return read_payload(self._warc, ref, limit=LIMIT)

    def _shown(
        self, content_type: str, body: bytes, address: str, rewrite: Callable[[str], str | None]
    ) -> Part:
        kind = _kind(content_type)
        if kind not in _SHOWN_TYPES:
            raise UnsupportedTypeError(f"Parts of type {kind or 'unknown'} are not shown here.")
        if kind == "text/css":
            sheet = sanitise_css(decode_text(body, content_type), address, rewrite)
            return Part("text/css; charset=utf-8", sheet.encode())
        return Part(kind, body)

    def _open_snapshot(self, ref: RecordRef) -> None:
        """Read an MHTML snapshot (RFC 2557): the first HTML part is the document."""
        try:
            payload = self._payload(ref)
        except DamagedRecordError:
            return
        message = email.message_from_bytes(payload.body, policy=email.policy.default)
        for part in message.walk():
            if part.is_multipart() or not isinstance(part, EmailMessage):
                continue
            if self._document is None and part.get_content_type() == "text/html":
                self._document = part
                self._address = str(part.get("Content-Location") or self._address)
                continue
            location = str(part.get("Content-Location") or "")
            identifier = str(part.get("Content-ID") or "").strip("<>")
            if location:
                self._parts.setdefault(location, part)
            if identifier:
                self._parts.setdefault(f"cid:{identifier}", part)


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _bytes(part: EmailMessage) -> bytes:
    body = part.get_payload(decode=True)
    return body if isinstance(body, bytes) else b""

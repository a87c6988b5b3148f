"""The static view: a capture's page from its stored bytes, made harmless, nothing fetched live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import quote, urldefrag, urljoin

from archive.cdxj import Entry
from archive.content import decode_text
from archive.css import addresses_in, sanitise_css
from archive.errors import ArchiveError
from archive.lookup import Located, MissingOriginalError
from archive.mime import is_page, is_readable, plain_kind, shown_kind
from archive.reader import Payload, read_payload
from archive.record import RecordRef
from archive.sanitise import Missing, Sanitiser
from archive.snapshot import SnapshotPart, open_snapshot
from archive.streaming import open_record

LIMIT: Final = 64_000_000  # bytes of one payload shown from memory
STREAMED: Final = 4_000_000  # bytes above which a picture, film or sound is sent as it is read
_SURELY_SMALL: Final = 64_000  # stored bytes; what unpacks to 200 times as many is refused
_REDIRECTS: Final = 8
_HTML: Final = "text/html; charset=utf-8"
_DRAWN: Final = 40  # pages of a document of which an import draws pictures
_POLICY: Final = (
    "default-src 'none'; img-src {here} data:; media-src {here} data:; "
    "style-src {here} 'unsafe-inline'; font-src {here} data:; frame-src {here}; "
    "script-src 'none'; connect-src 'none'; object-src 'none'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'; sandbox allow-same-origin"
)
STATIC_VIEW_HEADERS: Final = {
    "Content-Security-Policy": _POLICY.format(here="'self'"),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-DNS-Prefetch-Control": "off",
}
Lookup = Callable[[str], "Located | RecordRef | None"]
"""Finds the response or resource record of exactly this address among the capture's files."""


class UnsupportedTypeError(ArchiveError):
    """The archived part is of a type that is not shown; it can be saved from its record."""


class MissingPartError(ArchiveError):
    """The capture holds no such part."""


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes fit to be shown, and their type."""

    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class StreamedPart:
    """A picture, film or sound too large for memory: any stretch of it is read when asked for."""

    content_type: str
    length: int
    """Bytes."""
    warc: Path
    ref: RecordRef

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from `start` to before `stop`.

        :raises DamagedRecordError: the record cannot be read
        """
        with open_record(self.warc, self.ref) as record:
            yield from record.stored(start, stop)


@dataclass(frozen=True, slots=True)
class _Place:
    """A record: its file, its place, and its line of the index where there is one."""

    path: Path
    ref: RecordRef
    entry: Entry | None = None

    @classmethod
    def of(cls, warc: Path, held: Located | RecordRef) -> _Place:
        """Read what a lookup gave; a bare reference stands in the capture's own WARC."""
        if isinstance(held, Located):
            return cls(held.path, held.ref, held.entry)
        return cls(warc, held)


def policy_for(place: str) -> dict[str, str]:
    """Return the headers of archived bytes served below one place, "host:port/c/<id>/".

    Even what a browser might let through could then ask for parts of this capture only, and
    for nothing else of the application.
    """
    return STATIC_VIEW_HEADERS | {"Content-Security-Policy": _POLICY.format(here=place)}


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
        self._found: dict[str, _Place | None] = {}
        self._snapshot = open_snapshot(warc, snapshot) if snapshot is not None else None
        self.missing: tuple[Missing, ...] = ()
        """What the page shown last refers to in vain."""
        self.silent = False
        """Films and sounds come muted, and load nothing before they are started."""

    def page(self, prefix: str) -> Part:
        """Return the page, its references led to `prefix`/part?u=… and `prefix`/frame?u=…

        :raises DamagedRecordError: the stored page cannot be read as declared
        :raises UnsupportedTypeError: it is of a type that is not shown
        """
        if self._snapshot is not None and self._snapshot.document is not None:
            document = self._snapshot.document
            return self._document(document, document.location or self._address, "", prefix)
        payload = self._payload(_Place(self._warc, self._main))
        kind = shown_kind(payload.content_type, payload.body[:64])
        if is_page(payload.content_type, payload.body[:512]):
            markup = decode_text(payload.body, payload.content_type)
            return self._sanitised(markup, self._address, "", prefix)
        if kind is not None and kind.startswith(("image/", "video/", "audio/")):
            source = f"{prefix}/part?u={quote(self._address, safe='')}"
            return _alone(kind, source, silent=self.silent)
        if is_readable(payload.content_type):
            text = decode_text(payload.body, payload.content_type)
            return Part("text/plain; charset=utf-8", text.encode("utf-8", "replace"))
        drawn = self._drawn_pages(prefix)
        if drawn is not None:
            return drawn
        raise UnsupportedTypeError(
            f"This is {plain_kind(payload.content_type) or 'of no declared type'}, which is not "
            "shown here. Its record has the bytes, to read as text or hexadecimal and to save."
        )

    def _drawn_pages(self, prefix: str) -> Part | None:
        """Return the pictures an import drew of a document's pages, if there are any."""
        shown = []
        for number in range(1, _DRAWN + 1):
            address = f"urn:page:{number}:{self._address}"
            if self._lookup(address) is None:
                break
            source = escape(f"{prefix}/part?u={quote(address, safe='')}")
            shown.append(f'<p><img src="{source}" alt="Page {number}"></p>')
        if not shown:
            return None
        return Part(_HTML, f"<!DOCTYPE html><title>Pages</title>{''.join(shown)}".encode())

    def frame(self, address: str, prefix: str) -> Part:
        """Return a document that stood in a frame of the page.

        :raises MissingPartError: the capture does not hold it
        :raises UnsupportedTypeError: it is no document
        """
        held = self._part_of_snapshot(address)
        if held is not None:
            if not is_page(held.content_type, held.body[:512]):
                raise UnsupportedTypeError("The frame held no document.")
            return self._document(held, held.location or address, address, prefix)
        payload = self._payload(self._located(address))
        if not is_page(payload.content_type, payload.body[:512]):
            kind = shown_kind(payload.content_type, payload.body[:64])
            if kind is not None and kind.startswith("image/"):
                source = f"{prefix}/part?u={quote(address, safe='')}"
                return _alone(kind, source, silent=self.silent)
            raise UnsupportedTypeError("The frame held no document.")
        markup = decode_text(payload.body, payload.content_type)
        return self._sanitised(markup, address, address, prefix)

    def inner_frame(self, parent: str, number: str, prefix: str) -> Part:
        """Return a document that was written into the page itself (srcdoc).

        :param parent: the address of the frame it stands in; empty: the page
        :param number: which frame of that document, counted from 1
        :raises MissingPartError: there is no such frame
        """
        markup, base = self._markup_of(parent)
        written: dict[str, str] = {}

        def note(_address: str | None, srcdoc: str | None, which: str) -> None:
            if srcdoc is not None:
                written[which] = srcdoc

        Sanitiser(base, lambda _address: None, note).page(markup)
        if number not in written:
            raise MissingPartError("The page has no such frame.")
        inner = Sanitiser(base, self._rewriter(prefix), scripts_ran=self._snapshot is not None)
        inner.silent = self.silent
        return Part(_HTML, inner.page(written[number]))

    def part(self, address: str, prefix: str) -> Part:
        """Return an image, style sheet, font or film of the capture, whole.

        :raises MissingPartError: the capture does not hold it
        :raises UnsupportedTypeError: it is of a type that is not shown
        """
        held = self._part_of_snapshot(address)
        if held is not None:
            return self._shown(held.content_type, held.body, held.location or address, prefix)
        payload = self._payload(self._located(address))
        return self._shown(payload.content_type, payload.body, address, prefix)

    def stream(self, address: str, prefix: str) -> Part | StreamedPart:
        """Return a part as `part` does; what is large and needs no change, as a stream.

        :raises MissingPartError: the capture does not hold it
        :raises UnsupportedTypeError: it is of a type that is not shown
        """
        if self._part_of_snapshot(address) is not None:
            return self.part(address, prefix)
        found = self._located(address)
        if found.ref.length <= _SURELY_SMALL:
            return self.part(address, prefix)
        with open_record(found.path, found.ref) as record:
            length = record.body_length
            if length <= STREAMED or record.codings:
                return self.part(address, prefix)
            kind = shown_kind(record.content_type, next(record.stored(0, 64), b""))
        if kind is None or kind == "text/css":
            raise UnsupportedTypeError("Parts of this type are not shown here.")
        return StreamedPart(kind, length, found.path, found.ref)

    def list_missing(self, prefix: str) -> tuple[Missing, ...]:
        """Return what page and style sheets refer to that is not held, each address once."""
        self.page(prefix)
        wanted = list(self.missing)
        for one in self._sheets():
            try:
                payload = self._payload(self._located(one))
            except ArchiveError:
                continue
            sheet = decode_text(payload.body, payload.content_type)
            wanted += [
                Missing(address, "style")
                for address in addresses_in(sheet, one)
                if not self._is_held(urldefrag(address).url)
            ]
        return tuple({one.address: one for one in wanted}.values())

    def _sheets(self) -> list[str]:
        return [
            address for address, found in self._found.items()
            if found is not None and found.entry is not None and found.entry.mime == "text/css"
        ]  # fmt: skip

    def _markup_of(self, address: str) -> tuple[str, str]:
        if not address and self._snapshot is not None and self._snapshot.document is not None:
            document = self._snapshot.document
            return decode_text(document.body, document.content_type), document.location
        held = self._part_of_snapshot(address) if address else None
        if held is not None:
            return decode_text(held.body, held.content_type), held.location or address
        here = self._located(address) if address else _Place(self._warc, self._main)
        payload = self._payload(here)
        return decode_text(payload.body, payload.content_type), address or self._address

    def _document(self, part: SnapshotPart, base: str, name: str, prefix: str) -> Part:
        return self._sanitised(decode_text(part.body, part.content_type), base, name, prefix)

    def _sanitised(self, markup: str, base: str, name: str, prefix: str) -> Part:
        def frame(address: str | None, srcdoc: str | None, number: str) -> str | None:
            if srcdoc is not None:
                return f"{prefix}/frame?of={quote(name, safe='')}&n={number}"
            plain = urldefrag(address or "").url
            held = self._part_of_snapshot(plain) is not None or self._is_held(plain)
            return f"{prefix}/frame?u={quote(plain, safe='')}" if held and plain != base else None

        one = Sanitiser(base, self._rewriter(prefix), frame, scripts_ran=self._snapshot is not None)
        one.silent = self.silent
        body = one.page(markup)
        self.missing = tuple(one.missing)
        return Part(_HTML, body)

    def _rewriter(self, prefix: str) -> Callable[[str], str | None]:
        def rewrite(address: str) -> str | None:
            plain = urldefrag(address).url
            held = self._part_of_snapshot(plain) is not None or self._is_held(plain)
            return f"{prefix}/part?u={quote(plain, safe='')}" if held else None

        return rewrite

    def _part_of_snapshot(self, address: str) -> SnapshotPart | None:
        return self._snapshot.parts.get(address) if self._snapshot is not None else None

    def _is_held(self, address: str) -> bool:
        try:
            self._located(address)
        except ArchiveError:
            return False
        return True

    def _located(self, address: str) -> _Place:
        """Return the record that answers an address, redirects followed.

        :raises MissingPartError: there is none, or the server answered with an error
        """
        if address in self._found:
            known = self._found[address]
            if known is None:
                raise MissingPartError(f"The capture holds no {address}.")
            return known
        self._found[address] = None
        found = self._follow(address)
        self._found[address] = found
        return found

    def _follow(self, address: str) -> _Place:
        wanted = address
        for _hop in range(_REDIRECTS):
            try:
                held = self._lookup(wanted)
            except MissingOriginalError as error:
                raise MissingPartError(str(error)) from error
            if held is None:
                raise MissingPartError(f"The capture holds no {wanted}.")
            found = _Place.of(self._warc, held)
            status = found.entry.status if found.entry is not None else None
            if status is None or status < 300:
                return found
            if status >= 400:
                raise MissingPartError(f"For {wanted} the server answered {status}.")
            with open_record(found.path, found.ref) as record:
                target = record.http.get("Location") if record.http is not None else None
            if not target:
                raise MissingPartError(f"{wanted} answered {status} and led nowhere.")
            wanted = urldefrag(urljoin(wanted, target)).url
        raise MissingPartError(f"{address} is redirected again and again.")

    def _payload(self, found: _Place) -> Payload:
        return read_payload(found.path, found.ref, limit=LIMIT)

    def _shown(self, content_type: str, body: bytes, address: str, prefix: str) -> Part:
        kind = shown_kind(content_type, body[:64])
        if kind is None:
            raise UnsupportedTypeError(
                f"Parts of type {plain_kind(content_type) or 'unknown'} are not shown here."
            )
        if kind == "text/css":
            sheet = sanitise_css(decode_text(body, content_type), address, self._rewriter(prefix))
            return Part("text/css; charset=utf-8", sheet.encode("utf-8", "replace"))
        return Part(kind, body)


def _alone(kind: str, source: str, *, silent: bool) -> Part:
    """Return a page that shows one picture, film or sound."""
    where = escape(source)
    quiet = ' muted preload="none"' if silent else ""
    shown = {
        "image": f'<img src="{where}" alt="The archived picture">',
        "video": f'<video src="{where}" controls{quiet}></video>',
        "audio": f'<audio src="{where}" controls{quiet}></audio>',
    }[kind.partition("/")[0]]
    return Part(_HTML, f"<!DOCTYPE html><title>{kind}</title>{shown}".encode())

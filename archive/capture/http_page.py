"""What the main response of the http engine says: title, words, facts, or a file's name."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message
from typing import Final
from urllib.parse import unquote, urlsplit

from archive.capture.http_message import Head
from archive.capture.http_wire import Fetched
from archive.content import decode_http_body, decode_text
from archive.errors import DamagedRecordError, StoreError
from archive.page import PageFacts, read_facts
from archive.text import render_text

DECODE_LIMIT: Final = 64 * 1024 * 1024  # bytes of decoded HTML or text that are read
PLAIN_TEXT_LIMIT: Final = 1_000_000  # characters of a text or JSON file that go into search
HTML_TYPES: Final = frozenset({"text/html", "application/xhtml+xml"})
TEXT_TYPES: Final = frozenset(
    {"application/json", "application/xml", "application/atom+xml", "application/rss+xml"}
)
HTML_STARTS: Final = (b"<!doctype html", b"<html", b"<head", b"<body")
TITLE_LIMIT: Final = 300  # characters of a file name


@dataclass(frozen=True, slots=True)
class MainPage:
    """The main response as read."""

    html: str | None
    """None where it is no HTML, or cannot be decoded."""
    title: str
    text: str
    language_claimed: str | None = None
    facts: PageFacts | None = None
    rendition: str | None = None
    """Version of the rules that made `text` out of HTML."""
    problem: str | None = None
    """Why the body could not be read as its headers declare."""


def read_page(fetched: Fetched) -> MainPage:
    """Read the body that was kept, whole or not; it never fails for what a server sent.

    :raises StoreError: the disk refused to give the body back
    """
    content_type = fetched.head.first("content-type") or ""
    kind = content_type.partition(";")[0].strip().lower()
    name = file_name(fetched.head, fetched.address.target)
    textual = kind.startswith("text/") or kind in TEXT_TYPES or kind.endswith("+json")
    if not (textual or kind in HTML_TYPES or not kind):
        return MainPage(None, name, "")
    try:
        body = decode_http_body(list(fetched.head.headers), _kept(fetched), limit=DECODE_LIMIT)
    except DamagedRecordError as error:
        return MainPage(None, name, "", problem=str(error))
    if kind in HTML_TYPES or (not kind and body.lstrip()[:32].lower().startswith(HTML_STARTS)):
        return _read_html(decode_text(body, content_type), name)
    return MainPage(None, name, decode_text(body, content_type)[:PLAIN_TEXT_LIMIT] if kind else "")


def _read_html(html: str, name: str) -> MainPage:
    rendition = render_text(html)
    return MainPage(
        html,
        rendition.title or name,
        rendition.text,
        rendition.language_claimed,
        read_facts(html),
        rendition.version,
    )


def _kept(fetched: Fetched) -> bytes:
    body = fetched.exchange.body
    try:
        body.seek(0)
        kept = body.read(DECODE_LIMIT)
        body.seek(0)
    except OSError as error:
        raise StoreError(f"the body just received cannot be read back: {error}") from error
    return kept


def file_name(head: Head, url: str) -> str:
    """A title for what has none: the name a browser would save it under, else the host."""
    message = Message()
    message["Content-Disposition"] = head.first("content-disposition") or "inline"
    parts = urlsplit(url)
    offered = message.get_filename() or unquote(parts.path)
    name = offered.replace("\\", "/").rstrip("/").rpartition("/")[2]
    printable = "".join(letter for letter in name if letter.isprintable()).strip()
    return printable[:TITLE_LIMIT] or parts.netloc

"""Named fields of WARC and HTTP heads: read tolerantly, in order, with nothing made up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

HEAD_LIMIT: Final = 1 << 20  # bytes; a longer head is no head
_STATUS: Final = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})")
_VERSION: Final = re.compile(rb"WARC/(\d+\.\d+)", re.IGNORECASE)

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Head:
    """A first line and named fields."""

    first_line: str
    fields: Fields

    def get(self, name: str) -> str | None:
        """Return the first field of this name, whatever its case."""
        wanted = name.lower()
        return next((value for key, value in self.fields if key.lower() == wanted), None)


def parse_head(raw: bytes) -> Head:
    """Read a head: UTF-8 where it is that, else ISO 8859-1; folded lines are joined."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    first, *lines = re.split(r"\r*\n", text)
    fields: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in {" ", "\t"} and fields:
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            fields.append((name.strip(), value.strip()))
    return Head(first.strip(), tuple(fields))


def warc_version(line: bytes) -> str | None:
    """Return "1.1" of a line "WARC/1.1"; None if it is no such line."""
    match = _VERSION.match(line)
    return match[1].decode("ascii") if match else None


def http_status(head: bytes) -> int | None:
    """Return the status of an HTTP response head; None if it has none."""
    match = _STATUS.match(head)
    return int(match[1]) if match else None


def end_of_head(data: bytes | bytearray) -> int:
    """Return the length of the HTTP head with its empty line, or -1 while it is not whole."""
    found = [at + len(mark) for mark in (b"\r\n\r\n", b"\n\n") if (at := data.find(mark)) >= 0]
    return min(found, default=-1)

"""Named fields of WARC and HTTP heads: read tolerantly, in order, with nothing made up."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

HEAD_LIMIT: Final = 1 << 16  # bytes of a head; integrity.md §8
LINE_LIMIT: Final = 1 << 14  # bytes of one line of it
FIELD_LIMIT: Final = 200
_STATUS: Final = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})")
_VERSION: Final = re.compile(rb"WARC/(\d+\.\d+)", re.IGNORECASE)
_FIELD: Final = re.compile(r"([^:\s][^:\r\n]*):[ \t]*([^\r\n]*)\r\n")
_NEEDS_CARE: Final = re.compile(r"[ \t](?:\r?\n|:)")  # blanks a value or name may not keep
_LINE_END: Final = re.compile(r"\r*\n")

Fields = tuple[tuple[str, str], ...]


class Head(NamedTuple):
    """A first line and named fields.

    `by_name` has the first field of each name, the name in small letters. `odd` says what is
    wrong with a line, if anything; the fields are then those that could be read.
    """

    first_line: str
    fields: Fields
    by_name: dict[str, str]
    odd: str = ""

    def get(self, name: str) -> str | None:
        """Return the first field of this name, whatever its case."""
        return self.by_name.get(name.lower())


def make_head(first_line: str, fields: Fields, odd: str = "") -> Head:
    """Make a head; of fields with one name the first counts."""
    by_name = {name.lower(): value for name, value in fields}
    if len(by_name) != len(fields):
        by_name = {name.lower(): value for name, value in reversed(fields)}
    return Head(first_line, fields, by_name, odd)


def parse_head(raw: bytes) -> Head:
    """Read a head: UTF-8 where it is that, else ISO 8859-1; folded lines are joined."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    start = text.find("\n") + 1
    found = _FIELD.findall(text, start)
    # As many fields as lines: nothing was folded, and nothing was passed over.
    lines = text.count("\n", start) - text.endswith("\n\r\n")
    if len(found) == lines and not _NEEDS_CARE.search(text):
        return make_head(text[:start].strip(), tuple(found))
    return _parse_slowly(text)


def _parse_slowly(text: str) -> Head:
    first, *lines = _LINE_END.split(text)
    fields: list[tuple[str, str]] = []
    odd = ""
    for line in lines:
        if line[:1] in {" ", "\t"} and fields:
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            fields.append((name.strip(), value.strip()))
        elif line.strip():
            odd = odd or f"the line {line[:60]!r} of its head is no field"
    return make_head(first.strip(), tuple(fields), odd)


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
    crlf = data.find(b"\r\n\r\n")
    bare = data.find(b"\n\n", 0, crlf if crlf >= 0 else len(data))
    if bare >= 0:
        return bare + 2
    return crlf + 4 if crlf >= 0 else -1


def over_limit(raw: bytes | bytearray) -> str | None:
    """Say which limit a head goes over, if any."""
    if len(raw) > HEAD_LIMIT:
        return f"its head has more than {HEAD_LIMIT} bytes"
    if len(raw) <= FIELD_LIMIT:
        return None
    lines = raw.count(b"\n")
    if lines > FIELD_LIMIT + 2:
        return f"its head has {lines} lines; at most {FIELD_LIMIT} are read"
    if len(raw) > LINE_LIMIT and max(map(len, raw.split(b"\n"))) > LINE_LIMIT:
        return f"a line of its head has more than {LINE_LIMIT} bytes"
    return None

"""How a record begins and ends: WARC (ISO 28500:2017, section 4) and ARC (1.0 and 1.1).

An ARC record is one line, a block and a line end. Its head is given the fields a WARC would
have, so that whatever reads records need not know which it was.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

from archive.framing import Frame, Source, at_line_start, find
from archive.headers import (
    HEAD_LIMIT,
    LINE_LIMIT,
    Head,
    make_head,
    over_limit,
    parse_head,
    warc_version,
)
from archive.record import FaultKind

_SPACE_LIMIT: Final = 64  # CR and LF bytes tolerated between records
_SEARCHED: Final = 1 << 18  # bytes looked through at once for the next record
_EMPTY_LINE: Final = re.compile(rb"\n\r*\n")
_LONGEST_NUMBER: Final = 19  # digits
_BOM: Final = b"\xef\xbb\xbf"
_WHOLE: Final = {b"\r\n\r\n", b"\n\n"}
_ARC_LINE_TEXT: Final = (
    rb"^(?P<url>[A-Za-z][A-Za-z0-9+.-]*:[^\r\n]*?) (?P<ip>[0-9A-Fa-f.:]+|-) (?P<date>%b) "
    rb"(?P<type>[^ \r\n]*)(?: [^\r\n]*)? (?P<length>\d{1,18})\r?\n"
)
_ARC_DATE: Final = re.compile(rb"\d{8}|\d{12}|\d{14}|-")
_ARC_LINE: Final = re.compile(_ARC_LINE_TEXT % _ARC_DATE.pattern, re.MULTILINE)
_ARC_LINE_LENIENT: Final = re.compile(_ARC_LINE_TEXT % rb"[^ \r\n]+")


class HeadError(Exception):
    """No record begins here as it must."""

    def __init__(self, message: str, kind: FaultKind = FaultKind.BAD_HEADER) -> None:
        super().__init__(message)
        self.kind = kind


class Format(Protocol):
    """One kind of archive file."""

    def begins(self, data: bytes) -> bool:
        """Tell whether `data`, some sixty bytes, begins a record."""
        ...

    def read_head(self, frame: Frame) -> tuple[Head, int]:
        """Read a head; return it with the length of the block.

        :raises HeadError: there is none, or it goes over a limit
        """
        ...

    def read_ending(self, frame: Frame) -> str | None:
        """Read what ends a record; say what is wrong with it, if anything."""
        ...

    def find_plain(self, source: Source, start: int) -> int | None:
        """Return the offset of the next record in an unpacked file, from `start` on."""
        ...


class WarcFormat:
    """WARC 0.17 to 1.1."""

    def begins(self, data: bytes) -> bool:
        """Tell whether a version line stands there."""
        return warc_version(data.lstrip(b"\r\n" + _BOM)) is not None

    def read_head(self, frame: Frame) -> tuple[Head, int]:
        """Read the version line and the fields."""
        raw = frame.read_until(b"\r\n\r\n", HEAD_LIMIT + 1)
        while len(raw) <= _SPACE_LIMIT and raw and not raw.strip(b"\r\n"):
            more = frame.read_until(b"\r\n\r\n", HEAD_LIMIT + 1)
            if not more:
                break
            raw += more
        begin = raw
        if not raw.startswith(b"WARC/"):
            begin = raw.lstrip(b"\r\n")
            if len(raw) - len(begin) > _SPACE_LIMIT:
                begin = b""
        if warc_version(begin.removeprefix(_BOM)) is None:
            raise HeadError(f"begins with {raw[:40]!r}, not with WARC/", FaultKind.GARBAGE)
        end = _EMPTY_LINE.search(begin)
        if end is None:
            if len(raw) > HEAD_LIMIT:
                raise HeadError(f"its head has more than {HEAD_LIMIT} bytes", FaultKind.OVER_LIMIT)
            raise HeadError("the head of the record does not end")
        whole = begin
        if end.end() != len(begin):  # its lines end otherwise than they must
            frame.push_back(len(begin) - end.end())
            whole = begin[: end.end()]
        over = over_limit(whole)
        if over is not None:
            raise HeadError(over, FaultKind.OVER_LIMIT)
        head = parse_head(whole)
        if len(begin) != len(raw):
            head = head._replace(odd="empty lines stand before it")
        length = head.by_name.get("content-length", "").strip()
        if not (length.isascii() and length.isdecimal() and len(length) < _LONGEST_NUMBER):
            raise HeadError(f"Content-Length is {length[:40]!r}", FaultKind.BAD_LENGTH)
        return head, int(length)

    def read_ending(self, frame: Frame) -> str | None:
        """Read the two line ends after a block."""
        ends = bytes(frame.read(4))
        if ends == b"\r\n\r\n":  # more of them are found before the next head
            return None
        frame.push_back(len(ends))
        ends = _line_ends(frame)
        return None if ends in _WHOLE else f"the record ends with {ends!r} instead of two line ends"

    def find_plain(self, source: Source, start: int) -> int | None:
        """Return the offset of the next WARC/ at the start of a line."""
        return find(source, start, b"WARC/", at_line_start)


class ArcFormat:
    """ARC as the Internet Archive wrote it from 1996 on, version 1 or 2 of its record lines."""

    def begins(self, data: bytes) -> bool:
        """Tell whether an address stands there, as it does at the start of a record."""
        return re.match(rb"[\r\n]*[A-Za-z][A-Za-z0-9+.-]*:\S", data) is not None

    def read_head(self, frame: Frame) -> tuple[Head, int]:
        """Read the record's line, made into the fields a WARC record would have."""
        raw = frame.read_until(b"\n", LINE_LIMIT)
        while raw in {b"\r\n", b"\n"}:
            raw = frame.read_until(b"\n", LINE_LIMIT)
        match = _ARC_LINE.fullmatch(raw) or _ARC_LINE_LENIENT.fullmatch(raw)
        if match is None:
            frame.push_back(len(raw))
            kind = FaultKind.OVER_LIMIT if len(raw) == LINE_LIMIT else FaultKind.GARBAGE
            raise HeadError(f"begins with {raw[:60]!r}, which is no line of an ARC record", kind)
        url = match["url"].decode("utf-8", "replace")
        length = int(match["length"])
        filedesc = url.startswith("filedesc:")
        date = match["date"].decode("latin-1")
        fields = [
            ("WARC-Type", "warcinfo" if filedesc else "response"),
            ("WARC-Target-URI", url),
            ("WARC-Date", _instant(date)),
            ("WARC-IP-Address", match["ip"].decode()),
            ("Content-Type", match["type"].decode("latin-1")),
            ("Content-Length", str(length)),
        ]
        begin = frame.read_until(b"/", min(5, length))
        frame.push_back(len(begin))
        if begin == b"HTTP/":
            fields[4] = ("Content-Type", "application/http; msgtype=response")
        odd = "" if _ARC_DATE.fullmatch(match["date"]) else f"its date is {match['date']!r}"
        return make_head(raw.decode("utf-8", "replace").strip(), tuple(fields), odd), length

    def read_ending(self, frame: Frame) -> str | None:
        """Read the line end after a block; the last record of a file may lack it."""
        ends = _line_ends(frame)
        return None if len(ends) <= 4 else f"the record ends with {len(ends)} line ends"

    def begins_surely(self, data: bytes) -> bool:
        """Tell whether a whole record line stands there, even one that describes no file."""
        return _ARC_LINE.match(data) is not None

    def find_plain(self, source: Source, start: int) -> int | None:
        """Return the offset of the next line that is one of an ARC record."""
        base = start
        while window := bytes(source.at(base, _SEARCHED)):
            match = _ARC_LINE.search(window)
            while match is not None and not at_line_start(source, base + match.start()):
                match = _ARC_LINE.search(window, match.start() + 1)
            if match is not None:
                return base + match.start()
            if len(window) < _SEARCHED:
                return None
            base += len(window) - LINE_LIMIT  # a line may lie across two windows
        return None


def _line_ends(frame: Frame) -> bytes:
    """Read CR and LF bytes up to the first that is neither, or as many as are tolerated."""
    ends = b""
    while len(ends) < _SPACE_LIMIT:
        more = bytes(frame.read(_SPACE_LIMIT - len(ends)))
        rest = more.lstrip(b"\r\n")
        ends += more[: len(more) - len(rest)]
        frame.push_back(len(rest))
        if rest or not more:
            break
    return ends


def _instant(digits: str) -> str:
    """Write an ARC's 14 digits as WARC does; shorter ones as far as they go."""
    if not digits.isdecimal():
        return ""
    padded = digits.ljust(14, "0")
    return (
        f"{padded[:4]}-{padded[4:6]}-{padded[6:8]}T{padded[8:10]}:{padded[10:12]}:{padded[12:14]}Z"
    )


def any_begins(data: bytes) -> bool:
    """Tell whether bytes begin a record of any of the formats."""
    return WarcFormat().begins(data) or ArcFormat().begins(data)

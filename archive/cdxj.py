"""CDXJ: one line a record, sorted: key, 17-digit time, JSON.

The key is SURT-like and folds case: it sorts and narrows, the JSON's `url` identifies. Times
have milliseconds, so that captures of one second stay apart; `date` is the record's own.
Method and request body always stand there, and the digest of the body as sent, since the
readable form may be shortened. docs/cdxj.md describes every key.

Source of the readable form: "Request Body Canonicalization", webrecorder specifications, so
that other replay tools find the same answers.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import json
import re
import tempfile
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote_plus, urlencode

from archive.content import decode_http_body
from archive.digest import Digest
from archive.errors import ArchiveError
from archive.headers import end_of_head, parse_head
from archive.reader import read_block, read_payload, walk
from archive.record import Record, RecordRef
from archive.urlkey import surt

INDEXED: Final = frozenset({"response", "revisit", "resource", "metadata"})
BODY_LIMIT: Final = 4096  # characters of a request body's readable form
_RUN: Final = 32_000_000  # characters of lines sorted in memory at a time
_WAITING: Final = 20_000  # responses held back until their request comes by
_DIGEST_LIMIT: Final = 64_000_000  # bytes of a payload digested because its writer did not
_TIME: Final = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)[T ]?(\d\d):?(\d\d):?(\d\d)(?:[.,](\d{1,9}))?")
_REQUEST_LIMIT: Final = 16_000_000  # bytes of a request's body read
_UNFIT: Final = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an index, read."""

    timestamp: str
    """17 digits, UTC."""
    url: str
    mime: str
    status: int | None
    digest: str
    offset: int
    length: int
    filename: str
    method: str
    request_body: str
    request_sha256: str
    """Hex, of the request's body as sent; empty where it had none."""
    type: str
    record_id: str
    date: str
    refers_to: str
    refers_to_url: str
    refers_to_date: str

    @property
    def ref(self) -> RecordRef:
        """Where the record stands in its file."""
        return RecordRef(self.offset, self.length)


def index_warc(path: Path, filename: str, work: Path | None = None) -> Iterator[str]:
    """Yield the sorted lines of one WARC, each with its line end.

    Memory stays constant: runs of lines are sorted, spilled into `work` and merged.

    :param filename: how the lines name the file
    """
    yield from sorted_lines(_lines(path, filename), work)


def sorted_lines(lines: Iterable[str], work: Path | None = None) -> Iterator[str]:
    """Sort lines by code points, which for UTF-8 is by bytes, in bounded memory."""
    run: list[str] = []
    size = 0
    with ExitStack() as stack:
        spilled: list[Iterator[str]] = []
        for line in lines:
            run.append(line)
            size += len(line)
            if size > _RUN:
                file = stack.enter_context(
                    tempfile.TemporaryFile("w+", encoding="utf-8", dir=work, newline="\n")
                )
                file.writelines(sorted(run))
                file.seek(0)
                spilled.append(file)
                run, size = [], 0
        run.sort()
        yield from heapq.merge(*spilled, run) if spilled else run


def parse_line(line: str) -> Entry | None:
    """Read one line; None for a header line, or one that is none of ours."""
    try:
        _key, timestamp, text = line.split(" ", 2)
        said: dict[str, Any] = json.loads(text)
        status = str(said.get("status", ""))
        return Entry(
            timestamp=timestamp,
            url=said["url"],
            mime=said.get("mime", ""),
            status=int(status) if status.isdigit() else None,
            digest=said.get("digest", ""),
            offset=int(said["offset"]),
            length=int(said["length"]),
            filename=said.get("filename", ""),
            method=said.get("method", "GET"),
            request_body=said.get("requestBody", ""),
            request_sha256=said.get("requestSha256", ""),
            type=said.get("type", "response"),
            record_id=said.get("recordId", ""),
            date=said.get("date", ""),
            refers_to=said.get("refersTo", ""),
            refers_to_url=said.get("refersToUrl", ""),
            refers_to_date=said.get("refersToDate", ""),
        )
    except (ValueError, KeyError, TypeError):
        return None


def timestamp17(date: str) -> str:
    """Write a WARC-Date as 17 digits; zeros where it cannot be read.

    >>> timestamp17("2026-11-25T20:00:00.123456Z")
    '20261125200000123'
    """
    match = _TIME.match(date)
    if match is None:
        return "0" * 17
    return "".join(match.groups("")[:6]) + (match[7] or "").ljust(3, "0")[:3]


def key_of(url: str, method: str = "GET", body: str = "") -> str:
    """Return the key that a request to `url` sorts under.

    >>> key_of("https://www.Example.org/B?v=AbC")
    'org,example)/b?v=abc'
    """
    if method != "GET":
        joined = f"__wb_method={method}" + (f"&{body}" if body else "")
        url = f"{url}{'&' if '?' in url else '?'}{joined}"
    try:
        key = surt(url)
    except ValueError:
        key = url
    return _UNFIT.sub(lambda match: quote(match[0]), key)


def readable_body(content_type: str, body: bytes) -> str:
    """Write a request's body as a query string, at most `BODY_LIMIT` characters of it."""
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return ""
    if kind == "application/x-www-form-urlencoded":
        try:
            return unquote_plus(body.decode("utf-8"))[:BODY_LIMIT]
        except UnicodeDecodeError:
            return _as_base64(body)
    if kind in {"application/json", "text/plain"} or kind.endswith("+json"):
        pairs = _json_pairs(body)
        if pairs is not None:
            return urlencode(pairs)[:BODY_LIMIT]
    return _as_base64(body)


def _as_base64(body: bytes) -> str:
    return ("__wb_post_data=" + base64.b64encode(body).decode("ascii"))[:BODY_LIMIT]


def _json_pairs(body: bytes) -> list[tuple[str, str]] | None:
    """Flatten JSON to pairs of the innermost names; a name met again gets `.2_`, `.3_`, …"""
    try:
        documents = [json.loads(body)]
    except (ValueError, RecursionError):
        try:
            documents = [json.loads(line) for line in body.split(b"\n") if line.strip()]
        except (ValueError, RecursionError):
            return None
    pairs: list[tuple[str, str]] = []
    met: dict[str, int] = {}
    stack: list[tuple[str, Any]] = [("", one) for one in reversed(documents)]
    while stack:
        name, value = stack.pop()
        if isinstance(value, dict):
            stack.extend((str(key), one) for key, one in reversed(value.items()))
        elif isinstance(value, list):
            stack.extend((name, one) for one in reversed(value))
        elif name:
            met[name] = met.get(name, 0) + 1
            shown = name if met[name] == 1 else f"{name}.{met[name]}_"
            pairs.append((shown, str(value)))
    return pairs


@dataclass(frozen=True, slots=True)
class _Asked:
    method: str
    body: str
    sha256: str


_GET: Final = _Asked("GET", "", "")


def _lines(path: Path, filename: str) -> Iterator[str]:
    """Yield the lines in no order, each response joined with its request.

    The two stand beside each other in nearly every file; those that wait for a request that
    never comes are let go in turn, so that memory stays bounded.
    """
    pairs = _Pairs(path)
    last = -1
    for one in walk(path):
        if not isinstance(one, Record) or one.ref.offset == last:
            continue  # of several records in one packed member only the first can be opened
        last = one.ref.offset
        if one.type == "request":
            held = pairs.answer_of(one)
            if held is not None:
                yield _line(held, _asked(one, path), filename, path)
        elif one.type in {"response", "revisit"}:
            for answer, asked in pairs.request_of(one):
                yield _line(answer, asked, filename, path)
        elif one.type in INDEXED and one.content_type != "application/warc-fields":
            yield _line(one, _GET, filename, path)
    for left in pairs.rest():
        yield _line(left, _GET, filename, path)


class _Pairs:
    """Brings requests and answers together by WARC-Concurrent-To, whichever names the other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answers: OrderedDict[str, Record] = OrderedDict()  # by record id
        self._named: dict[str, str] = {}  # request id -> id of the answer that named it
        self._requests: OrderedDict[str, tuple[str, _Asked]] = OrderedDict()  # by either's id

    def answer_of(self, request: Record) -> Record | None:
        """Return the answer that waited for this request; else keep the request."""
        mine = request.record_id or ""
        mate = _mate(request)
        found = mate if mate in self._answers else self._named.pop(mine, "")
        held = self._answers.get(found)
        if held is not None and _target(held) == _target(request):
            return self._answers.pop(found)
        kept = (_target(request), _asked(request, self._path))
        for name in filter(None, (mine, mate)):
            self._requests[name] = kept
        while len(self._requests) > _WAITING:
            self._requests.popitem(last=False)
        return None

    def request_of(self, answer: Record) -> Iterator[tuple[Record, _Asked]]:
        """Yield the answer with its request if that came by; let go of one that waits too long."""
        mine = answer.record_id or f"at {answer.ref.offset}"
        mate = _mate(answer)
        for name in (mate, mine):
            target, asked = self._requests.get(name, ("", _GET))
            if name in self._requests and target == _target(answer):
                del self._requests[name]
                yield answer, asked
                return
        if mine in self._answers:  # two records of one id: each keeps its own line
            yield self._answers.pop(mine), _GET
        self._answers[mine] = answer
        if mate:
            self._named[mate] = mine
        if len(self._answers) > _WAITING:
            _id, oldest = self._answers.popitem(last=False)
            self._named.pop(_mate(oldest), None)
            yield oldest, _GET

    def rest(self) -> Iterator[Record]:
        """Yield the answers whose request never came."""
        yield from self._answers.values()


def _target(one: Record) -> str:
    return one.target or ""


def _mate(one: Record) -> str:
    return one.header("WARC-Concurrent-To") or ""


def _asked(one: Record, path: Path) -> _Asked:
    method = one.http_head[:16].split(b" ", 1)[0].decode("ascii", "replace").upper() or "GET"
    if method == "GET":
        return _GET
    try:
        _head, block = read_block(path, one.ref, limit=_REQUEST_LIMIT)
    except ArchiveError:
        return _Asked(method, "", "")
    end = end_of_head(block)
    if end < 0 or end == len(block):
        return _Asked(method, "", "")
    head = parse_head(block[:end])
    try:
        body = decode_http_body(head.fields, block[end:], limit=_REQUEST_LIMIT)
    except ArchiveError:
        body = block[end:]
    kind = head.get("Content-Type") or ""
    return _Asked(method, readable_body(kind, body), hashlib.sha256(body).hexdigest())


def _line(one: Record, asked: _Asked, filename: str, path: Path) -> str:
    field = {name.lower(): value for name, value in reversed(one.headers)}.get
    url = _target(one)
    date = one.date or ""
    mime, status = _answer(one)
    said: dict[str, str] = {
        "url": url,
        "mime": mime,
        "status": status,
        "digest": field("warc-payload-digest") or _digest(one, path),
        "length": str(one.ref.length),
        "offset": str(one.ref.offset),
        "filename": filename,
        "method": asked.method,
        "requestBody": asked.body,
        "type": one.type,
        "recordId": one.record_id or "",
        "date": date,
    }
    if asked.sha256:
        said["requestSha256"] = asked.sha256
    if one.type == "revisit":
        said["refersTo"] = field("warc-refers-to", "")
        said["refersToUrl"] = field("warc-refers-to-target-uri", "").strip("<>")
        said["refersToDate"] = field("warc-refers-to-date", "")
    key = key_of(url, asked.method, asked.body)
    return f"{key} {timestamp17(date)} {json.dumps(said, ensure_ascii=False)}\n"


def _answer(one: Record) -> tuple[str, str]:
    """Return the type and the status of what a record answers."""
    if one.type in {"resource", "metadata"}:
        return _bare_type(one.content_type or ""), "200" if one.type == "resource" else ""
    shown = "" if one.http_status is None else str(one.http_status)
    if one.type == "revisit":
        return "warc/revisit", shown
    if one.http_status is None:  # a response that is not HTTP, as of dns: or ftp:
        return _bare_type(one.content_type or ""), "200"
    return _bare_type(one.http_header("Content-Type") or "") or "unk", shown


def _bare_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _digest(one: Record, path: Path) -> str:
    """Return a record's payload digest where its writer gave none; "" where it cannot be read."""
    if one.type in {"revisit", "metadata"} or one.block_length > _DIGEST_LIMIT:
        return ""
    if one.type == "resource" and (claimed := one.header("WARC-Block-Digest")):
        return claimed  # the payload of such a record is its block
    try:
        payload = read_payload(path, RecordRef(*one.ref), limit=_DIGEST_LIMIT)
    except ArchiveError:
        return ""
    return str(Digest.of_bytes(payload.body))

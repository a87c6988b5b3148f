"""HAR (HTTP Archive 1.2): what a browser's developer tools saved, written as WARC records.

A HAR holds bodies as the browser decoded them, heads as lists of fields, and often no body at
all; each of these is said. Entries are taken singly: a bad one is told and left out.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

import webencodings

from archive.capture.exchange import Exchange
from archive.capture.outcome import Outcome
from archive.clock import parse_instant
from archive.errors import NotAnArchiveError
from archive.importing.derive import Derived, Original
from archive.importing.found import Basis, Findings, FoundPage, PageKind, written
from archive.importing.reading import Content, is_html, outcome_of, partial, with_words
from archive.verdict import VerdictWord

LARGEST: Final = 400_000_000  # bytes; a HAR is read whole
_MOST_ENTRIES: Final = 200_000
_TRANSFORMATION: Final = (
    "bodies as the browser decoded them, text bodies encoded anew; heads written as HTTP/1.1 "
    "from the fields listed; content and transfer codings renamed X-Archive-Orig-*"
)
_CODINGS: Final = frozenset({"content-encoding", "transfer-encoding"})
_NO_BODY: Final = frozenset({204, 205, 304})
_FORM: Final = "application/x-www-form-urlencoded"


class _EntryError(Exception):
    """One entry cannot be taken."""


@dataclass(frozen=True, slots=True)
class _Body:
    """A response's body: None where the HAR lacks it; `recoded` where text was encoded anew."""

    data: bytes | None
    recoded: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry as it is written, and what is needed to tell whether it is a page."""

    exchange: Exchange
    has_body: bool
    raw: Mapping[str, Any]
    status: int
    content_type: str
    page: str
    document: bool


def read_har(findings: Findings, original: Original) -> None:
    """Write the exchanges of a HAR into a derived WARC, and find its pages.

    :raises NotAnArchiveError: it is no HAR, or too large to be read whole
    """
    log = _load(original)
    creator = log.get("creator")
    if isinstance(creator, dict):
        findings.writer(f"{creator.get('name', '')} {creator.get('version', '')}")
    entries = log.get("entries")
    if not isinstance(entries, list):
        raise NotAnArchiveError("the HAR has no list of entries")
    if len(entries) > _MOST_ENTRIES:
        raise NotAnArchiveError(f"the HAR has more than {_MOST_ENTRIES} entries")
    with Derived(findings, original, "har", _TRANSFORMATION) as derived:
        taken: list[tuple[_Entry, str]] = []
        lacking = 0
        for number, raw in enumerate(entries):
            try:
                entry = _entry(raw)
                record = derived.exchange(entry.exchange)
                taken.append((replace(entry, exchange=_emptied(entry.exchange)), record))
                lacking += not entry.has_body and entry.status not in _NO_BODY
                _frames(derived, entry, record)
            except _EntryError as error:
                findings.fault(f"entry {number}", "not taken", str(error))
        if not taken:
            raise NotAnArchiveError("the HAR has no entry with an answer")
        target = taken[0][0].exchange.url
        derived.finish(target=target, lacks={"bodies": lacking, "entries": len(entries)})
        _say(findings, len(entries), len(taken), lacking)
        _pages(findings, log, derived, taken)
    findings.verdict(VerdictWord.INTACT_WITHOUT_DIGESTS)


def _load(original: Original) -> dict[str, Any]:
    if original.path.stat().st_size > LARGEST:
        raise NotAnArchiveError(f"the HAR has more than {LARGEST // 1_000_000} MB")
    try:
        document = json.loads(original.path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise NotAnArchiveError(f"the HAR is no JSON that can be read: {error}") from error
    log = document.get("log") if isinstance(document, dict) else None
    if not isinstance(log, dict):
        raise NotAnArchiveError("this is JSON, but no HAR: it has no “log”")
    return log


def _say(findings: Findings, entries: int, taken: int, lacking: int) -> None:
    findings.remark(
        "A HAR is the browser's own account: addresses, times and heads are claimed by the file. "
        "Bodies are as the browser decoded them, not as they crossed the wire."
    )
    if lacking:
        findings.remark(
            f"{lacking} of {taken} answers have no body in the HAR: it was saved without content. "
            "Save it with “content” (in Chromium: “Export HAR (with sensitive data)”) to have them."
        )
    if taken < entries:
        findings.remark(f"{entries - taken} of {entries} entries have no answer or cannot be read.")


def _entry(raw: object) -> _Entry:
    """Read one entry.

    :raises _EntryError: it has no address, time or answer
    """
    entry = _table(raw, "the entry")
    request = _table(entry.get("request"), "its request")
    response = _table(entry.get("response"), "its response")
    url = str(request.get("url") or "")
    if urlsplit_scheme(url) not in {"http", "https"}:
        raise _EntryError(f"{url[:200]!r} is no http or https address")
    status = response.get("status")
    if not isinstance(status, int) or not 100 <= status <= 999:
        error = response.get("_error") or "no answer was recorded"
        raise _EntryError(f"{url[:200]}: {error}")
    body = _body(_table(response.get("content") or {}, "its content"), response)
    data = body.data or b""
    content_type, headers = _response_head(response, len(data), body)
    exchange = Exchange(
        url=url.partition("#")[0],
        started_at=_moment(entry.get("startedDateTime")),
        method=str(request.get("method") or "GET").upper()[:40],
        request_target=_target(url),
        request_headers=_fields(request.get("headers")),
        request_body=_post(request.get("postData")),
        status_line=f"{status} {response.get('statusText') or ''}".strip(),
        response_headers=headers,
        body=io.BytesIO(data),
        length=len(data),
        ip=_text(entry.get("serverIPAddress")),
        protocol=_protocol(response.get("httpVersion")),
        truncated="unspecified" if body.data is None and status not in _NO_BODY else None,
        resource_type=_text(entry.get("_resourceType")),
    )
    document = entry.get("_resourceType") == "document"
    page = str(entry.get("pageref") or "")
    return _Entry(exchange, body.data is not None, entry, status, content_type, page, document)


def _body(content: Mapping[str, Any], response: Mapping[str, Any]) -> _Body:
    text = content.get("text")
    if not isinstance(text, str):
        empty = content.get("size") in {0, None} and response.get("bodySize") in {0, -1, None}
        return _Body(b"" if empty and content.get("size") == 0 else None)
    if content.get("encoding") == "base64":
        try:
            return _Body(base64.b64decode("".join(text.split()), validate=True))
        except (binascii.Error, ValueError) as error:
            raise _EntryError(f"its body is no base64: {error}") from error
    return _recoded(text, str(content.get("mimeType") or ""))


def _recoded(text: str, mime: str) -> _Body:
    """Encode a text body as it says it was; as UTF-8, and saying so, where that cannot be."""
    label = mime.partition("charset=")[2].strip("\"' ;")
    encoding = webencodings.lookup(label) if label else None
    if encoding is not None and encoding.name != "utf-8":
        try:
            return _Body(encoding.codec_info.encode(text, "strict")[0])
        except UnicodeError:
            pass
    return _Body(text.encode("utf-8", "replace"), recoded="utf-8")


def _response_head(
    response: Mapping[str, Any], length: int, body: _Body
) -> tuple[str, list[tuple[str, str]]]:
    headers: list[tuple[str, str]] = []
    content_type = ""
    for name, value in _fields(response.get("headers")):
        lower = name.lower()
        if lower in _CODINGS or lower == "content-length":
            headers.append((f"X-Archive-Orig-{name}", value))
        elif lower == "content-type":
            content_type = _typed(value, body)
            if content_type != value:
                headers.append(("X-Archive-Orig-Content-Type", value))
            headers.append((name, content_type))
        else:
            headers.append((name, value))
    headers.append(("Content-Length", str(length)))
    mime = _table(response.get("content") or {}, "its content").get("mimeType")
    # Some exports leave the heads out and keep the type; the record has only what is listed.
    return content_type or (mime if isinstance(mime, str) else ""), headers


def _typed(value: str, body: _Body) -> str:
    """Return the type with the charset the bytes now have."""
    if not body.recoded or not value.lower().startswith("text/"):
        return value
    return f"{value.partition(';')[0].strip()}; charset={body.recoded}"


def _fields(raw: object) -> list[tuple[str, str]]:
    """Return header fields; HTTP/2 pseudo-fields (RFC 9113, 8.3) are no fields of HTTP/1.1."""
    found: list[tuple[str, str]] = []
    for one in raw if isinstance(raw, list) else []:
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            name, value = one["name"], str(one.get("value") or "")
            if name and not name.startswith(":"):
                found += [(name, part) for part in value.split("\n")]
    return found


def _post(raw: object) -> bytes:
    if not isinstance(raw, dict):
        return b""
    text = raw.get("text")
    if isinstance(text, str) and text:
        if raw.get("encoding") == "base64":
            try:
                return base64.b64decode(text)
            except (binascii.Error, ValueError):
                return text.encode("utf-8", "replace")
        return text.encode("utf-8", "replace")
    params = raw.get("params")
    pairs = [
        (str(one.get("name") or ""), str(one.get("value") or ""))
        for one in (params if isinstance(params, list) else [])
        if isinstance(one, dict)
    ]
    return urlencode(pairs).encode() if pairs else b""


def _emptied(exchange: Exchange) -> Exchange:
    """Return the exchange without its body, which is in the WARC now."""
    return replace(exchange, body=io.BytesIO(), length=0)


def _frames(derived: Derived, entry: _Entry, record: str) -> None:
    """Keep the frames of a WebSocket (Chromium's `_webSocketMessages`) as JSON."""
    frames = entry.raw.get("_webSocketMessages")
    if isinstance(frames, list) and frames:
        derived.resource(
            f"urn:websocket:{entry.exchange.url}",
            "application/json",
            json.dumps(frames, ensure_ascii=False).encode(),
            at=entry.exchange.started_at,
            concurrent_to=record,
        )


def _pages(
    findings: Findings,
    log: Mapping[str, Any],
    derived: Derived,
    taken: Sequence[tuple[_Entry, str]],
) -> None:
    """Hand on the documents: those the HAR names as pages are proposed, the others are listed."""
    titles = {
        str(page.get("id")): str(page.get("title") or "")
        for page in (log.get("pages") if isinstance(log.get("pages"), list) else None) or []
        if isinstance(page, dict)
    }
    main: set[str] = set()
    redirects: dict[str, list[str]] = {}
    for entry, record in taken:
        url = entry.exchange.url
        if 300 <= entry.status < 400:
            target = next(
                (v for k, v in entry.exchange.response_headers if k.lower() == "location"), ""
            )
            redirects.setdefault(_joined(url, target), []).append(url)
            continue
        if not is_html(entry.content_type):
            continue
        first = entry.page not in main if entry.page in titles else entry.document or not titles
        main.add(entry.page)
        title = titles.get(entry.page, "") if first else ""
        page = _page(entry, record, derived, title=title, proposed=first)
        page = replace(page, redirected_from=tuple(redirects.get(url, ())))
        body = _body(entry.raw["response"].get("content") or {}, entry.raw["response"]).data
        if body is None:
            findings.page(partial(page, "the HAR holds no body of this page"))
            continue
        findings.page(with_words(page, Content(body, entry.content_type)))
    for name in (name for name in titles if name not in main):
        told = f"it is named as a page ({titles[name][:200]!r}), and no HTML of it is there"
        findings.fault(f"page {name[:100]}", "not found", told)


def _joined(base: str, location: str) -> str:
    """Return where a redirect leads, without fragment, as entries have their address."""
    try:
        return urljoin(base, location.strip()).partition("#")[0]
    except ValueError:
        return location


def _page(entry: _Entry, record: str, derived: Derived, *, title: str, proposed: bool) -> FoundPage:
    ref = derived.placed[record]
    outcome, reason = outcome_of(entry.status)
    good = outcome is Outcome.COMPLETE
    return FoundPage(
        warc=0,
        kind=PageKind.PAGE,
        address=entry.exchange.url,
        address_basis=Basis.CLAIMED,
        address_from="HAR entry",
        captured_at=written(entry.exchange.started_at),
        time_basis=Basis.CLAIMED,
        outcome=outcome,
        reason=reason,
        status=entry.status,
        offset=ref.offset,
        length=ref.length,
        record_id=record,
        payload_digest=None,
        title=title if not title.startswith(("http://", "https://")) else "",
        proposed=proposed and good,
    )


def _moment(raw: object) -> datetime:
    try:
        return parse_instant(str(raw))
    except ValueError as error:
        raise _EntryError(f"its time {raw!r} is no time with a zone") from error


def _table(raw: object, what: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise _EntryError(f"{what} is missing")
    return raw


def _text(raw: object) -> str | None:
    return raw.strip("[]")[:200] if isinstance(raw, str) and raw else None


def _protocol(raw: object) -> str | None:
    """Return the protocol as WARC-Protocol spells it."""
    said = str(raw or "").lower()
    return {"http/2.0": "h2", "http/2": "h2", "h2": "h2", "h3": "h3", "http/3": "h3"}.get(said)


def urlsplit_scheme(url: str) -> str:
    """Return the scheme of an address, "" where it cannot be read."""
    try:
        return urlsplit(url).scheme.lower()
    except ValueError:
        return ""


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

"""From what the browser told to what is written: exchanges, and lines of the loss ledger."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

from archive.capture.browser.bodies import NO_BODY, REDIRECTS
from archive.capture.browser.sockets import Socket
from archive.capture.browser.traffic import Hop, Source, broke_off
from archive.capture.exchange import Exchange
from archive.capture.network import Guard, GuardOutcome

_DECODED: Final = frozenset({"content-encoding", "transfer-encoding"})
_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}
Pairs = list[tuple[str, str]]


@dataclass(slots=True)
class Recorded:
    """One request as it went, and its exchange where there was one."""

    url: str
    method: str
    resource_type: str
    at: datetime
    source: Source
    initiator: str = ""
    status: int | None = None
    size: int | None = None
    error: str | None = None
    """What is missing, and why; None where nothing is."""
    hindered: str | None = None
    """Why the page could not use what came."""
    exchange: Exchange | None = None
    request_id: str = ""
    of_page: bool = False
    """Whether it was the document of the tab itself, not of a frame."""
    counts: bool = True
    """Whether a loss makes the capture partial; not where the page itself let go."""
    tls: dict[str, Any] | None = None


def record_hop(hop: Hop, guard: Guard) -> Recorded:
    """Turn a joined request into what is written of it."""
    recorded = Recorded(
        hop.url, hop.method, hop.kind, hop.at, hop.source, hop.initiator, hop.status,
        error=hop.error or None, hindered=hop.hindered or None,
        tls=(hop.response or {}).get("securityDetails"), request_id=hop.request_id,
        of_page=hop.of_page, counts=not hop.given_up,
    )  # fmt: skip
    if hop.source is not Source.NETWORK:
        if "SOCKS" in hop.error:
            recorded.error = _said_by_guard(hop.url, guard) or recorded.error
        return recorded
    body, size, truncated = _body(hop)
    if truncated is not None and hop.held is not None and hop.held.body is not None:
        recorded.error = recorded.error or hop.held.body.why or None
    if hop.posted_unknown and recorded.error is None:
        recorded.error = "the browser did not tell the body of the request"
    recorded.size = size
    recorded.exchange = _exchange(hop, guard, body, size, truncated)
    if recorded.exchange.truncated == "disconnect" and recorded.error is None:
        recorded.error = "the body is shorter than its Content-Length"
    return recorded


def record_socket(socket: Socket, guard: Guard) -> Recorded:
    """The handshake of a WebSocket as an exchange."""
    recorded = Recorded(
        socket.url, "GET", "websocket", socket.at, Source.NOWHERE, socket.initiator,
        error=socket.error or None,
    )  # fmt: skip
    if socket.answered is None:
        recorded.error = recorded.error or "the handshake was not answered"
        return recorded
    answered = socket.answered
    status_line, headers = _told(answered.get("headersText"), answered.get("headers", {}))
    recorded.source, recorded.status = Source.NETWORK, int(answered["status"])
    _line, asked = _told(
        answered.get("requestHeadersText"),
        answered.get("requestHeaders") or (socket.asked or {}).get("headers", {}),
    )
    # The handshake is an HTTP request (RFC 6455 4.1); readers parse heads of http addresses only.
    recorded.exchange = Exchange(
        url="http" + socket.url.removeprefix("ws"),
        started_at=socket.at,
        method="GET",
        request_target=_target(socket.url),
        request_headers=asked,
        request_body=b"",
        status_line=status_line or f"{answered['status']} {answered.get('statusText', '')}",
        response_headers=headers,
        body=io.BytesIO(),
        length=0,
        ip=_address(socket.url, guard),
        protocol=None,
        truncated=None,
        resource_type="websocket",
    )
    return recorded


def _body(hop: Hop) -> tuple[BinaryIO, int, str | None]:
    """The body to write, its size, and how it is cut."""
    held = hop.held.body if hop.held is not None else None
    bodyless = hop.status in NO_BODY or hop.method == "HEAD"
    if bodyless or (held is None and hop.status in REDIRECTS):
        return io.BytesIO(), 0, None
    if held is None:
        ours = "still coming" in hop.error or "capture ended" in hop.error
        return io.BytesIO(), 0, "time" if ours else "disconnect"
    held.file.seek(0)
    return held.file, held.size, held.truncated or ("disconnect" if broke_off(hop) else None)


def _exchange(hop: Hop, guard: Guard, body: BinaryIO, size: int, truncated: str | None) -> Exchange:
    status_line, headers = _response_head(hop)
    text_head = bool((hop.wire or {}).get("headersText"))
    asked = _request_head(hop)
    return Exchange(
        url=hop.url.partition("#")[0],
        started_at=hop.at,
        method=hop.method,
        request_target=_target(hop.url),
        request_headers=asked,
        request_body=hop.posted,
        status_line=status_line,
        response_headers=_as_decoded(headers, size, hop),
        body=body,
        length=size,
        ip=_address(hop.url, guard),
        protocol="h2" if hop.wire is not None and not text_head else None,
        truncated=truncated or _short(headers, size, hop),
        resource_type=hop.kind,
    )


def _request_head(hop: Hop) -> Pairs:
    sent = (hop.sent_head or {}).get("headers") or hop.request.get("headers", {})
    asked = [(str(name), str(value)) for name, value in sent.items() if not name.startswith(":")]
    # Some indexers put every POST without a length on one key.
    if hop.posted and not any(name.lower() == "content-length" for name, _value in asked):
        asked.append(("Content-Length", str(len(hop.posted))))
    return asked


def _response_head(hop: Hop) -> tuple[str, Pairs]:
    """Status and headers: as they stood on the wire where the browser tells, else as it held."""
    if hop.wire is not None:
        status_line, headers = _told(hop.wire.get("headersText"), hop.wire["headers"])
        return status_line or f"{hop.status} {_phrase(hop)}".strip(), headers
    paused = hop.held.paused if hop.held is not None else {}
    held = [(str(one["name"]), str(one["value"])) for one in paused.get("responseHeaders", ())]
    return f"{hop.status} {_phrase(hop)}".strip(), held


def _phrase(hop: Hop) -> str:
    paused = hop.held.paused if hop.held is not None else {}
    return str((hop.response or {}).get("statusText") or paused.get("responseStatusText") or "")


def _told(text: str | None, headers: dict[str, str]) -> tuple[str, Pairs]:
    """A head as text, or as the browser's table (values of one name split by line feeds)."""
    if text:
        first, *lines = str(text).split("\r\n")
        pairs = [line.partition(":") for line in lines if ":" in line]
        return first.partition(" ")[2], [(name, value.lstrip(" ")) for name, _c, value in pairs]
    return "", [
        (name, value)
        for name, values in headers.items()
        if not name.startswith(":")
        for value in str(values).split("\n")
    ]


def _as_decoded(headers: Pairs, size: int, hop: Hop) -> Pairs:
    """Rename what described the coded body; the payload is as the browser decoded it."""
    made: Pairs = []
    bodyless = hop.status in NO_BODY or hop.method == "HEAD"
    for name, value in headers:
        low = name.lower()
        wrong_length = low == "content-length" and value.strip() != str(size)
        renamed = low in _DECODED or wrong_length
        made.append((f"X-Archive-Orig-{name}" if renamed else name, value))
    if not bodyless and not any(name.lower() == "content-length" for name, _value in made):
        made.append(("Content-Length", str(size)))
    return made


def _short(headers: Pairs, size: int, hop: Hop) -> str | None:
    """A streamed body that broke off says so only by its length."""
    if hop.status in NO_BODY | REDIRECTS or hop.method == "HEAD":
        return None
    values = {name.lower(): value.strip() for name, value in headers}
    length = values.get("content-length", "")
    plain = not _DECODED & values.keys()
    return "disconnect" if plain and length.isdigit() and int(length) > size else None


def _said_by_guard(url: str, guard: Guard) -> str | None:
    """The guard's own words on a host, where the browser only knows that its proxy said no."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    said = [one for one in guard.log if (one.host, one.port) == (host, port)]
    unmet = [one for one in said if one.outcome is not GuardOutcome.CONNECTED]
    return f"{unmet[-1].outcome.value}: {unmet[-1].detail}".rstrip(": ") if unmet else None


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _address(url: str, guard: Guard) -> str | None:
    parts = urlsplit(url)
    return guard.address_of(parts.hostname or "", parts.port or _PORTS[parts.scheme])

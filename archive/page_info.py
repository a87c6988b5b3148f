"""Reading the loss ledger of a capture: every request a page made, recorded or not.

The format is documented in docs/loss-ledger.md; fields unknown here are passed over, absent
ones are empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from archive.errors import DamagedRecordError

_CODE: Final = re.compile(r"(?:net::)?(ERR_[A-Z0-9_]+)")
_WORDS: Final[Mapping[str, str]] = {
    "ERR_ABORTED": "the page or the browser gave it up",
    "ERR_BLOCKED_BY_CLIENT": "the browser was told not to ask for it",
    "ERR_BLOCKED_BY_CSP": "the page's own policy forbids it",
    "ERR_BLOCKED_BY_ORB": "the browser keeps this kind of answer from the page",
    "ERR_BLOCKED_BY_RESPONSE": "the server does not let this page use it",
    "ERR_CERT_AUTHORITY_INVALID": "the server's certificate is of no known authority",
    "ERR_CERT_COMMON_NAME_INVALID": "the server's certificate is for another name",
    "ERR_CERT_DATE_INVALID": "the server's certificate is out of date",
    "ERR_CONNECTION_CLOSED": "the server closed the connection",
    "ERR_CONNECTION_REFUSED": "the server does not take connections",
    "ERR_CONNECTION_RESET": "the connection broke off",
    "ERR_CONNECTION_TIMED_OUT": "no connection came about in time",
    "ERR_CONTENT_DECODING_FAILED": "the answer could not be decoded",
    "ERR_CONTENT_LENGTH_MISMATCH": "the answer broke off before its end",
    "ERR_EMPTY_RESPONSE": "the server answered nothing",
    "ERR_FAILED": "it failed, and the browser does not say why",
    "ERR_HTTP2_PROTOCOL_ERROR": "the server broke the rules of HTTP/2",
    "ERR_INCOMPLETE_CHUNKED_ENCODING": "the answer broke off before its end",
    "ERR_INVALID_REDIRECT": "it leads to an address that cannot be asked for",
    "ERR_INVALID_RESPONSE": "the answer is no HTTP",
    "ERR_NAME_NOT_RESOLVED": "the name of the server is not known",
    "ERR_SOCKS_CONNECTION_FAILED": "the network guard did not let it through, or nobody answered",
    "ERR_SSL_PROTOCOL_ERROR": "no secure connection came about",
    "ERR_TIMED_OUT": "no answer came in time",
    "ERR_TOO_MANY_REDIRECTS": "it leads in circles",
    "ERR_TUNNEL_CONNECTION_FAILED": "the proxy did not let it through",
    "ERR_UNKNOWN_URL_SCHEME": "only http and https are asked for",
    "ERR_UNSAFE_PORT": "browsers do not use this port",
}
_BEGINNINGS: Final = (
    ("refused-address", "the network guard refuses the address"),
    ("refused-host", "the network guard refuses the host"),
    ("refused", "the network guard refuses it"),
    ("unreachable", "nobody answered at the address"),
    ("unresolved", "the name of the server is not known"),
    ("aborted", "the page or the browser gave it up"),
)
_CUT: Final[Mapping[str, str]] = {
    "disconnect": "the answer broke off; what came is kept",
    "time": "it was still coming when the capture ended; what came is kept",
    "length": "it was longer than the limit; what came until then is kept",
    "unspecified": "the browser does not give the body of this answer",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a page."""

    url: str
    method: str
    kind: str
    at: str
    status: int | None
    size: int | None
    record: str | None
    error: str
    hindered: str
    truncated: str
    source: str
    initiator: str

    @property
    def is_missing(self) -> bool:
        """Whether no answer to it is recorded."""
        return self.record is None

    @property
    def is_whole(self) -> bool:
        """Whether its answer is recorded from beginning to end."""
        return self.record is not None and not self.truncated and not self.error

    @property
    def why(self) -> str:
        """Return in words what is missing and why; empty where nothing is."""
        parts = [explain(self.error)] if self.error else []
        if self.truncated:
            parts.append(_CUT.get(self.truncated, f"cut ({self.truncated})"))
        if self.hindered:
            parts.append(f"recorded, but the page could not use it: {explain(self.hindered)}")
        if not parts and self.record is None:
            parts.append("no answer came, and no reason is known")
        if self.source == "cache" and self.record is not None:
            parts.append("answered from what the page had fetched before")
        if self.source == "service-worker":
            parts.append("answered by the page's own worker")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class PageInfo:
    """The loss ledger of one capture."""

    page: str
    requests: tuple[Asked, ...]
    unseen: tuple[str, ...]
    """What may have been asked for and nobody told us."""


def read_page_info(data: bytes) -> PageInfo:
    """Read a loss ledger.

    :raises DamagedRecordError: it is no loss ledger
    """
    try:
        document = json.loads(data)
        return PageInfo(
            page=str(document["page"]),
            requests=tuple(_asked(one) for one in document["requests"]),
            unseen=tuple(str(one) for one in document.get("unseen") or ()),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedRecordError(f"the list of requests cannot be read: {error!r}") from error


def explain(error: str) -> str:
    """Say an error of an engine in words, with the engine's own in brackets.

    >>> explain("net::ERR_NAME_NOT_RESOLVED")
    'the name of the server is not known (ERR_NAME_NOT_RESOLVED)'
    """
    code = _CODE.search(error)
    if code is not None and code[1] in _WORDS:
        return f"{_WORDS[code[1]]} ({error.removeprefix('net::')})"
    for beginning, words in _BEGINNINGS:
        if error.casefold().startswith(beginning):
            return f"{words} ({error})"
    return error


def _asked(line: Mapping[str, Any]) -> Asked:
    return Asked(
        url=str(line["url"]),
        method=str(line.get("method") or "GET"),
        kind=str(line.get("type") or ""),
        at=str(line.get("at") or ""),
        status=_number(line.get("status")),
        size=_number(line.get("bytes")),
        record=str(line["record"]) if line.get("record") else None,
        error=str(line.get("error") or ""),
        hindered=str(line.get("hindered") or ""),
        truncated=str(line.get("truncated") or ""),
        source=str(line.get("source") or ""),
        initiator=str(line.get("initiator") or ""),
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None

"""What the browser told of each request, joined: Network's heads with Fetch's responses.

One request id stands for a whole chain of redirects, and its events come from several processes
in no fixed order. So everything is collected first and joined at the end. Seen with Chromium 156:
a cached answer has a response and no extra info; a revalidated one has extra info with 304; a
request of a worker begins in its page's session and ends in the worker's.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import zip_longest
from typing import Any, Final

from archive.capture.browser.bodies import Body

Event = dict[str, Any]
_WIRE: Final = (
    "CONNECTION", "CONTENT_DECODING", "CONTENT_LENGTH", "EMPTY_RESPONSE", "HTTP2", "INCOMPLETE",
    "INTERNET", "NETWORK", "PROXY", "QUIC", "SOCKS", "SSL", "TIMED_OUT", "TUNNEL",
)  # fmt: skip


class Source(StrEnum):
    """Where the page got a response from."""

    NETWORK = "network"
    CACHE = "cache"
    SERVICE_WORKER = "service-worker"
    NOWHERE = "nowhere"
    """No response came."""


@dataclass(slots=True)
class Held:
    """A response that Fetch held, and the body taken while it did."""

    paused: Event
    body: Body | None = None
    error: str = ""


@dataclass(slots=True)
class Chain:
    """All events of one request id."""

    sent: list[Event] = field(default_factory=list)
    sent_heads: list[Event] = field(default_factory=list)
    response_heads: list[Event] = field(default_factory=list)
    received: Event | None = None
    failed: Event | None = None
    from_memory: bool = False
    finished: bool = False
    held: list[Held] = field(default_factory=list)
    session: str | None = None


@dataclass(slots=True)
class Hop:
    """One request of a chain, with whatever is known of it."""

    url: str
    method: str
    kind: str
    """As the browser calls it, in lower case: document, image, fetch…"""
    at: datetime
    initiator: str = ""
    request: Event = field(default_factory=dict)
    sent_head: Event | None = None
    response: Event | None = None
    wire: Event | None = None
    """Extra info: what really came over the wire."""
    held: Held | None = None
    source: Source = Source.NOWHERE
    error: str = ""
    """Why it did not come, or not whole; empty where nothing was lost."""
    hindered: str = ""
    """Why the page could not use it, though it came."""
    redirected: bool = False
    request_id: str = ""
    frame: str = ""
    of_page: bool = False
    """Whether it is the document of the tab; `Traffic.hops` sets it."""
    given_up: bool = False
    """Whether the page, or the end of the capture, let go of it: nothing failed."""

    @property
    def status(self) -> int | None:
        """HTTP status as on the wire, where a response came."""
        if self.wire is not None:
            return int(self.wire["statusCode"])
        if self.response is not None:
            return int(self.response["status"])
        code = self.held.paused.get("responseStatusCode") if self.held is not None else None
        return int(code) if code else None

    @property
    def posted(self) -> bytes:
        """The body of the request as far as the browser tells it."""
        entries = self.request.get("postDataEntries", ())
        return b"".join(base64.b64decode(entry.get("bytes", "")) for entry in entries)

    @property
    def posted_unknown(self) -> bool:
        """Whether the request had a body, and the browser does not tell it."""
        return bool(self.request.get("hasPostData")) and not self.posted


class Traffic:
    """Collects events; `hops` joins them."""

    def __init__(self) -> None:
        self._chains: dict[str, Chain] = defaultdict(Chain)
        self._refused: set[str] = set()
        self._cut_short: set[str] = set()

    def sent(self, event: Event, session: str | None) -> None:
        """Network.requestWillBeSent."""
        chain = self._chains[event["requestId"]]
        chain.sent.append(event)
        chain.session = session

    def sent_head(self, event: Event) -> None:
        """Network.requestWillBeSentExtraInfo."""
        self._chains[event["requestId"]].sent_heads.append(event)

    def response_head(self, event: Event) -> None:
        """Network.responseReceivedExtraInfo."""
        self._chains[event["requestId"]].response_heads.append(event)

    def received(self, event: Event, session: str | None) -> None:
        """Network.responseReceived."""
        chain = self._chains[event["requestId"]]
        chain.received = event
        chain.session = session

    def failed(self, event: Event) -> None:
        """Network.loadingFailed."""
        self._chains[event["requestId"]].failed = event

    def finished(self, event: Event) -> None:
        """Network.loadingFinished."""
        self._chains[event["requestId"]].finished = True

    def from_memory(self, event: Event) -> None:
        """Network.requestServedFromCache."""
        self._chains[event["requestId"]].from_memory = True

    def held(self, held: Held) -> None:
        """Fetch.requestPaused, with its body."""
        key = str(held.paused.get("networkId") or held.paused["requestId"])
        self._chains[key].held.append(held)

    def session_of(self, request_id: str) -> str | None:
        """The session that last told of a request."""
        return self._chains[request_id].session

    def refused(self, paused: Event) -> None:
        """A request that did not leave, since the capture had ended."""
        self._refused.add(str(paused.get("networkId") or paused["requestId"]))

    def cut_short(self, request_ids: set[str]) -> None:
        """Requests still under way when the network was shut: it was us, nothing failed."""
        self._cut_short = request_ids

    def hops(self, main_frame: str) -> list[Hop]:
        """Everything that was asked for, in the order of asking.

        :param main_frame: id of the tab's own frame
        """
        found = [hop for chain in self._chains.values() for hop in join(chain)]
        for hop in found:
            hop.of_page = hop.kind == "document" and hop.frame == main_frame
            if hop.request_id in self._refused and hop.source is Source.NOWHERE:
                hop.error, hop.given_up = "not sent: the capture had ended", True
            elif hop.request_id in self._cut_short and hop.error:
                what = "an answer" if hop.source is Source.NOWHERE else "its body"
                hop.error = f"{what} had not come when the capture ended"
                hop.given_up = True
        return sorted(found, key=lambda hop: hop.at)


def join(chain: Chain) -> Iterator[Hop]:
    """The requests of one chain, each with its share of the events."""
    hops = [_begun(event) for event in chain.sent]
    for hop, following in zip(hops, chain.sent[1:], strict=False):
        hop.redirected = True
        hop.response = following.get("redirectResponse")
    for held in chain.held:
        _share_held(held, hops)
    if hops and chain.received is not None:
        hops[-1].response = chain.received["response"]
        hops[-1].kind = str(chain.received.get("type", hops[-1].kind)).lower()
    _share_heads(chain, hops)
    for hop in hops:
        _conclude(hop, chain, last=hop is hops[-1])
    yield from hops


def _begun(event: Event) -> Hop:
    request = event["request"]
    return Hop(
        request["url"],
        request["method"],
        str(event.get("type", "other")).lower(),
        datetime.fromtimestamp(event["wallTime"], UTC),
        initiator=str(event.get("initiator", {}).get("type", "")),
        request=request,
        request_id=str(event["requestId"]),
        frame=str(event.get("frameId", "")),
    )


def _share_heads(chain: Chain, hops: list[Hop]) -> None:
    """Extra info comes in the order of the hops, but not for answers out of a cache."""
    told = [event.get("redirectHasExtraInfo") for event in chain.sent[1:]]
    told.append(chain.received.get("hasExtraInfo") if chain.received is not None else None)
    sent, came = iter(chain.sent_heads), iter(chain.response_heads)
    for hop, expected in zip_longest(hops, told):
        if hop is not None and expected is not False:
            hop.sent_head = next(sent, None)
            hop.wire = next(came, None)


def _share_held(held: Held, hops: list[Hop]) -> None:
    request = held.paused["request"]
    for hop in hops:
        same = (hop.url, hop.method) == (request["url"], request["method"])
        # A first try that failed is held too, before the browser tries again by itself.
        open_yet = hop.held is None or bool(hop.held.paused.get("responseErrorReason"))
        if same and open_yet:
            hop.held = held
            return
    if held.paused.get("responseErrorReason") and hops:
        return  # the second word on a response that was let through: Network says the same
    at = held.body.at if held.body is not None else datetime.now(UTC)
    kind = str(held.paused.get("resourceType", "other")).lower()
    hops.append(Hop(request["url"], request["method"], kind, at, request=request, held=held))


def _conclude(hop: Hop, chain: Chain, *, last: bool) -> None:
    response, body = hop.response or {}, hop.held.body if hop.held is not None else None
    failed = chain.failed if last else None
    if hop.wire is None and response.get("fromServiceWorker"):
        hop.source = Source.SERVICE_WORKER
    elif hop.wire is None and (response.get("fromDiskCache") or (chain.from_memory and last)):
        hop.source = Source.CACHE
    elif hop.status is not None:
        hop.source = Source.NETWORK
    if hop.held is not None and hop.held.error:
        hop.error = hop.held.error
    if failed is not None:
        _note_failure(hop, failed, had=body is not None)
    elif hop.source is Source.NOWHERE and not hop.error:
        hop.given_up = True
        reason = hop.held.paused.get("responseErrorReason") if hop.held is not None else None
        hop.error = str(reason or "an answer had not come when the capture ended")
    elif hop.source is Source.NETWORK and body is None and not hop.redirected and not hop.error:
        hop.given_up = True
        hop.error = "its body had not come when the capture ended"


def _note_failure(hop: Hop, failed: Event, *, had: bool) -> None:
    said = str(failed.get("errorText") or "").removeprefix("net::")
    cors = (failed.get("corsErrorStatus") or {}).get("corsError")
    why = str(failed.get("blockedReason") or cors or said or "failed")
    on_the_wire = any(mark in said for mark in _WIRE)
    hop.given_up = bool(failed.get("canceled") or failed.get("blockedReason") or cors)
    if had and not on_the_wire:
        hop.hindered = why
    elif not hop.error:
        hop.error = f"{said or 'blocked'} ({why})" if why != said else said


def broke_off(hop: Hop) -> bool:
    """Whether a body came and then broke off."""
    return bool(hop.error) and any(mark in hop.error for mark in _WIRE)

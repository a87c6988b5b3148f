"""One address with its redirects, every hop kept, within the byte limits of the capture."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final
from urllib.parse import urljoin

from archive.capture.classify import Judgement, judge_fault
from archive.capture.http_message import Head
from archive.capture.http_wire import Fetched, Fetcher, FetchFailedError
from archive.capture.job import CaptureOptions
from archive.capture.outcome import Outcome
from archive.clock import utc_now
from archive.errors import AddressError, GuardRefusedError, StoreError
from archive.urlkey import Address

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Chain:
    """The responses to one address and its redirects, in order."""

    asked: Address
    resource_type: str
    started_at: datetime
    hops: tuple[Fetched, ...]
    failure: Judgement | None = None
    """Why the response after the last hop is missing; None where the last hop is final."""


class Budget:
    """Bytes left of a capture's total, handed out to fetches that run side by side."""

    def __init__(self, total: int) -> None:
        self._left = total
        self._lock = threading.Lock()

    def take(self, wanted: int) -> int:
        """Reserve at most `wanted` bytes."""
        with self._lock:
            granted = min(wanted, self._left)
            self._left -= granted
            return granted

    def give_back(self, unused: int) -> None:
        """Return what a reservation did not need."""
        with self._lock:
            self._left += unused


class Follower:
    """Fetches addresses with their redirects; used from several threads."""

    def __init__(self, fetcher: Fetcher, options: CaptureOptions, bodies: ExitStack) -> None:
        """`bodies` closes the temporary files that hold the bodies."""
        self._fetcher = fetcher
        self._options = options
        self._bodies = bodies
        self._budget = Budget(options.total_limit)

    def follow(self, address: Address, *, resource_type: str, redirect_limit: int) -> Chain:
        """Ask for `address` and follow redirects; what goes wrong is `Chain.failure`.

        :raises StoreError: the disk refused a body
        """
        started_at = utc_now()
        hops: list[Fetched] = []
        failure: Judgement | None = None
        following: Address | None = address
        while following is not None:
            try:
                hops.append(self._get(following, resource_type))
                following = next_hop(hops[-1].head, following)
            except (GuardRefusedError, AddressError) as error:
                failure, following = Judgement(Outcome.REFUSED, str(error)), None
            except FetchFailedError as error:
                failure, following = judge_fault(error.fault, str(error)), None
            if following is not None and len(hops) > redirect_limit:
                reason = f"redirects: more than {redirect_limit} of them"
                failure, following = Judgement(Outcome.FAILED, reason), None
        return Chain(address, resource_type, started_at, tuple(hops), failure)

    def _get(self, address: Address, resource_type: str) -> Fetched:
        granted = self._budget.take(self._options.body_limit)
        used = 0
        try:
            body = self._bodies.enter_context(_temporary())
            fetched = self._fetcher.get(address, body, limit=granted, resource_type=resource_type)
            used = fetched.copied.length
            return fetched
        finally:
            self._budget.give_back(granted - used)


def next_hop(head: Head, current: Address) -> Address | None:
    """Where a response sends on to, or None where it is final.

    :raises AddressError: to something that is no http or https address
    """
    location = head.first("location")
    if head.status not in REDIRECTS or not location:
        return None
    with contextlib.suppress(UnicodeDecodeError):
        # RFC 9110 wants ASCII; servers that send more send UTF-8.
        location = location.encode("latin-1").decode("utf-8")
    try:
        return Address.parse(urljoin(current.target, location))
    except ValueError as error:  # urljoin on "http://["
        raise AddressError(f"redirected to {location!r}, which is no address") from error


def _temporary() -> BinaryIO:
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise StoreError(f"no temporary file for a response body: {error}") from error

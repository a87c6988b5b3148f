"""Judging, looking up and connecting: the one place from which a capture reaches the network.

A name is looked up once in the life of a capture; every answer is judged; the connection goes
to the very address that was judged; and once a host and port answered at an address, they are
reached there and nowhere else. So a second DNS answer changes nothing, and the address in
every record of a host is the one in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from typing import Final

from archive.capture.addresses import normalise
from archive.capture.dns import DnsError
from archive.capture.egress import (
    EgressDownError,
    NamesBy,
    TargetUnreachableError,
    connect_directly,
)
from archive.capture.guard_log import GuardLog, GuardOutcome
from archive.capture.lookup import LOOKUP_SECONDS, begin_lookup
from archive.capture.names import numeric_address, why_not_named
from archive.capture.policy import (
    OTHER_SERVICES,
    TELEMETRY_HOSTS,
    GuardPolicy,
    is_telemetry,
    plain_host,
)
from archive.errors import ArchiveError, GuardRefusedError

CONNECT_SECONDS: Final = 15.0
LISTED_ONLY: Final = (
    "Only public addresses are captured; an operator can allow one address and port."
)


class NotConnectedError(ArchiveError):
    """No connection, for a reason of the network; `outcome` says which. Never a refusal."""

    def __init__(self, message: str, outcome: GuardOutcome, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class Dialled:
    """An open connection, as a non-blocking socket."""

    stream: socket.socket
    number: int
    """Of its entry in the log, for counting bytes."""
    address: str | None
    """The IP address, or None where a proxy looked the name up."""


@dataclass(slots=True)
class _Place:
    """A host and port: where it may be reached, in the order to try."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    targets: list[str] | None = None
    answered: str | None = None
    """The target that was connected to first, and for good."""
    failures: int = 0
    failure: ArchiveError | None = None


class Dialler:
    """Connects for one capture; everything on one event loop."""

    def __init__(
        self, policy: GuardPolicy, log: GuardLog, refused_hosts: frozenset[str] = TELEMETRY_HOSTS
    ) -> None:
        self._policy = policy
        self._log = log
        self._refused_hosts = refused_hosts
        self._answers: dict[str, asyncio.Task[list[str]]] = {}
        self._places: dict[tuple[str, int], _Place] = {}

    async def connect(self, host: str, port: int) -> Dialled:
        """Judge, resolve and connect; what happens stands in the log either way.

        :raises GuardRefusedError: the host, its port or every address of it is forbidden
        :raises NotConnectedError: it does not resolve or cannot be reached
        """
        host = plain_host(host)
        place = self._place(host, port)
        seen = place.failures
        async with place.turn:
            if place.failures != seen and place.failure is not None:
                raise place.failure  # it was tried while this one waited
            if place.answered is None:
                try:
                    return await self._first(host, port, place)
                except (GuardRefusedError, NotConnectedError) as error:
                    place.failures, place.failure = place.failures + 1, error
                    raise
        return await self._one(host, port, place.answered)

    async def judge(self, host: str, port: int) -> list[str]:
        """Where `host` may be reached: literal addresses, or its name for a proxy to look up.

        :raises GuardRefusedError: nowhere
        :raises NotConnectedError: it does not resolve
        """
        host = plain_host(host)
        place = self._place(host, port)
        if place.targets is None:
            place.targets = await self._targets(host, port)
        return place.targets

    def _place(self, host: str, port: int) -> _Place:
        return self._places.setdefault((host, port), _Place())

    async def _first(self, host: str, port: int, place: _Place) -> Dialled:
        targets = await self.judge(host, port)
        failure: NotConnectedError | None = None
        for target in targets:
            try:
                dialled = await self._one(host, port, target)
            except NotConnectedError as error:
                failure = error
            else:
                place.answered = target
                return dialled
        raise failure or NotConnectedError(f"{host} has no address", GuardOutcome.UNRESOLVED)

    async def _one(self, host: str, port: int, target: str) -> Dialled:
        address = _address_or_none(target)
        timed_out = False
        try:
            stream = await self._open(target, port)
        except EgressDownError as error:
            outcome, words = GuardOutcome.EGRESS_DOWN, f"{error}; nothing was sent another way"
        except TargetUnreachableError as error:
            outcome, words = GuardOutcome.UNREACHABLE, str(error)
        except TimeoutError:
            outcome, words = GuardOutcome.UNREACHABLE, f"no answer in {CONNECT_SECONDS:g} seconds"
            timed_out = True
        except OSError as error:
            outcome, words = GuardOutcome.UNREACHABLE, error.strerror or str(error)
        else:
            number = self._log.note(host, port, address, GuardOutcome.CONNECTED)
            return Dialled(stream, number, address)
        self._log.note(host, port, address, outcome, words)
        at = f" ({address})" if address is not None and address != host else ""
        raise NotConnectedError(f"{host}:{port}{at}: {words}", outcome, timed_out=timed_out)

    async def _open(self, target: str, port: int) -> socket.socket:
        if self._policy.egress is not None:
            return await self._policy.egress.connect(target, port)
        async with asyncio.timeout(CONNECT_SECONDS):
            return await connect_directly(target, port)

    async def _targets(self, host: str, port: int) -> list[str]:
        if is_telemetry(host, self._refused_hosts):
            words = "the browser asks for this on its own account, not for the page"
            raise self._refused(host, port, None, GuardOutcome.REFUSED_HOST, words)
        literal = numeric_address(host)
        if literal is not None:
            return self._permitted(host, port, [literal])
        self._check_port(host, port, None)
        egress = self._policy.egress
        if egress is not None and (inner := why_not_named(host)) is not None:
            raise self._refused(host, port, None, GuardOutcome.REFUSED_HOST, inner)
        if egress is not None and egress.names is NamesBy.PROXY:
            if not self._policy.public:
                words = "this capture may reach listed addresses only"
                raise self._refused(host, port, None, GuardOutcome.REFUSED_HOST, words)
            return [host]
        return self._permitted(host, port, await self._looked_up(host, port))

    def _permitted(self, host: str, port: int, answers: list[str]) -> list[str]:
        """The allowed ones of the answers; each forbidden one stands in the log."""
        good: list[str] = []
        refused: GuardRefusedError | None = None
        for answer in answers:
            why = self._policy.refusal(answer, port)
            if why is None:
                good.append(answer)
            else:
                refused = self._refused(host, port, answer, GuardOutcome.REFUSED_ADDRESS, why)
        if not good:
            raise refused or GuardRefusedError(f"{host} has no address")
        for address in good:
            if not self._policy.allows(address, port):
                self._check_port(host, port, address)
        return good

    def _check_port(self, host: str, port: int, address: str | None) -> None:
        """Refuse ports of other services, unless an address at it was allowed by name."""
        named = any(open_port == port for _, open_port in self._policy.allowed)
        if port in OTHER_SERVICES and (address is not None or not named):
            words = f"port {port} belongs to another service than the web"
            raise self._refused(host, port, address, GuardOutcome.REFUSED_PORT, words)

    def _refused(
        self, host: str, port: int, address: str | None, outcome: GuardOutcome, words: str
    ) -> GuardRefusedError:
        self._log.note(host, port, address, outcome, words)
        at = f" is at {address}, which" if address is not None else ""
        advice = LISTED_ONLY if outcome is GuardOutcome.REFUSED_ADDRESS else ""
        return GuardRefusedError(f"{host}:{port}{at} may not be reached: {words}. {advice}".strip())

    async def _looked_up(self, host: str, port: int) -> list[str]:
        """The first answer for `host`, kept: a later one could point somewhere else."""
        if host not in self._answers:
            self._answers[host] = asyncio.create_task(self._ask(host))
        try:
            # One that gives up must not take the answer from the others that wait for it.
            return await asyncio.shield(self._answers[host])
        except EgressDownError as error:
            outcome, words = GuardOutcome.EGRESS_DOWN, f"{error}; the name was not looked up"
        except DnsError as error:
            outcome, words = GuardOutcome.UNRESOLVED, str(error)
        except TimeoutError:
            outcome, words = GuardOutcome.UNRESOLVED, "no answer in time"
        except OSError as error:
            outcome, words = GuardOutcome.UNRESOLVED, error.strerror or str(error)
        self._log.note(host, port, None, outcome, words)
        raise NotConnectedError(f"{host}: {words}", outcome)

    async def _ask(self, host: str) -> list[str]:
        if self._policy.egress is not None:
            return [normalise(answer) for answer in await self._policy.egress.lookup(host)]
        async with asyncio.timeout(LOOKUP_SECONDS):
            return await asyncio.wrap_future(begin_lookup(host, 0))

    async def close(self) -> None:
        """Let look-ups that still wait go."""
        for task in self._answers.values():
            task.cancel()
        for task in self._answers.values():
            with contextlib.suppress(asyncio.CancelledError, ArchiveError, OSError):
                await task


def _address_or_none(target: str) -> str | None:
    try:
        return normalise(target)
    except ValueError:
        return None

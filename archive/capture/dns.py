"""DNS messages over TCP (RFC 1035, RFC 7766): names looked up through a project's proxy.

A local look-up would tell the local network, and whoever runs its resolver, what is being
captured. Asked through the proxy, the answer is still seen here, so it can be judged and
pinned like any other. Only what the guard needs: one question, A and AAAA answers.
"""

from __future__ import annotations

import secrets
import struct
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from archive.errors import ArchiveError

_HEADER: Final = struct.Struct("!6H")
_FIXED: Final = struct.Struct("!HHIH")  # type, class, time to live, length of the data
_RECURSION_DESIRED: Final = 0x0100
_RESPONSE: Final = 0x8000
_TRUNCATED: Final = 0x0200
_INTERNET: Final = 1
_POINTER: Final = 0xC0
ANSWER_LIMIT: Final = 64  # addresses of one name


class DnsType(IntEnum):
    """Types of record asked for (RFC 1035 3.2.2, RFC 3596)."""

    A = 1
    AAAA = 28


class DnsError(ArchiveError):
    """The name server answered with an error, or with something that is no answer."""


def question(name: str, kind: DnsType) -> tuple[int, bytes]:
    """Return the message's number and the message, with its length before it (RFC 7766 8).

    :raises DnsError: `name` cannot be asked for
    """
    number = secrets.randbelow(1 << 16)
    head = _HEADER.pack(number, _RECURSION_DESIRED, 1, 0, 0, 0)
    message = head + _encoded(name) + struct.pack("!HH", kind, _INTERNET)
    return number, struct.pack("!H", len(message)) + message


def addresses(number: int, kind: DnsType, message: bytes) -> list[str]:
    """Read an answer: the addresses in it, in order; empty where the name has none of the kind.

    :raises DnsError: the name does not exist, the server failed, or the message is malformed
    """
    try:
        got, flags, questions, answers, _, _ = _HEADER.unpack_from(message)
        if got != number or not flags & _RESPONSE or flags & _TRUNCATED:
            raise DnsError("the name server answered something else")
        if code := flags & 0x000F:
            words = {2: "the name server failed", 3: "there is no such name", 5: "refused"}
            raise DnsError(words.get(code, f"the name server's error {code}"))
        at = _HEADER.size
        for _ in range(questions):
            at = _after_name(message, at) + 4
        return _read_answers(message, at, min(answers, ANSWER_LIMIT), kind)
    except (struct.error, IndexError, ValueError) as error:
        raise DnsError("the name server's answer is malformed") from error


def _read_answers(message: bytes, at: int, count: int, kind: DnsType) -> list[str]:
    found: list[str] = []
    for _ in range(count):
        at = _after_name(message, at)
        got, family, _lifetime, length = _FIXED.unpack_from(message, at)
        data = message[at + _FIXED.size : at + _FIXED.size + length]
        at += _FIXED.size + length
        if family == _INTERNET and got == kind:
            found.append(str(IPv4Address(data) if kind is DnsType.A else IPv6Address(data)))
    return found


def _encoded(name: str) -> bytes:
    labels = name.rstrip(".").encode("ascii", "replace").split(b".")
    if any(not 1 <= len(label) <= 63 for label in labels) or len(name) > 253:
        raise DnsError(f"{name!r} is no host name")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\x00"


def _after_name(message: bytes, at: int) -> int:
    """Where a name ends (RFC 1035 4.1.4): a pointer ends it too."""
    while (size := message[at]) and size < _POINTER:
        at += 1 + size
    return at + (2 if size >= _POINTER else 1)

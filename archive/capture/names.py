"""Host names judged without asking anybody: what a proxy that looks names up may be told.

Where the project's proxy resolves, its answer is never seen here. So every spelling that is
an address in disguise becomes an address and is judged as one, and names that can only mean
something inside somebody's network are refused. What remains is a name of the public DNS that
the proxy might still resolve to an inner address: docs/decisions/ says who answers for that.
"""

from __future__ import annotations

import re
import socket
from ipaddress import ip_address
from typing import Final

from archive.capture.addresses import normalise, why_not_public

# RFC 6761, 6762, 7686 apart (.onion is for proxies such as Tor to reach), 8375, 9476, and the
# suffixes ICANN keeps out of the root because inner networks use them.
INNER_SUFFIXES: Final = frozenset(
    "localhost local localdomain internal intranet private corp home lan test example invalid "
    "home.arpa in-addr.arpa ip6.arpa alt".split()
)
# Public names that answer with a loopback address; a courtesy list, no protection by itself.
LOOPBACK_NAMES: Final = frozenset("localtest.me lvh.me vcap.me lacolhost.com local.gd".split())
_QUAD_INSIDE: Final = re.compile(
    r"(?<![0-9])(\d{1,3})[.-](\d{1,3})[.-](\d{1,3})[.-](\d{1,3})(?![0-9])"
)


def numeric_address(host: str) -> str | None:
    """The IP address that `host` spells, in any spelling the system takes, or None for a name.

    >>> numeric_address("0x7f.1"), numeric_address("2130706433"), numeric_address("example.org")
    ('127.0.0.1', '127.0.0.1', None)
    """
    plain = host.strip("[]")
    try:
        return normalise(plain)
    except ValueError:
        pass
    try:  # AI_NUMERICHOST: the parser of getaddrinfo, and never a question to anybody
        found = socket.getaddrinfo(plain, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError, ValueError):
        return None
    return normalise(str(found[0][4][0]))


def why_not_named(host: str) -> str | None:
    """The reason a proxy must not be asked to look `host` up, or None where it may."""
    labels = host.rstrip(".").lower().split(".")
    if len(labels) < 2:
        return "a name without a dot belongs to an inner network"
    for size in (1, 2):
        if ".".join(labels[-size:]) in INNER_SUFFIXES:
            return f"names under .{'.'.join(labels[-size:])} belong to an inner network"
    if any(".".join(labels[at:]) in LOOPBACK_NAMES for at in range(len(labels))):
        return "the name answers with a loopback address"
    for quad in _QUAD_INSIDE.findall(host):
        inner = ".".join(quad)
        try:
            reason = why_not_public(str(ip_address(inner)))
        except ValueError:
            continue
        if reason is not None:
            return f"the name carries {inner}: {reason}"
    return None

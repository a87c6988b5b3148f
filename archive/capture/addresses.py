"""Which network addresses may be reached while capturing: the public ones, and no other.

``ipaddress.is_global`` is not asked. Several Python releases call 64:ff9b::a9fe:a9fe and
2002:a9fe:a9fe::1 global although both carry 169.254.169.254, where clouds keep credentials.
So every IPv4 address embedded in an IPv6 one is taken out and judged by an explicit list
(IANA special-purpose registries, RFC 6890, as of 2026).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

DENIED_V4: Final = tuple(
    (IPv4Network(network), name)
    for network, name in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata (Azure)"),
        ("169.254.0.0/16", "link-local, cloud metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved or broadcast"),
    )
)

GLOBAL_UNICAST_V6: Final = IPv6Network("2000::/3")  # RFC 4291 section 2.4; all else is denied
DENIED_V6: Final = tuple(
    (IPv6Network(network), name)
    for network, name in (
        ("2001:2::/48", "benchmarking"),
        ("2001:10::/28", "ORCHID"),
        ("2001:20::/28", "ORCHIDv2"),
        ("2001:db8::/32", "documentation"),
        ("2620:4f:8000::/48", "AS112 sink"),
        ("3fff::/20", "documentation"),
    )
)

# Prefixes whose last 32 bits are an IPv4 address.
TAILS_V4: Final = tuple(
    IPv6Network(network)
    for network in (
        "::/96",  # v4-compatible, RFC 4291 2.5.5.1
        "::ffff:0:0/96",  # v4-mapped, RFC 4291 2.5.5.2
        "::ffff:0:0:0/96",  # v4-translated, RFC 2765
        "64:ff9b::/96",  # NAT64, RFC 6052
    )
)
SIX_TO_FOUR: Final = IPv6Network("2002::/16")  # RFC 3056: bits 16 to 47
TEREDO: Final = IPv6Network("2001::/32")  # RFC 4380: server in bits 32 to 63, client inverted
ISATAP_MARKS: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})  # RFC 5214 6.1: bits 64 to 95
LOW_32: Final = 0xFFFF_FFFF


def normalise(address: str) -> str:
    """The one spelling of a literal IP address, its zone (``%eth0``) removed.

    :raises ValueError: `address` is no literal IP address
    """
    return str(ip_address(address.partition("%")[0]))


def why_not_public(address: str) -> str | None:
    """The reason a literal IP address must not be reached, or None for a public one.

    >>> why_not_public("64:ff9b::a9fe:a9fe")
    '169.254.169.254 inside 64:ff9b::a9fe:a9fe: link-local, cloud metadata'
    >>> why_not_public("2606:4700::1111") is None
    True

    :raises ValueError: `address` is no literal IP address
    """
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv4Address):
        return _named(parsed)
    embedded = _embedded(parsed)
    for inner in embedded:
        if (reason := _named(inner)) is not None:
            return f"{inner} inside {parsed}: {reason}"
    return None if embedded and parsed not in GLOBAL_UNICAST_V6 else _named_v6(parsed)


def _named(address: IPv4Address) -> str | None:
    return next((name for network, name in DENIED_V4 if address in network), None)


def _named_v6(address: IPv6Address) -> str | None:
    if address not in GLOBAL_UNICAST_V6:
        return "not global unicast"
    return next((name for network, name in DENIED_V6 if address in network), None)


def _embedded(address: IPv6Address) -> list[IPv4Address]:
    """Every IPv4 address the transition mechanisms would reach through `address`."""
    number, found = int(address), []
    if any(address in network for network in TAILS_V4):
        found.append(number & LOW_32)
    if address in SIX_TO_FOUR:
        found.append(number >> 80 & LOW_32)
    if address in TEREDO:
        found.append(number >> 64 & LOW_32)
        found.append(~number & LOW_32)
    if number >> 32 & LOW_32 in ISATAP_MARKS:
        found.append(number & LOW_32)
    return [IPv4Address(value) for value in found]

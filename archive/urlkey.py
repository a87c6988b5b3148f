"""Addresses: the exact one, which identifies, and a SURT-like key, which only sorts.

A SURT key folds case, so that two different videos may share one: it must never identify
(archive.md §4).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from archive.errors import AddressError

SCHEMES: Final = {"http": 80, "https": 443}
LONGEST: Final = 8000  # characters; longer ones break in browsers and servers alike
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?")
_SAFE: Final = "!#$%&'()*+,/:;=?@[]~"  # RFC 3986, 2.2, and % as it stands
_WWW: Final = re.compile(r"www\d*\.")


@dataclass(frozen=True, slots=True)
class Address:
    """An address that can be captured.

    `exact` identifies: as typed, but for surrounding space and the case of scheme and host.
    `target` is what is fetched and stands in WARC-Target-URI: no fragment, percent-encoded
    ASCII, the host in its IDNA form.
    """

    exact: str
    target: str
    scheme: str
    host: str
    port: int
    fragment: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read what a person or a page wrote.

        :raises AddressError: it is no http or https address; the message names the fault
        """
        typed = text.strip()
        _refuse_ill_formed(typed)
        try:
            parts = urlsplit(typed)
            port = parts.port
        except ValueError as error:
            raise AddressError(f"{typed!r} is no address: {error}") from error
        scheme = parts.scheme.lower()
        if scheme not in SCHEMES:
            raise AddressError(
                f"{typed!r} does not begin with http:// or https://; only these are captured"
            )
        if "@" in parts.netloc:
            raise AddressError(
                f"{typed!r} carries a name or password; take it out, it would be kept for ever"
            )
        host = _ascii_host(parts.hostname or "", typed)
        shown = f"[{host}]" if ":" in host else host
        netloc = shown if port is None else f"{shown}:{port}"
        rest = typed[typed.index("//") + 2 + len(parts.netloc) :]
        before, _, fragment = rest.partition("#")
        slash = "" if before.startswith("/") else "/"
        exact_host = parts.netloc.lower()
        return cls(
            exact=f"{scheme}://{exact_host}{rest}",
            target=f"{scheme}://{netloc}{slash}{quote(before, safe=_SAFE)}",
            scheme=scheme,
            host=host,
            port=port or SCHEMES[scheme],
            fragment=fragment,
        )

    def __str__(self) -> str:
        return self.exact


def surt(url: str) -> str:
    """Return a key that sorts pages of one host and path together; for browsing only.

    >>> surt("https://www.Example.org:443/B?a=1")
    'org,example)/b?a=1'
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = _WWW.sub("", host, count=1) if _WWW.match(host) else host
    try:
        ipaddress.ip_address(host)
        labels = host
    except ValueError:
        labels = ",".join(reversed(host.split(".")))
    port = parts.port
    suffix = "" if port is None or SCHEMES.get(parts.scheme.lower()) == port else f":{port}"
    query = "&".join(sorted(parts.query.lower().split("&"))) if parts.query else ""
    return f"{labels}{suffix}){parts.path.lower() or '/'}" + (f"?{query}" if query else "")


def _refuse_ill_formed(typed: str) -> None:
    if not typed:
        raise AddressError("There is no address here.")
    if len(typed) > LONGEST:
        raise AddressError(f"The address has {len(typed)} characters; at most {LONGEST} are taken")
    if _CONTROL.search(typed):
        raise AddressError(f"{typed!r} has a space or control character inside; copy it anew")


def _ascii_host(host: str, typed: str) -> str:
    if not host:
        raise AddressError(f"{typed!r} names no host")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise AddressError(f"{typed!r}: {host!r} cannot be a host name: {error}") from error
    if len(ascii_host) > 253 or not _HOST.fullmatch(ascii_host):
        raise AddressError(f"{typed!r}: {host!r} cannot be a host name")
    return ascii_host

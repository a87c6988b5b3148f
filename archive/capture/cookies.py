"""Cookies: as people bring them (cookies.txt, JSON of browsers' tools), and as they are sent.

Only what RFC 6265 needs to decide whether a cookie goes with a request; nothing is guessed
from a browser's profile.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from archive.errors import CookieFormatError

FILE_LIMIT: Final = 10_000_000  # bytes of a file of cookies
COOKIE_LIMIT: Final = 5_000  # cookies of one session
_HTTP_ONLY: Final = "#HttpOnly_"  # how curl and browsers' tools mark them in cookies.txt
_SAME_SITE: Final = {"strict": "Strict", "lax": "Lax", "none": "None", "no_restriction": "None"}


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie. `expires` is in seconds since 1970, None for the life of the browser."""

    name: str
    value: str
    domain: str
    """Without a leading dot, small letters."""
    path: str = "/"
    host_only: bool = False
    secure: bool = False
    http_only: bool = False
    expires: int | None = None
    same_site: str | None = None
    """Strict, Lax, None, or None where nothing was said."""

    def is_expired(self, now: float) -> bool:
        """Whether it is no longer sent at `now`, in seconds since 1970."""
        return self.expires is not None and self.expires <= now

    def goes_with(self, url: str, now: float) -> bool:
        """Whether it is sent with a request for `url` (RFC 6265 5.4, step 1)."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        return (
            not self.is_expired(now)
            and (not self.secure or parts.scheme == "https")
            and _domain_matches(host, self)
            and _path_matches(parts.path or "/", self.path)
        )

    def as_json(self) -> dict[str, Any]:
        """The cookie as it stands in a session's file."""
        return {
            "name": self.name, "value": self.value, "domain": self.domain, "path": self.path,
            "hostOnly": self.host_only, "secure": self.secure, "httpOnly": self.http_only,
            "expires": self.expires, "sameSite": self.same_site,
        }  # fmt: skip

    def as_cdp(self) -> dict[str, Any]:
        """The cookie as CDP's Network.CookieParam."""
        told: dict[str, Any] = {
            "name": self.name, "value": self.value, "path": self.path,
            "secure": self.secure, "httpOnly": self.http_only,
        }  # fmt: skip
        shown = f"[{self.domain}]" if ":" in self.domain else self.domain
        if self.host_only:
            told["url"] = f"{'https' if self.secure else 'http'}://{shown}{self.path}"
        else:
            told["domain"] = f".{self.domain}"
        if self.expires is not None:
            told["expires"] = self.expires
        if self.same_site is not None:
            told["sameSite"] = self.same_site
        return told

    def as_netscape(self) -> str:
        """The cookie as a line of cookies.txt."""
        dot = "" if self.host_only else "."
        mark = _HTTP_ONLY if self.http_only else ""
        fields = (
            f"{mark}{dot}{self.domain}", "FALSE" if self.host_only else "TRUE", self.path,
            "TRUE" if self.secure else "FALSE", str(self.expires or 0), self.name, self.value,
        )  # fmt: skip
        return "\t".join(fields)


class CookieJar:
    """The cookies of one capture: those it began with, and those set on the way."""

    def __init__(self, cookies: Iterable[Cookie]) -> None:
        self._held = {(one.domain, one.path, one.name): one for one in cookies}

    def header(self, url: str) -> str | None:
        """The Cookie header for `url`, longer paths first (RFC 6265 5.4), None without any."""
        now = time.time()
        sent = [one for one in self._held.values() if one.goes_with(url, now)]
        sent.sort(key=lambda one: len(one.path), reverse=True)
        return "; ".join(f"{one.name}={one.value}" for one in sent) or None

    def take(self, url: str, lines: Iterable[str]) -> None:
        """Keep what a response from `url` set, by its Set-Cookie lines."""
        for line in lines:
            cookie = read_set_cookie(line, url)
            if cookie is not None:
                self._held[(cookie.domain, cookie.path, cookie.name)] = cookie


def read_cookies(data: bytes) -> tuple[Cookie, ...]:
    """Read a file of cookies, Netscape or JSON, whichever it is.

    :raises CookieFormatError: it is neither, or a line of it is wrong; the message says which
    """
    if len(data) > FILE_LIMIT:
        raise CookieFormatError(f"The file is larger than {FILE_LIMIT // 1_000_000} MB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CookieFormatError(f"The file is not UTF-8 text (byte {error.start}).") from error
    begins = text.lstrip()[:1]
    found = _read_json(text) if begins in {"[", "{"} else _read_netscape(text)
    if not found:
        raise CookieFormatError("There is no cookie in the file.")
    if len(found) > COOKIE_LIMIT:
        raise CookieFormatError(f"The file holds {len(found)} cookies; at most {COOKIE_LIMIT}.")
    return tuple(found)


def read_set_cookie(line: str, url: str) -> Cookie | None:
    """Read one Set-Cookie line (RFC 6265 5.2 and 5.3), None where it must be ignored."""
    first, *attributes = line.split(";")
    name, equals, value = first.partition("=")
    host = (urlsplit(url).hostname or "").lower()
    if not equals or not name.strip() or not host:
        return None
    said = {
        key.strip().lower(): text.strip()
        for key, _, text in (attribute.partition("=") for attribute in attributes)
    }
    domain = said.get("domain", "").lower().lstrip(".")
    whole = Cookie("", "", domain)
    if domain and (not _domain_matches(host, whole) or "." not in domain) and domain != host:
        return None
    path = said.get("path", "")
    return Cookie(
        name.strip(),
        value.strip(),
        domain or host,
        path if path.startswith("/") else _default_path(url),
        host_only=not domain,
        secure="secure" in said,
        http_only="httponly" in said,
        expires=_expiry(said),
        same_site=_SAME_SITE.get(said.get("samesite", "").lower()),
    )


def _expiry(said: Mapping[str, str]) -> int | None:
    try:
        if "max-age" in said:
            return int(time.time()) + int(said["max-age"])
        return int(parsedate_to_datetime(said["expires"]).timestamp())
    except (KeyError, ValueError, OverflowError):
        return None


def _read_netscape(text: str) -> list[Cookie]:
    found: list[Cookie] = []
    for number, raw in enumerate(text.splitlines(), 1):
        http_only = raw.startswith(_HTTP_ONLY)
        line = raw.removeprefix(_HTTP_ONLY)
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) == 6:  # an empty value, its tab lost to an editor
            fields.append("")
        if len(fields) != 7:
            raise CookieFormatError(
                f"Line {number} is no cookie: it has {len(fields)} fields between tabs, not 7. "
                "Export as cookies.txt (Netscape) or JSON."
            )
        domain, everywhere, path, secure, expires, name, value = fields
        found.append(
            _checked(
                f"Line {number}",
                {
                    "name": name, "value": value, "domain": domain, "path": path,
                    "hostOnly": everywhere.upper() != "TRUE", "secure": secure.upper() == "TRUE",
                    "httpOnly": http_only, "expires": expires if expires != "0" else None,
                },
            )
        )  # fmt: skip
    return found


def _read_json(text: str) -> list[Cookie]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CookieFormatError(f"The file is not JSON: {error}.") from error
    listed = document.get("cookies") if isinstance(document, dict) else document
    if not isinstance(listed, list):
        raise CookieFormatError('The JSON is no list of cookies and has none under "cookies".')
    return [_checked(f"Cookie {number}", one) for number, one in enumerate(listed, 1)]


def _checked(where: str, said: Any) -> Cookie:
    """Make a cookie of what a tool exported; tools differ in how they say when it expires."""
    if not isinstance(said, dict):
        raise CookieFormatError(f"{where} is no object with name, value and domain.")
    name, value, domain = (str(said.get(key) or "") for key in ("name", "value", "domain"))
    dotted = domain.startswith(".")
    domain = domain.strip().lstrip(".").lower()
    if not domain or not (name or value):
        raise CookieFormatError(f"{where} has no name or no domain.")
    if not f"{name}{value}{domain}".isprintable() or ";" in f"{name}{value}":
        raise CookieFormatError(f"{where} ({name[:40]!r}) has characters no cookie can have.")
    path = str(said.get("path") or "/")
    expires = said.get("expires", said.get("expirationDate"))
    try:
        ends = None if expires in {None, "", -1} else int(float(expires))
    except (TypeError, ValueError, OverflowError) as error:
        raise CookieFormatError(
            f"{where} ({name[:40]!r}) expires at no time: {expires!r}"
        ) from error
    return Cookie(
        name,
        value,
        domain,
        path if path.startswith("/") and path.isprintable() else "/",
        host_only=bool(said.get("hostOnly", not dotted)),
        secure=bool(said.get("secure")),
        http_only=bool(said.get("httpOnly")),
        expires=ends if ends is None or ends > 0 else None,
        same_site=_SAME_SITE.get(str(said.get("sameSite") or "").lower()),
    )


def _domain_matches(host: str, cookie: Cookie) -> bool:
    """RFC 6265 5.1.3; a suffix never matches an IP address."""
    if host == cookie.domain:
        return True
    if cookie.host_only or not host.endswith("." + cookie.domain):
        return False
    try:
        ip_address(host)
    except ValueError:
        return True
    return False


def _path_matches(path: str, wanted: str) -> bool:
    """RFC 6265 5.1.4."""
    return path == wanted or (
        path.startswith(wanted) and (wanted.endswith("/") or path[len(wanted)] == "/")
    )


def _default_path(url: str) -> str:
    path = urlsplit(url).path
    return path.rpartition("/")[0] or "/" if path.startswith("/") else "/"

"""Addresses that often show the same thing: of a phone, with tracking, with or without www.

A hint for a person and nothing more: what an address shows is known by looking.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

_HOSTS: Final = re.compile(r"^(?:(?:www\d?|m|mobile|amp|touch|wap)\.)+(?=[^.]+\.)")
_TRACKING: Final = re.compile(
    r"utm_\w+|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid?|mc_[ce]id|"
    r"ref_src|ref_url|_ga|_gl|spm|share_token|__twitter_impression|amp"
)
_ENDS: Final = re.compile(r"/(?:index\.(?:html?|php)|amp)?$")


def variant_key(address: str) -> str:
    """Return what addresses share that differ only in how one came to the page.

    >>> variant_key("http://m.example.org/a/?utm_source=x#top")
    'example.org/a'
    """
    try:
        parts = urlsplit(address.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return address
    if parts.scheme not in {"http", "https"} or not host:
        return address
    host = _HOSTS.sub("", host.lower())
    if port not in {None, 80, 443}:
        host += f":{port}"
    asked = [
        pair
        for pair in parse_qsl(parts.query, keep_blank_values=True)
        if not _TRACKING.fullmatch(pair[0].lower())
    ]
    query = "?" + urlencode(sorted(asked)) if asked else ""
    return host + _ENDS.sub("", parts.path) + query

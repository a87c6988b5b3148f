"""Each person's own mark, drawn beside archived pages: what a page could not have known.

An archived page may imitate the application to the last line. It was captured before, runs no
script, and cannot read the page around it; so signs that only this home can compute, for this
person, tell the real frame from a drawn one.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

_SIGNS: Final = (
    ("◆", "diamond"), ("●", "disc"), ("▲", "triangle"), ("★", "star"), ("■", "square"),
    ("♣", "clover"), ("♥", "heart"), ("♠", "spade"), ("✚", "cross"), ("☂", "umbrella"),
    ("☀", "sun"), ("☾", "moon"), ("⚓", "anchor"), ("✿", "flower"), ("♪", "note"), ("⌂", "house"),
)  # fmt: skip
_LENGTH: Final = 5


@dataclass(frozen=True, slots=True)
class Mark:
    """The signs, and their names for those who listen."""

    signs: str
    words: str


def mark_of(key: bytes, user_id: str) -> Mark:
    """Return a person's mark in a home.

    :param key: the home's secret
    """
    drawn = hmac.digest(key, f"mark:{user_id}".encode(), hashlib.sha256)[:_LENGTH]
    chosen = [_SIGNS[byte % len(_SIGNS)] for byte in drawn]
    return Mark(" ".join(sign for sign, _name in chosen), ", ".join(name for _sign, name in chosen))

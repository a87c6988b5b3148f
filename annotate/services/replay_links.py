"""Short-lived signed links by which a package is opened on the replay host.

The host knows no sign-in: whoever has a link may read that one package, for an hour. What a
link names is signed with the home's web key; it cannot be made or changed without it.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from itsdangerous import BadSignature, URLSafeTimedSerializer

from archive.durable import make_folder

LIFE: Final = 3600  # seconds a link holds
_SALT: Final = "replay link"
_KEPT: Final = 24 * 3600  # seconds a package lies in the cache after it was last made


@dataclass(frozen=True, slots=True)
class ReplayLink:
    """What a link opens: a package of the cache, and the page shown first."""

    package: str
    """The file's name in the cache."""
    url: str
    """Address of the page, as archived."""
    at: str
    """Its time, 14 digits."""


def sign(key: bytes, link: ReplayLink) -> str:
    """Return the words of a link."""
    return URLSafeTimedSerializer(key, salt=_SALT).dumps(asdict(link))


def read(key: bytes, words: str) -> ReplayLink | None:
    """Return what a link opens; None where it is forged, or older than an hour."""
    try:
        said = URLSafeTimedSerializer(key, salt=_SALT).loads(words, max_age=LIFE)
        return ReplayLink(**said)
    except (BadSignature, TypeError):
        return None


def folder_of(home: Path) -> Path:
    """Return where packages lie while they are looked at (derived; may be deleted)."""
    return home / "cache" / "replay"


def keep_package(home: Path, pieces: Iterable[bytes]) -> str:
    """Write a package into the cache, drop what is old there; return the file's name."""
    folder = folder_of(home)
    make_folder(folder)
    for one in folder.iterdir():
        if time.time() - one.stat().st_mtime > _KEPT:
            one.unlink(missing_ok=True)
    temporary = folder / f"{os.getpid()}-{time.monotonic_ns()}.new"
    digest = hashlib.sha256()
    try:
        with temporary.open("xb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
        name = f"{digest.hexdigest()}.wacz"
        temporary.replace(folder / name)
    finally:
        temporary.unlink(missing_ok=True)
    return name

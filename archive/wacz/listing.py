"""datapackage.json and datapackage-digest.json: what a WACZ says it holds (WACZ 1.1.1, 5.2)."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from archive.digest import Digest
from archive.errors import MalformedDigestError

LIST_NAME: Final = "datapackage.json"
DIGEST_NAME: Final = "datapackage-digest.json"
LIST_LIMIT: Final = 4 << 20  # bytes of JSON parsed
STRONG: Final = frozenset({"sha256", "sha384", "sha512"})


class ListingError(Exception):
    """The JSON is not what it must be; the message says how."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One file as the package lists it. `digest` is None where it cannot be read as one."""

    path: str
    claimed: str | None
    digest: Digest | None
    size: int | None


@dataclass(frozen=True, slots=True)
class Listing:
    """datapackage.json: its resources and its time, as text."""

    resources: tuple[Resource, ...]
    created: str | None


def read_json(raw: bytes) -> Any:
    """Parse JSON that has one meaning: UTF-8, and no name twice in an object.

    :raises ListingError: it has none, or several
    """
    try:
        return json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_once)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ListingError(f"it is no JSON: {error}") from error


def read_listing(raw: bytes) -> Listing:
    """Read datapackage.json, in the spelling of WACZ 1.1 or of 1.0.

    :raises ListingError: it is none, or lists one path twice
    """
    document = read_json(raw)
    listed = document.get("resources") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ListingError("it has no list of resources")
    resources = tuple(_resource(one) for one in listed)
    seen: set[str] = set()
    for one in resources:
        if one.path in seen:
            raise ListingError(f"it lists {one.path!r} twice")
        seen.add(one.path)
    created = document.get("created")
    return Listing(resources, created if isinstance(created, str) else None)


def _resource(entry: object) -> Resource:
    path = entry.get("path") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(path, str):
        raise ListingError("a resource has no path")
    stats = entry.get("stats")  # WACZ 1.0: digest and size one level down, algorithm apart
    holder = stats if isinstance(stats, dict) else entry
    claimed, size = holder.get("hash"), holder.get("bytes")
    if isinstance(claimed, str) and ":" not in claimed and isinstance(entry.get("hashing"), str):
        claimed = f"{entry['hashing']}:{claimed}"
    digest = None
    if isinstance(claimed, str):
        with suppress(MalformedDigestError):
            digest = Digest.parse(claimed)
    whole = isinstance(size, int) and not isinstance(size, bool)
    return Resource(
        path, claimed if isinstance(claimed, str) else None, digest, size if whole else None
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ListingError("an object in it has one name twice: readers would take either")
    return made

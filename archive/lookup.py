"""Finding records by exact address, method and body; never one that is merely like it.

Stands on sorted CDXJ files, one a WARC, which are derived and made again at will. Keys fold
case and narrow the search; what is returned has exactly the address asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from archive.cdxj import Entry, index_warc, key_of, parse_line
from archive.digest import Digest
from archive.durable import make_folder
from archive.errors import ArchiveError, MalformedDigestError
from archive.record import RecordRef
from archive.sorted_lines import SortedLines, open_lines

_VERSION: Final = "1"  # of the index format: another one is another file
_ANSWERS: Final = frozenset({"response", "resource", "revisit"})


class How(StrEnum):
    """How the record that answers an address was found."""

    ITSELF = "the record itself"
    BY_ID = "a revisit; the original was found by its record id"
    BY_ADDRESS_AND_DATE = "a revisit; the original was found by address and date"
    BY_DIGEST = "a revisit; the original was found by its payload digest"


class MissingOriginalError(ArchiveError):
    """A revisit record stands for an answer whose bytes are in no file at hand."""


@dataclass(frozen=True, slots=True)
class Located:
    """A record with a payload: its file, its place, its line in the index, how it was found."""

    path: Path
    entry: Entry
    how: How = How.ITSELF

    @property
    def ref(self) -> RecordRef:
        """Where the record stands in its file."""
        return self.entry.ref


class Originals(Protocol):
    """Names files, besides the one at hand, that may hold the original of a revisit."""

    def __call__(self, revisit: Entry) -> Iterable[WarcIndex]:
        """Return them, likeliest first."""
        ...


class WarcIndex:
    """The index of one WARC."""

    def __init__(self, warc: Path, index: Path) -> None:
        """Stand on a WARC and the CDXJ file made of it."""
        self.warc = warc
        self._index = index

    def find(
        self,
        url: str,
        *,
        method: str = "GET",
        body_sha256: str | None = None,
        near: str = "",
    ) -> Entry | None:
        """Return the answer to exactly this request; of several, the nearest in time.

        :param body_sha256: hex, of the request's body; None: whatever the body
        :param near: 17 digits; empty: the first
        """

        def fits(entry: Entry) -> bool:
            return (
                entry.type in _ANSWERS
                and entry.method == method
                and entry.url == url
                and (body_sha256 is None or entry.request_sha256 == body_sha256)
            )

        if method == "GET":  # lines of other methods never sort under the plain key
            with open_lines(self._index) as lines:
                return _nearest(lines, f"{key_of(url)} ", near, fits)
        found = [entry for entry in self.entries_of(url) if fits(entry)]
        if not found:
            return None
        return min(found, key=lambda entry: (_apart(entry.timestamp, near), _failed(entry)))

    def entries_of(self, url: str) -> Iterator[Entry]:
        """Yield every line of exactly this address, whatever method and body."""
        key = key_of(url)
        yield from (entry for entry in self._at(f"{key} ") if entry.url == url)
        # Other methods sort under the address with the body joined, its parts in order.
        stem = f"{key.partition('?')[0]}?"
        for entry in self._at(stem, holding=b"__wb_method="):
            if entry.url == url and entry.method != "GET":
                yield entry

    def lines(self) -> Iterator[str]:
        """Yield every line as it stands, with its line end."""
        with self._index.open(encoding="utf-8", newline="\n") as file:
            yield from file

    def all(self) -> Iterator[Entry]:
        """Yield every line, sorted by key."""
        yield from self._at("")

    def _at(self, prefix: str, holding: bytes = b"") -> Iterator[Entry]:
        """Yield the lines that begin so: found by bisection, read one by one."""
        wanted = prefix.encode()
        with open_lines(self._index) as lines:
            found = lines.onwards(lines.place_of(wanted), wanted)
            yield from _read(line for line in found if holding in line)


class IndexFolder:
    """The folder of CDXJ files, one a WARC, named by the WARC's SHA-256; made when asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, warc: Path, sha256: str) -> WarcIndex:
        """Return the index of a WARC, made now if it is not there.

        :param sha256: hex, of the WARC's bytes as they were when it was stored
        """
        target = self._folder / sha256[:2] / f"{sha256}.v{_VERSION}.cdxj"
        if not target.is_file():
            make_folder(target.parent)
            temporary = target.with_suffix(f".{os.getpid()}.{id(target)}.new")
            try:
                with temporary.open("w", encoding="utf-8", newline="\n") as out:
                    out.writelines(index_warc(warc, warc.name, target.parent))
                temporary.replace(target)  # derived: two makers write the same bytes
            finally:
                temporary.unlink(missing_ok=True)
        return WarcIndex(warc, target)


def no_others(revisit: Entry) -> Iterable[WarcIndex]:
    """Look for originals in no further file."""
    del revisit
    return ()


def resolve(index: WarcIndex, entry: Entry, others: Originals = no_others) -> Located:
    """Return the record whose payload an entry stands for, and how it was found.

    A revisit resolves by the record id it refers to, then by address and date together, then
    by a payload digest of the same algorithm; first in its own file, then in the others.

    :raises MissingOriginalError: none of the files has it; another date is never taken for it
    """
    if entry.type != "revisit":
        return Located(index.warc, entry)
    ways: tuple[tuple[How, Callable[[WarcIndex, Entry], Entry | None]], ...] = (
        (How.BY_ID, _by_id),
        (How.BY_ADDRESS_AND_DATE, _by_address_and_date),
        (How.BY_DIGEST, _by_digest),
    )
    for how, look in ways:
        found = look(index, entry)
        if found is not None:
            return Located(index.warc, found, how)
    places = list(others(entry))
    for how, look in ways:
        for place in places:
            found = look(place, entry)
            if found is not None:
                return Located(place.warc, found, how)
    named = entry.refers_to_url or entry.url
    when = f" of {entry.refers_to_date}" if entry.refers_to_date else ""
    raise MissingOriginalError(
        f"{entry.url} is a revisit record: its bytes are those of {named}{when}, which are in "
        "none of this project's files. Import the file that holds them."
    )


def _by_id(index: WarcIndex, revisit: Entry) -> Entry | None:
    if not revisit.refers_to:
        return None
    near = index.entries_of(revisit.refers_to_url or revisit.url)
    wanted = revisit.refers_to.strip("<>")
    found = next((one for one in near if _is_original(one, wanted)), None)
    if found is None and not revisit.refers_to_url:
        found = next((one for one in index.all() if _is_original(one, wanted)), None)
    return found


def _is_original(entry: Entry, record_id: str) -> bool:
    return entry.record_id.strip("<>") == record_id and entry.type in {"response", "resource"}


def _by_address_and_date(index: WarcIndex, revisit: Entry) -> Entry | None:
    if not (revisit.refers_to_url and revisit.refers_to_date):
        return None
    for one in index.entries_of(revisit.refers_to_url):
        if one.date == revisit.refers_to_date and one.type in {"response", "resource"}:
            # An answer whose digest is another is another answer, whatever the date says.
            if _digests_differ(one.digest, revisit.digest):
                continue
            return one
    return None


def _by_digest(index: WarcIndex, revisit: Entry) -> Entry | None:
    wanted = _digest(revisit.digest)
    if wanted is None:
        return None
    named = revisit.refers_to_url or revisit.url
    for entries in (index.entries_of(named), index.all()):
        for one in entries:
            if one.type in {"response", "resource"} and _digest(one.digest) == wanted:
                return one
    return None


def _digest(text: str) -> Digest | None:
    try:
        # CDX writers drop the algorithm; 32 letters of base32 are SHA-1 then.
        return Digest.parse(text if ":" in text else f"sha1:{text}")
    except MalformedDigestError:
        return None


def _digests_differ(one: str, other: str) -> bool:
    first, second = _digest(one), _digest(other)
    if first is None or second is None or first.algorithm != second.algorithm:
        return False
    return first != second


def _failed(entry: Entry) -> bool:
    """Tell whether an answer is an error: a good one of the same address is preferred."""
    return entry.status is not None and entry.status >= 400


def _nearest(
    lines: SortedLines, prefix: str, near: str, fits: Callable[[Entry], bool]
) -> Entry | None:
    """Return the fitting line of one key that is nearest in time; a good answer of several.

    Only lines near the time are read: an address may stand in an index a thousand times.
    """
    key = prefix.encode()

    def first_good(start: bytes) -> Entry | None:
        best: Entry | None = None
        for entry in _read(lines.onwards(lines.place_of(start), start)):
            if fits(entry):
                if not _failed(entry):
                    return entry
                best = best or entry
        return best

    def first_time(found: Iterator[bytes]) -> str:
        timed = (one.timestamp for one in _read(found) if fits(one) and _moment(one.timestamp))
        return next(timed, "")

    times: list[str] = []
    if _moment(near):
        middle = lines.place_of(key + near.encode())
        sides = (lines.backwards(middle, key), lines.onwards(middle, key))
        times = [time for time in map(first_time, sides) if time]
    if not times:  # none is asked for, or no line tells a time
        return first_good(key)
    least = min(_apart(time, near) for time in times)
    best = [first_good(key + time.encode()) for time in times if _apart(time, near) == least]
    return min((one for one in best if one is not None), key=_failed, default=None)


def _read(lines: Iterator[bytes]) -> Iterator[Entry]:
    for line in lines:
        entry = parse_line(line.decode("utf-8", "replace"))
        if entry is not None:
            yield entry


def _apart(timestamp: str, near: str) -> float:
    """Return how far two 17-digit times are apart, seconds; 0 where none is asked for."""
    if not near:
        return 0.0
    one, other = _moment(timestamp), _moment(near)
    return abs((one - other).total_seconds()) if one and other else float("inf")


def _moment(timestamp: str) -> datetime | None:
    digits = timestamp[:17].ljust(17, "0")
    if not (digits.isascii() and digits.isdecimal()):
        return None
    try:
        return datetime(
            int(digits[:4]), int(digits[4:6]), int(digits[6:8]), int(digits[8:10]),
            int(digits[10:12]), int(digits[12:14]), int(digits[14:17]) * 1000, UTC,
        )  # fmt: skip
    except ValueError:
        return None

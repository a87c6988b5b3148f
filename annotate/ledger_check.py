"""Checking a home's event ledgers against themselves, without the program that wrote them.

Each ledger numbers its events from 0 without a gap; an event's digest is the SHA-256 of its
document as stored, and its leaf says number, time and digest again (integrity.md §2). This
finds events that were taken out, put in or edited by somebody who did not make all of it anew;
it does not find a whole ledger written anew, for nobody outside holds a checkpoint of it.

Read by sqlite3 alone, read-only: the home may be of another version, or a copy on a disk that
cannot be written to.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import quote

DATABASE_NAME: Final = "holdfast.sqlite3"
_ROWS: Final = "SELECT ledger, n, kind, document, leaf, digest FROM event ORDER BY ledger, n"
_COUNTED: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'event'"
_NOTHING: Final = "SELECT max(id), count(*) FROM event"


class LedgerFaultKind(StrEnum):
    """What is wrong with an event, or with the row of them."""

    MISSING = "an event is missing"
    NUMBER = "an event stands under another number"
    DIGEST = "event digest differs"
    LEAF = "leaf does not fit its event"
    UNREADABLE = "ledger cannot be read"


@dataclass(frozen=True, slots=True)
class LedgerFault:
    """One fault; `n` is the event's number in its ledger, -1 where it is of none."""

    kind: LedgerFaultKind
    ledger: str
    n: int
    detail: str
    expected: str | None = None
    found: str | None = None


@dataclass(slots=True)
class Ledger:
    """What was found of one ledger; `name` is "instance" or a project's id."""

    name: str
    events: int = 0
    last: str = ""
    """Hex, the digest of the last event: noted elsewhere, it shows later that none was taken."""


@dataclass(slots=True)
class LedgerVerdict:
    """What was found of a home's ledgers."""

    path: Path
    ledgers: list[Ledger] = field(default_factory=list)
    faults: list[LedgerFault] = field(default_factory=list)

    @property
    def events(self) -> int:
        """How many events were read."""
        return sum(one.events for one in self.ledgers)


def is_home(folder: Path) -> bool:
    """Tell whether a folder has a home's database in it."""
    return (folder / DATABASE_NAME).is_file()


def check_ledgers(home: Path) -> LedgerVerdict:
    """Read every event of a home, and name whatever does not fit."""
    path = home / DATABASE_NAME
    verdict = LedgerVerdict(path)
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    if not path.with_name(f"{DATABASE_NAME}-wal").exists():
        address += "&immutable=1"  # nobody writes: then nothing is made beside it either
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            for row in connection.execute(_ROWS):
                _take(verdict, *row)
            verdict.faults += _cut_off(connection)
    except sqlite3.Error as error:
        detail = f"the database cannot be read: {error}"
        verdict.faults.append(LedgerFault(LedgerFaultKind.UNREADABLE, "", -1, detail))
    return verdict


def _take(
    verdict: LedgerVerdict,
    name: str,
    number: int,
    kind: str,
    document: str,
    leaf: str,
    digest: str,
) -> None:
    if not verdict.ledgers or verdict.ledgers[-1].name != name:
        verdict.ledgers.append(Ledger(name))
    ledger = verdict.ledgers[-1]
    if number != ledger.events:
        missing = (
            f"{ledger.events}"
            if number == ledger.events + 1
            else f"{ledger.events} to {number - 1}"
        )
        detail = f"the ledger goes from event {ledger.events - 1} to {number}"
        fault = LedgerFault(LedgerFaultKind.MISSING, name, number, detail, missing)
        verdict.faults.append(fault)
        ledger.events = number
    ledger.events += 1
    ledger.last = digest
    verdict.faults += _faults(name, number, kind, (document, leaf, digest))


def _faults(
    name: str, number: int, kind: str, stored: tuple[str, str, str]
) -> Iterator[LedgerFault]:
    document, leaf, digest = stored
    found = hashlib.sha256(document.encode("utf-8", "surrogatepass")).hexdigest()
    if found != digest:
        detail = f"event {number} is not the one whose digest was kept"
        yield LedgerFault(LedgerFaultKind.DIGEST, name, number, detail, digest, found)
    try:
        said, short = json.loads(document), json.loads(leaf)
        place = (said["ledger"], said["n"], said["kind"])
        claims = (short["n"], short["d"], short["t"])
        time = said["t"]
    except (ValueError, KeyError, TypeError) as error:
        detail = f"event {number} cannot be read: {error!r}"
        yield LedgerFault(LedgerFaultKind.UNREADABLE, name, number, detail)
        return
    if place != (name, number, kind):
        detail = f"event {number} says of itself that it is event {place[1]}, {place[2]}"
        yield LedgerFault(
            LedgerFaultKind.NUMBER,
            name,
            number,
            detail,
            f"{number} {kind}",
            f"{place[1]} {place[2]}",
        )
    if claims != (number, digest, time):
        detail = f"the leaf of event {number} says another number, digest or time"
        yield LedgerFault(LedgerFaultKind.LEAF, name, number, detail, digest, str(claims[1]))


def _cut_off(connection: sqlite3.Connection) -> Iterator[LedgerFault]:
    """Name events taken off the end: the database counts on from the last it ever had."""
    counted = connection.execute(_COUNTED).fetchone()
    last, count = connection.execute(_NOTHING).fetchone()
    if counted is None or counted[0] == (last or 0) == count:
        return
    detail = f"{counted[0]} events were written, {count} are there"
    yield LedgerFault(LedgerFaultKind.MISSING, "", -1, detail, str(counted[0]), str(count))

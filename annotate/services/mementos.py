"""An address's captures in time, as RFC 7089 (Memento) names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.models import Capture, Item
from archive.capture.outcome import Outcome
from archive.clock import isoformat
from archive.urlkey import Address

# Of these nothing of the page itself was recorded.
_NOTHING = frozenset({Outcome.FAILED, Outcome.REFUSED, Outcome.INTERRUPTED})


@dataclass(frozen=True, slots=True)
class Memento:
    """One capture of an address; `to_the_microsecond` tells those of one second apart."""

    capture_id: str
    at: datetime

    @property
    def datetime(self) -> str:
        """The time as HTTP writes it, whole seconds."""
        return format_datetime(self.at.astimezone(UTC).replace(microsecond=0), usegmt=True)

    @property
    def to_the_microsecond(self) -> str:
        """The time as the record has it."""
        return isoformat(self.at)


def mementos_of(session: Session, project_id: str, address: str) -> list[Memento]:
    """Return the captures of exactly this address that show something, oldest first.

    :raises AddressError: it is no address
    """
    exact = Address.parse(address).exact
    query = (
        select(Capture.id, Capture.captured_at, Capture.outcome)
        .join(Item, Item.id == Capture.item_id)
        .where(Item.project_id == project_id, Item.address == exact)
        .where(Capture.main_offset.is_not(None))
        .order_by(Capture.captured_at, Capture.id)
    )
    return [
        Memento(capture_id, at)
        for capture_id, at, outcome in session.execute(query)
        if outcome not in _NOTHING
    ]


def nearest(mementos: Sequence[Memento], wanted: datetime) -> Memento:
    """Return the memento closest to a time (RFC 7089, 4.5.3); there must be one."""
    return min(mementos, key=lambda one: (abs(one.at - wanted), one.at))


def links(
    address: str, mementos: Sequence[Memento], *, here: Any, timemap: str, timegate: str
) -> list[dict[str, str]]:
    """Return the links of a TimeMap, in the order of RFC 7089, 5.

    :param here: gives the address of a capture's static view
    """
    found = [
        {"href": address, "rel": "original"},
        {"href": timemap, "rel": "self", "type": "application/link-format"},
        {"href": timegate, "rel": "timegate"},
    ]
    if mementos:
        found[1] |= {"from": mementos[0].datetime, "until": mementos[-1].datetime}
    last = len(mementos) - 1
    for number, one in enumerate(mementos):
        places = ["first"] * (number == 0) + ["last"] * (number == last) + ["memento"]
        found.append(
            {"href": here(one.capture_id), "rel": " ".join(places), "datetime": one.datetime}
        )
    return found


def link_format(entries: Sequence[dict[str, str]]) -> str:
    """Write links as RFC 6690 does, one a line."""
    written = []
    for entry in entries:
        href = entry["href"].replace(">", "%3E").replace("\n", "%0A").replace("\r", "%0D")
        more = "".join(f'; {name}="{value}"' for name, value in entry.items() if name != "href")
        written.append(f"<{href}>{more}")
    return ",\n".join(written)

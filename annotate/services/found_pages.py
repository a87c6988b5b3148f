"""What was found in a file, page by page, as it is shown and as it would be taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import CaptureRequest, ImportFile, ImportPage, Item
from annotate.services.answers import unanswered
from archive.clock import parse_instant
from archive.errors import AddressError
from archive.importing.found import Basis
from archive.urlkey import Address

FILE_URN: Final = "urn:sha256:"
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Proposal:
    """A found page as it is shown: what would become of it, and what stands in the way."""

    page: ImportPage
    fault: str
    known: Item | None
    answers: CaptureRequest | None


def proposals(
    session: Session, file: ImportFile, *, first: int = 0, most: int = 100
) -> list[Proposal]:
    """Return the found pages of a file, ticked ones first, with what is known about each."""
    query = (
        select(ImportPage)
        .where(ImportPage.import_id == file.id)
        .order_by(ImportPage.position)
        .offset(first)
        .limit(most)
    )
    pages = list(session.scalars(query))
    addresses = {page.id: _address_or_none(page.address) for page in pages}
    readable = [address for address in addresses.values() if address is not None]
    items = _items(session, file.project_id, readable)
    asked = unanswered(session, file.project_id, readable)
    return [
        Proposal(
            page=page,
            fault=fault_of(page),
            known=items.get(address.exact) if (address := addresses[page.id]) else None,
            answers=asked.get(address.exact) if address else None,
        )
        for page in pages
    ]


def ticked_count(session: Session, file: ImportFile) -> int:
    """Return how many pages of a file are ticked."""
    query = select(func.count()).where(ImportPage.import_id == file.id, ImportPage.ticked)
    return session.scalar(query) or 0


def taken_count(session: Session, file: ImportFile) -> int:
    """Return how many pages of a file have become captures."""
    query = select(func.count()).where(
        ImportPage.import_id == file.id, ImportPage.capture_id.is_not(None)
    )
    return session.scalar(query) or 0


def address_of(text: str) -> Address:
    """Read the address a page is kept under; a file without one is named by its bytes.

    :raises AddressError: it is neither
    """
    if text.startswith(FILE_URN):
        return Address(exact=text, target=text, scheme="urn", host="", port=0, fragment="")
    return Address.parse(text)


def time_of(page: ImportPage) -> tuple[datetime | None, Basis]:
    """Return when a page was captured and who says so; None where nobody does.

    :raises UsageError: a person wrote what is no time
    """
    if page.taken_at:
        return _time(page.taken_at), Basis.PERSON
    return page.time_claimed, page.time_basis if page.time_claimed else Basis.IMPORT


def fault_of(page: ImportPage) -> str:
    """Say why a page cannot be taken as it stands; "" where it can."""
    if not page.address:
        return "It has no address. Give one, or keep it under the name of its bytes."
    try:
        address_of(page.address)
        time_of(page)
    except (AddressError, UsageError) as error:
        return str(error)
    return ""


def basis_of_address(page: ImportPage) -> Basis:
    """Say who vouches for the address a page is kept under."""
    if page.address.startswith(FILE_URN):
        return Basis.IMPORT
    return page.address_basis if page.address == page.address_claimed else Basis.PERSON


def _items(session: Session, project_id: str, addresses: Sequence[Address]) -> dict[str, Item]:
    wanted = [address.exact for address in addresses]
    found: dict[str, Item] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        query = select(Item).where(
            Item.project_id == project_id, Item.address.in_(wanted[start : start + _AT_ONCE])
        )
        found.update({item.address: item for item in session.scalars(query)})
    return found


def _address_or_none(text: str) -> Address | None:
    try:
        return address_of(text)
    except AddressError:
        return None


def _time(text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no time with its zone, such as 2020-05-31T23:30:00-05:00 or "
            f"2020-05-31 23:30Z."
        ) from error

"""What a statement rests on: an item, one capture of it, or a note on where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from annotate.errors import NotFoundError, UsageError
from annotate.models import Capture, Item, Project
from annotate.services.items import find_item, get_item
from archive.urlkey import Address


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a statement can be seen, or where it comes from; all empty is no evidence."""

    item: Item | None = None
    capture: Capture | None = None
    provenance: str = ""

    @property
    def is_there(self) -> bool:
        """Tell whether there is any."""
        return self.item is not None or bool(self.provenance)

    @property
    def columns(self) -> dict[str, Any]:
        """Return it as the columns of a row."""
        return {
            "evidence_item_id": self.item.id if self.item else None,
            "evidence_capture_id": self.capture.id if self.capture else None,
            "provenance": self.provenance,
        }


def find_evidence(
    session: Session,
    project: Project,
    *,
    item_id: str = "",
    address: str = "",
    capture_id: str = "",
    provenance: str = "",
) -> Evidence:
    """Find what is named as evidence: a capture, else an item by id or address, else a note.

    :raises NotFoundError: the project has no such item or capture
    :raises UsageError: the address is of no item here
    :raises AddressError: the address is none
    """
    capture = session.get(Capture, capture_id) if capture_id else None
    if capture_id and (capture is None or capture.project_id != project.id):
        raise NotFoundError("This project has no such capture.")
    item = None
    if capture is not None:
        item = session.get(Item, capture.item_id)
    elif item_id:
        item = get_item(session, project.id, item_id)
    elif address.strip():
        item = find_item(session, project.id, Address.parse(address.strip()))
        if item is None:
            raise UsageError(
                "The project has no item of the address you gave as evidence. Capture it first, "
                "or say in the provenance note where this comes from. Nothing was saved."
            )
    if item is not None and capture is None and item.latest_capture_id:
        capture = session.get(Capture, item.latest_capture_id)
    return Evidence(item, capture, provenance.strip())


def require(evidence: Evidence) -> None:
    """Let a statement pass that rests on something.

    :raises UsageError: there is neither evidence nor a provenance note
    """
    if not evidence.is_there:
        raise UsageError(
            "Nothing is said here without evidence. Name an item of the project that shows it, "
            "or write a provenance note: where it comes from, who told you. Nothing was saved."
        )

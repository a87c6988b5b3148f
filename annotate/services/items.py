"""Items: one exact address in one project (decisions 7)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError
from annotate.events import Actor
from annotate.models import EventKind, Item, Project
from archive.urlkey import Address, surt


def ensure_item(
    session: Session, actor: Actor, project: Project, address: Address
) -> tuple[Item, bool]:
    """Return the project's item of this address, made if need be, and whether it is new."""
    item = find_item(session, project.id, address)
    if item is not None:
        return item, False
    item = Item(
        project_id=project.id,
        address=address.exact,
        surt=surt(address.target),
        host=address.host,
        ledger_tag=events.new_tag(),
    )
    session.add(item)
    events.record(
        session,
        EventKind.ITEM_CREATE,
        actor=actor,
        covers=[item],
        project_id=project.id,
        item=item,
        body={"address": item.address},
    )
    session.flush()
    return item, True


def find_item(session: Session, project_id: str, address: Address) -> Item | None:
    """Return the project's item of this exact address, if there is one."""
    query = select(Item).where(Item.project_id == project_id, Item.address == address.exact)
    return session.scalar(query)


def get_item(session: Session, project_id: str, item_id: str) -> Item:
    """Return an item of the project.

    :raises NotFoundError: the project has none of that id
    """
    item = session.get(Item, item_id)
    if item is None or item.project_id != project_id:
        raise NotFoundError("This project has no such item.")
    return item

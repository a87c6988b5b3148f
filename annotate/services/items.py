"""Items: one exact address in one project (decisions 7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError
from annotate.events import Actor
from annotate.models import EventKind, Item, Project
from archive.urlkey import Address, surt

_AT_ONCE: Final = 500  # addresses looked up in one statement


def ensure_item(
    session: Session, actor: Actor, project: Project, address: Address
) -> tuple[Item, bool]:
    """Return the project's item of this address, made if need be, and whether it is new."""
    return ensure_items(session, actor, project, [address])[address.exact]


def ensure_items(
    session: Session, actor: Actor, project: Project, addresses: Iterable[Address]
) -> dict[str, tuple[Item, bool]]:
    """Return, by exact address, the project's items, made if need be, and whether each is new."""
    wanted = {address.exact: address for address in addresses}
    exact = list(wanted)
    known: dict[str, Item] = {}
    for start in range(0, len(exact), _AT_ONCE):
        query = select(Item).where(
            Item.project_id == project.id, Item.address.in_(exact[start : start + _AT_ONCE])
        )
        known.update((item.address, item) for item in session.scalars(query))
    found: dict[str, tuple[Item, bool]] = {}
    for one, address in wanted.items():
        if one in known:
            found[one] = (known[one], False)
        else:
            found[one] = (_make_item(session, actor, project, address), True)
    session.flush()
    return found


def _make_item(session: Session, actor: Actor, project: Project, address: Address) -> Item:
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
    return item


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

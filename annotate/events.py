"""Writing events, and refusing every change that comes without one.

An event is an erasable document and an opaque leaf (integrity.md §2). `record` writes both
and names the rows it stands for; a flush that would change any other row of a logged table
raises, so that no write path can go round the log.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import func, select
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction

from annotate.errors import NotAllowedError, UnloggedChangeError
from annotate.models import INSTANCE_LEDGER, Base, Event, EventKind, Item
from archive.canonical import canonical
from archive.clock import isoformat, utc_now

_COVERED: Final = "holdfast.covered"
_NEXT_N: Final = "holdfast.next_n"
_WRITABLE: Final = "holdfast.writable"
UNNARROWED: Final = {"holdfast_unnarrowed": True}
"""Execution options of a query that must see everything, whoever asks (visibility.py)."""
_CLOSED: Final = "holdfast.closed"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. Only the pseudonym goes where things are kept for ever."""

    user_id: str
    pseudonym: str
    name: str = ""


def new_tag() -> str:
    """Return a random 128-bit name, in hex, under which an item stands in leaves."""
    return secrets.token_hex(16)


def record(
    session: Session,
    kind: EventKind,
    *,
    actor: Actor,
    covers: Sequence[Base],
    project_id: str | None = None,
    item: Item | None = None,
    body: Mapping[str, Any] | None = None,
    before: Any = None,
    after: Any = None,
    reason: str = "",
    operation_id: str | None = None,
) -> Event:
    """Add one event to the session and let the rows in `covers` be flushed with it.

    :param project_id: whose ledger it enters; None: the instance's own
    :param body: what else happened, as JSON values (no floats that are not exact)
    :param before: the value that was replaced; its digest goes beside it
    :raises NotAllowedError: the item is closed to this session (`close_items`)
    """
    for items, kinds, why in session.info.get(_CLOSED, ()):
        if item is not None and item.id in items and kind in kinds:
            raise NotAllowedError(why)
    ledger = project_id or INSTANCE_LEDGER
    number = _next_number(session, ledger)
    moment = utc_now()
    document = {
        "v": 1,
        "ledger": ledger,
        "n": number,
        "t": isoformat(moment),
        "kind": kind.value,
        "actor": actor.pseudonym,
        "subject": [f"{row.__tablename__}:{_key(row)}" for row in covers[:20]],
        "item": item.id if item is not None else None,
        "operation": operation_id,
        "body": dict(body or {}),
        "before": before,
        "after": after,
        "reason": reason,
        "nonce": secrets.token_hex(32),
    }
    if before is not None:
        document["replaces"] = hashlib.sha256(canonical(before)).hexdigest()
    line = canonical(document)
    digest = hashlib.sha256(line).hexdigest()
    tags = [item.ledger_tag] if item is not None else []
    leaf = canonical({"v": 1, "n": number, "t": document["t"], "s": tags, "d": digest})
    event = Event(
        ledger=ledger,
        n=number,
        at=moment,
        kind=kind,
        actor=actor.pseudonym,
        item_id=item.id if item is not None else None,
        operation_id=operation_id,
        document=line.decode(),
        leaf=leaf.decode(),
        digest=digest,
    )
    session.add(event)
    session.info[_COVERED].extend(covers)
    return event


def close_items(
    session: Session, items: frozenset[str], kinds: frozenset[EventKind], why: str
) -> None:
    """Let nothing of these kinds happen to these items in this session."""
    session.info.setdefault(_CLOSED, []).append((items, kinds, why))


def refuse_closed(session: Session, item_ids: Iterable[str], kind: EventKind) -> None:
    """Refuse an act on many items as a whole, where some are closed to this session.

    Rows that a session cannot see would else be taken for changed or gone.

    :raises NotAllowedError: some are; says how many
    """
    wanted = frozenset(item_ids)
    for items, kinds, why in session.info.get(_CLOSED, ()):
        if kind in kinds and not wanted.isdisjoint(items):
            number = len(wanted & items)
            raise NotAllowedError(f"{why} That holds for {number} of these; nothing was changed.")


def guard(session: Session, *, writable: bool) -> None:
    """Make `session` refuse unlogged changes, or every change where it only reads."""
    session.info.update({_COVERED: [], _NEXT_N: {}, _WRITABLE: writable})
    sqlalchemy_event.listen(session, "before_flush", _refuse_unlogged)
    sqlalchemy_event.listen(session, "after_flush", _forget_covered)
    sqlalchemy_event.listen(session, "do_orm_execute", _refuse_bulk)


def _next_number(session: Session, ledger: str) -> int:
    numbers: dict[str, int] = session.info[_NEXT_N]
    if ledger not in numbers:
        whole = select(func.max(Event.n)).where(Event.ledger == ledger)
        last = session.scalar(whole.execution_options(**UNNARROWED))
        numbers[ledger] = 0 if last is None else last + 1
    number = numbers[ledger]
    numbers[ledger] = number + 1
    return number


def _key(row: Base) -> str:
    return "/".join(str(value) for value in row.__mapper__.primary_key_from_instance(row))


def _refuse_unlogged(session: Session, _context: UOWTransaction, _instances: object) -> None:
    changed = [*session.new, *(row for row in session.dirty if session.is_modified(row))]
    changed.extend(session.deleted)
    if changed and not session.info[_WRITABLE]:
        raise UnloggedChangeError("A session for reading was asked to write; nothing was written.")
    covered = {id(row) for row in session.info[_COVERED]}
    if any(isinstance(row, Event) and row not in session.new for row in changed):
        raise UnloggedChangeError("An event was about to be changed; events stay as they are.")
    for row in changed:
        if row.__logged__ and id(row) not in covered:
            raise UnloggedChangeError(
                f"A row of {row.__tablename__} was about to change without an event; "
                "nothing was written."
            )


def _forget_covered(session: Session, _context: UOWTransaction) -> None:
    session.info[_COVERED].clear()


def _refuse_bulk(state: ORMExecuteState) -> None:
    """Refuse a statement that changes rows past the flush, by class, by table or in plain SQL."""
    if state.is_select:
        return
    if not state.session.info[_WRITABLE]:
        raise UnloggedChangeError("A session for reading was asked to write; nothing was written.")
    table = getattr(state.statement, "table", None)
    if table is None or table.name in _kept_tables():
        name = table.name if table is not None else "rows"
        raise UnloggedChangeError(f"A statement was about to change {name} past its events.")


@cache
def _kept_tables() -> frozenset[str]:
    """Return the names of the tables that change with events only, and of the events' own."""
    kept = (one.class_ for one in Base.registry.mappers)
    return frozenset(one.__tablename__ for one in kept if one.__logged__ or one is Event)

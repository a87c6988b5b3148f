"""How what the project keeps is taken back: registry, sweeps, queue, watches, imports, members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.models import (
    CaptureRequest,
    CodingElsewhere,
    EntryJudgement,
    Event,
    EventKind,
    Membership,
    QueuePause,
    RequestState,
    SweepItem,
    User,
    Watch,
)
from annotate.services.live import Happening
from annotate.services.registry import keeping
from annotate.services.undo.form import Finder, Undo


def _kept(session: Session, event: Event, _one: Happening) -> Undo | None:
    if not keeping.stands(session, event):
        return None
    return Undo("registry.undo", {"event_id": str(event.id)})


def _entries_judged(session: Session, _event: Event, one: Happening) -> Undo | None:
    entry, into = one.body.get("entries", ("", ""))
    query = select(EntryJudgement.id).where(
        EntryJudgement.entry_id == entry,
        EntryJudgement.into_id == into,
        EntryJudgement.withdrawn_at.is_(None),
    )
    found = session.scalar(query.order_by(EntryJudgement.id.desc()).limit(1))
    return Undo("registry.undo_judgement", {"judgement_id": found}) if found is not None else None


def _swept(*, on: bool) -> Finder:
    def find(session: Session, event: Event, one: Happening) -> Undo | None:
        sweep_id = str(one.body.get("sweep", ""))
        if (session.get(SweepItem, (sweep_id, event.item_id)) is not None) != on:
            return None
        form = {"item": event.item_id or "", "act": "take off" if on else "find"}
        return Undo("sweeps.find", {"sweep_id": sweep_id}, form)

    return find


def _queue(*, paused: bool) -> Finder:
    def find(session: Session, event: Event, _one: Happening) -> Undo | None:
        if (session.get(QueuePause, event.ledger) is not None) != paused:
            return None
        return Undo("queue.resume" if paused else "queue.pause", {})

    return find


def _watch(session: Session, _event: Event, one: Happening) -> Undo | None:
    """Stop or go on: the switch is the only thing of a watch that changes."""
    held = session.get(Watch, str(one.body.get("watch", "")))
    if held is None or not isinstance(one.after, dict):
        return None
    if held.is_active is not one.after.get("active"):
        return None
    act = "stop" if held.is_active else "go-on"
    return Undo("watching.switch", {"watch_id": held.id, "act": act})


def _codings(session: Session, _event: Event, one: Happening) -> Undo | None:
    file_id = str(one.body.get("file", ""))
    query = select(CodingElsewhere.id).where(
        CodingElsewhere.import_id == file_id, CodingElsewhere.withdrawn_at.is_(None)
    )
    if session.scalar(query.limit(1)) is None:
        return None
    return Undo("exchange.undo_codings", {"import_id": file_id})


def _member(session: Session, event: Event, one: Happening) -> Undo | None:
    query = select(User.login, Membership.role).outerjoin(
        Membership, (Membership.user_id == User.id) & (Membership.project_id == event.ledger)
    )
    found = session.execute(query.where(User.pseudonym == str(one.body.get("member", "")))).first()
    if found is None or (found.role.value if found.role else None) != one.after:
        return None
    return Undo("projects.member", {}, {"login": found.login, "role": str(one.before or "none")})


def _request(act: str, state: RequestState) -> Finder:
    def find(session: Session, _event: Event, one: Happening) -> Undo | None:
        held = session.get(CaptureRequest, str(one.body.get("request", "")))
        if held is None or held.state is not state:
            return None
        return Undo("queue.act_on", {"request_id": held.id, "act": act})

    return find


# What the registry and the sweeps keep: made and changed in one way, taken back in one way.
_KEPT: Final = (
    EventKind.ENTRY_CREATE,
    EventKind.ENTRY_CHANGE,
    EventKind.NAME_CREATE,
    EventKind.NAME_CHANGE,
    EventKind.HANDLE_CREATE,
    EventKind.HANDLE_CHANGE,
    EventKind.ASSERTION_CREATE,
    EventKind.ASSERTION_CHANGE,
    EventKind.RELATION_TYPE_CREATE,
    EventKind.RELATION_TYPE_CHANGE,
    EventKind.RELATION_CREATE,
    EventKind.RELATION_CHANGE,
    EventKind.SWEEP_CREATE,
    EventKind.SWEEP_CHANGE,
)
FINDERS: Final[Mapping[EventKind, Finder]] = {
    EventKind.SWEEP_FIND: _swept(on=True),
    EventKind.SWEEP_UNFIND: _swept(on=False),
    EventKind.QUEUE_PAUSE: _queue(paused=True),
    EventKind.QUEUE_RESUME: _queue(paused=False),
    EventKind.REQUEST_CREATE: _request("cancel", RequestState.WAITING),
    EventKind.REQUEST_RETRY: _request("cancel", RequestState.WAITING),
    EventKind.REQUEST_CANCEL: _request("retry", RequestState.CANCELLED),
    EventKind.MEMBER_ADD: _member,
    EventKind.MEMBER_CHANGE: _member,
    EventKind.MEMBER_REMOVE: _member,
    EventKind.WATCH_CREATE: _watch,
    EventKind.WATCH_CHANGE: _watch,
    EventKind.CODING_IMPORT: _codings,
    EventKind.ENTRY_JUDGE: _entries_judged,
    **dict.fromkeys(_KEPT, _kept),
}

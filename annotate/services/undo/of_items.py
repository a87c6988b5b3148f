"""How what was said of items is taken back: tags, verdicts, marks, values, judgements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.models import (
    BulkOperation,
    Event,
    EventKind,
    Item,
    ItemTag,
    SameItemJudgement,
    Screening,
    ScreeningOperation,
    SensitiveReason,
    StudyField,
    ValueDecision,
)
from annotate.services import fields, sensitive
from annotate.services.live import Happening
from annotate.services.undo.form import Finder, Undo


def _tag_off(session: Session, event: Event, one: Happening) -> Undo | None:
    tag_id = str(one.body.get("tag", ""))
    if event.operation_id or session.get(ItemTag, (event.item_id, tag_id)) is None:
        return None
    return Undo("items.remove_tag", {"item_id": event.item_id or "", "tag_id": tag_id})


def _tag_on(session: Session, event: Event, one: Happening) -> Undo | None:
    tag_id = str(one.body.get("tag", ""))
    if event.operation_id or session.get(ItemTag, (event.item_id, tag_id)) is not None:
        return None
    form = {"tag": str(one.body.get("name", ""))}
    return Undo("items.add_tag", {"item_id": event.item_id or ""}, form)


def _bulk(session: Session, event: Event, _one: Happening) -> Undo | None:
    held = session.get(BulkOperation, event.operation_id) if event.operation_id else None
    if held is None or held.undone_at is not None:
        return None
    return Undo("library.undo", {"operation_id": held.id})


def _screened_many(session: Session, event: Event, _one: Happening) -> Undo | None:
    held = session.get(ScreeningOperation, event.operation_id) if event.operation_id else None
    if held is None or held.undone_by_id is not None:
        return None
    return Undo("screening.undo", {"operation_id": held.id})


def _screened(session: Session, event: Event, one: Happening) -> Undo | None:
    """Say again what stood before, if what was said then stands still."""
    held = session.get(Screening, event.item_id)
    if event.operation_id or held is None or not isinstance(one.before, str):
        return None
    verdict = held.verdict.value if held.verdict is not None else "undecided"
    if one.after != (f"{verdict}: {held.reason}" if held.reason else verdict):
        return None
    before, _, reason = one.before.partition(": ")
    form = {"verdict": before, "reason": reason, "version": str(held.row_version)}
    return Undo("screening.save_one", {"item_id": held.item_id}, form)


def _unmark(session: Session, event: Event, _one: Happening) -> Undo | None:
    item_id = event.item_id or ""
    if event.operation_id or not sensitive.among(session, [item_id]):
        return None
    return Undo("sensitive.unmark", {"item_id": item_id})


def _marked_again(session: Session, event: Event, one: Happening) -> Undo | None:
    item_id = event.item_id or ""
    query = select(SensitiveReason).where(SensitiveReason.mark_id == str(one.body.get("mark", "")))
    why = session.scalar(query)
    if event.operation_id or why is None or sensitive.among(session, [item_id]):
        return None
    return Undo("sensitive.mark", {"item_id": item_id}, {"reason": why.reason})


def _value(session: Session, event: Event, one: Happening) -> Undo | None:
    """Set one field back to what it was, if it still is what it was set to."""
    if not isinstance(one.after, dict) or len(one.after) != 1 or event.item_id is None:
        return None
    ((key, after),) = one.after.items()
    query = select(StudyField).where(StudyField.project_id == event.ledger, StudyField.key == key)
    held = session.scalar(query)
    if held is None or one.body.get("source") != "person":
        return None
    now = fields.values_of(session, [event.item_id])[event.item_id].get(held.id, [])
    if [value.raw for value in now] != after:
        return None
    form = {"value": "; ".join(one.before.get(key, [])), "version": fields.version_of(now)}
    return Undo("items.set_field", {"item_id": event.item_id, "key": key}, form)


def _decided(session: Session, event: Event, one: Happening) -> Undo | None:
    query = (
        select(ValueDecision.id)
        .join(StudyField, StudyField.id == ValueDecision.field_id)
        .where(
            ValueDecision.item_id == event.item_id,
            StudyField.key == str(one.body.get("field", "")),
            ValueDecision.undone_at.is_(None),
        )
    )
    found = session.scalar(query.order_by(ValueDecision.id.desc()).limit(1))
    return Undo("differing.undo", {"decision_id": found}) if found is not None else None


def _same(session: Session, event: Event, one: Happening) -> Undo | None:
    query = select(SameItemJudgement.id).where(
        SameItemJudgement.item_id == event.item_id,
        SameItemJudgement.same_as_id == str(one.body.get("other", "")),
        SameItemJudgement.undone_at.is_(None),
    )
    found = session.scalar(query.order_by(SameItemJudgement.id.desc()).limit(1))
    return Undo("items.undo_judgement", {"judgement_id": found}) if found is not None else None


def _judged_again(session: Session, _event: Event, one: Happening) -> Undo | None:
    """Say once more what a judgement said, if none stands about the pair."""
    held = session.get(SameItemJudgement, str(one.body.get("judgement", "")))
    other = session.get(Item, held.same_as_id) if held is not None else None
    if held is None or other is None or held.undone_at is None:
        return None
    pair = {held.item_id, held.same_as_id}
    query = select(SameItemJudgement).where(
        SameItemJudgement.item_id.in_(pair),
        SameItemJudgement.same_as_id.in_(pair),
        SameItemJudgement.undone_at.is_(None),
    )
    if session.scalar(query.limit(1)) is not None:
        return None
    form = {"address": other.address, "judgement": held.judgement.value, "reason": held.reason}
    return Undo("items.judge", {"item_id": held.item_id}, form)


FINDERS: Final[Mapping[EventKind, Finder]] = {
    EventKind.TAG_ADD: _tag_off,
    EventKind.TAG_REMOVE: _tag_on,
    EventKind.BULK_DO: _bulk,
    EventKind.ITEM_SCREEN: _screened,
    EventKind.SCREENING_DO: _screened_many,
    EventKind.SCREENING_UNDO: _screened_many,
    EventKind.ITEM_MARK_SENSITIVE: _unmark,
    EventKind.ITEM_SAME: _same,
    EventKind.VALUE_SET: _value,
    EventKind.ITEM_UNSAME: _judged_again,
    EventKind.ITEM_UNMARK_SENSITIVE: _marked_again,
    EventKind.VALUE_DECIDE: _decided,
}

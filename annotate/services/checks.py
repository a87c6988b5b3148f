"""Checking what a list or a person claims against what the captured page shows (decisions 8).

Author: the handle. Promoted accounts: the handles mentioned in the post. Date: to the
precision the page shows, so that a page that says "2 h" settles nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.events import Actor
from annotate.models import (
    Capture,
    EventKind,
    FieldCheck,
    FieldValue,
    Item,
    Project,
    StudyField,
    ValueSource,
    ValueState,
)
from annotate.services.facts import load_facts
from annotate.services.fields import fields_of, normalise, values_of
from archive.page import DatePrecision, PageFacts, ShownDate


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one item in which the page contradicts the claim."""

    item_id: str
    address: str
    field_key: str
    field_label: str
    claimed: tuple[str, ...]
    shown: tuple[str, ...]
    capture_id: str | None


@dataclass(frozen=True, slots=True)
class _Finding:
    """How the claimed values of one field stand, in their order, and what the page shows."""

    states: tuple[ValueState, ...]
    shown: tuple[tuple[str, str], ...]  # (value, selector)


def check_item(
    session: Session, actor: Actor, project: Project, item: Item, capture: Capture
) -> None:
    """Set the state of every current value the capture can speak to; keep what the page shows.

    Call after the capture's rows were flushed. One event if anything changed.
    """
    facts = load_facts(capture.facts)
    standing = values_of(session, [item.id])[item.id]
    shown_before = _shown_values(session, item.id)
    touched: list[FieldValue] = []
    report: dict[str, list[str]] = {}
    for field in fields_of(session, project.id):
        if field.check is FieldCheck.NONE:
            continue
        claims = [
            value for value in standing.get(field.id, []) if value.source is not ValueSource.CAPTURE
        ]
        finding = _CHECKS[field.check](claims, facts)
        changes = _apply(session, item, field, capture, claims, finding, shown_before)
        if changes:
            touched.extend(changes)
            report[field.key] = [state.value for state in finding.states]
    if touched:
        events.record(
            session,
            EventKind.VALUE_CHECK,
            actor=actor,
            covers=touched,
            project_id=project.id,
            item=item,
            body={"capture": capture.id, "states": report},
        )
        session.flush()


def recheck_item(session: Session, actor: Actor, project: Project, item: Item) -> None:
    """Hold an item's values against its newest capture again, after they were set."""
    capture = session.get(Capture, item.latest_capture_id) if item.latest_capture_id else None
    if capture is not None:
        check_item(session, actor, project, item, capture)


def differing(session: Session, project_id: str) -> list[Difference]:
    """List every field in which the page contradicts the claim, oldest item first."""
    query = (
        select(FieldValue, StudyField, Item)
        .join(StudyField, StudyField.id == FieldValue.field_id)
        .join(Item, Item.id == FieldValue.item_id)
        .where(Item.project_id == project_id, FieldValue.state == ValueState.DIFFERS)
        .order_by(Item.id, StudyField.position, FieldValue.id)
    )
    grouped: dict[tuple[str, str], list[FieldValue]] = {}
    named: dict[tuple[str, str], tuple[Item, StudyField]] = {}
    for value, field, item in session.execute(query):
        if value.current or value.source is ValueSource.CAPTURE:
            grouped.setdefault((item.id, field.key), []).append(value)
            named[item.id, field.key] = (item, field)
    standing = values_of(session, [item_id for item_id, _key in grouped])
    return [
        _difference(*named[key], values, standing[key[0]].get(named[key][1].id, []))
        for key, values in grouped.items()
    ]


def _difference(
    item: Item, field: StudyField, values: Sequence[FieldValue], standing: Sequence[FieldValue]
) -> Difference:
    return Difference(
        item_id=item.id,
        address=item.address,
        field_key=field.key,
        field_label=field.label,
        claimed=tuple(one.raw for one in standing if one.source is not ValueSource.CAPTURE),
        shown=tuple(one.raw for one in values if one.source is ValueSource.CAPTURE),
        capture_id=item.latest_capture_id,
    )


def _shown_values(session: Session, item_id: str) -> dict[str, list[FieldValue]]:
    query = select(FieldValue).where(
        FieldValue.item_id == item_id, FieldValue.source == ValueSource.CAPTURE
    )
    by_field: dict[str, list[FieldValue]] = {}
    for value in session.scalars(query):
        by_field.setdefault(value.field_id, []).append(value)
    return by_field


def _apply(
    session: Session,
    item: Item,
    field: StudyField,
    capture: Capture,
    claims: Sequence[FieldValue],
    finding: _Finding,
    shown_before: Mapping[str, list[FieldValue]],
) -> list[FieldValue]:
    """Write a finding into rows; return those that changed."""
    changed = []
    for value, state in zip(claims, finding.states, strict=True):
        if value.state is not state:
            value.state = state
            changed.append(value)
    differs = ValueState.DIFFERS in finding.states
    state = ValueState.DIFFERS if differs else ValueState.AGREES
    old = shown_before.get(field.id, [])
    kept = {value.raw: value for value in old}
    for value in old:
        if value.raw not in {raw for raw, _selector in finding.shown} and (
            value.current or value.state is ValueState.DIFFERS
        ):
            value.current, value.state = False, ValueState.UNCHECKED
            changed.append(value)
    for raw, selector in finding.shown:
        if raw in kept:
            known = kept[raw]
            if known.state is not state or known.current is bool(claims):
                known.state, known.current = state, not claims
                changed.append(known)
            continue
        read = normalise(field, raw)
        shown = FieldValue(
            item_id=item.id,
            field_id=field.id,
            value=read.value,
            raw=raw,
            source=ValueSource.CAPTURE,
            state=state,
            current=not claims,
            instant=read.instant,
            precision=read.precision,
            selector=selector,
            capture_id=capture.id,
        )
        session.add(shown)
        changed.append(shown)
    return changed


def _check_author(claims: Sequence[FieldValue], facts: PageFacts) -> _Finding:
    handles = tuple(handle.removeprefix("@") for handle in facts.author_handles)
    if not handles:
        return _nothing_shown(claims)
    shown = {handle.casefold() for handle in handles}
    states = tuple(_agrees(value.value.casefold() in shown) for value in claims)
    return _Finding(states, tuple((handle, "author") for handle in handles))


def _check_promotes(claims: Sequence[FieldValue], facts: PageFacts) -> _Finding:
    authors = {handle.removeprefix("@").casefold() for handle in facts.author_handles}
    mentions = tuple(
        name
        for name in dict.fromkeys(mention.removeprefix("@") for mention in facts.mentions)
        if name.casefold() not in authors
    )
    if not mentions:
        return _nothing_shown(claims)
    shown = {name.casefold() for name in mentions}
    states = [_agrees(value.value.casefold() in shown) for value in claims]
    listed = {value.value.casefold() for value in claims}
    if claims and shown - listed and ValueState.DIFFERS not in states:
        states[0] = ValueState.DIFFERS  # the list leaves out an account the page names
    return _Finding(tuple(states), tuple((name, "mention") for name in mentions))


def _check_posted_at(claims: Sequence[FieldValue], facts: PageFacts) -> _Finding:
    exact = [one for one in facts.dates if one.precision in _EXACT and one.instant is not None]
    days = [one for one in facts.dates if one.precision is DatePrecision.DAY and one.day]
    dates = exact or days
    if not dates:
        return _nothing_shown(claims)
    states = tuple(_agrees(any(_same_date(value, one) for one in dates)) for value in claims)
    return _Finding(states, tuple(_written(dates)))


def _same_date(value: FieldValue, shown: ShownDate) -> bool:
    """Compare to the coarser precision of the two; a day is the day as it was written."""
    if shown.instant is not None and value.instant is not None:
        if shown.precision is DatePrecision.MINUTE:
            return _to_minute(value.instant) == _to_minute(shown.instant)
        return value.instant == shown.instant
    day = shown.day or (shown.instant.date() if shown.instant else None)
    return day is not None and value.raw[:10] == day.isoformat()


def _to_minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def _written(dates: Iterable[ShownDate]) -> Iterable[tuple[str, str]]:
    for one in dict.fromkeys(dates):
        moment = one.instant or one.day
        if moment is not None:
            yield moment.isoformat(), one.selector


def _nothing_shown(claims: Sequence[FieldValue]) -> _Finding:
    return _Finding(tuple(ValueState.NOT_VISIBLE for _ in claims), ())


def _agrees(same: bool) -> ValueState:
    return ValueState.AGREES if same else ValueState.DIFFERS


_EXACT: Final = frozenset({DatePrecision.SECOND, DatePrecision.MINUTE})
_CHECKS: Final[Mapping[FieldCheck, Callable[[Sequence[FieldValue], PageFacts], _Finding]]] = {
    FieldCheck.AUTHOR: _check_author,
    FieldCheck.PROMOTES: _check_promotes,
    FieldCheck.POSTED_AT: _check_posted_at,
}

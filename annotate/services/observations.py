"""Observations: what a later visit saw of an item that had been captured before.

A deletion never changes a count: captures made by looking again never replace what the item
shows, and what was seen stands beside it (archive.md §6).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.events import Actor
from annotate.models import (
    Capture,
    CaptureRequest,
    EventKind,
    Item,
    Observation,
    ObservedState,
    Purpose,
    Rendition,
)
from annotate.services.counting import SEEN
from archive.capture.job import CaptureResult
from archive.capture.outcome import Outcome, Sign
from archive.clock import isoformat
from archive.text import rendition

_HAN: Final = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # written without spaces: by character
_WORD: Final = re.compile(rf"[{_HAN}]|[^\W\d_{_HAN}]+|\d+")
_NUMBER: Final = re.compile(r"\d+")
_MOST: Final = 500_000  # characters of a text compared word by word


@dataclass(frozen=True, slots=True)
class Seen:
    """What a visit found, before it is written down."""

    state: ObservedState
    reason: str
    text_sha256: str | None
    body_sha256: str | None
    compared_with: str | None = None
    """Id of the capture it was held against."""
    likeness: int | None = None
    """Share of words in common, in thousandths."""
    is_news: bool = True
    """Whether no capture that is kept shows the same."""


def body_digest(result: CaptureResult) -> str | None:
    """Return the digest of a page's own words, without what stands around them."""
    body = result.facts.body if result.facts is not None else ""
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest() if body else None


def look(session: Session, request: CaptureRequest, result: CaptureResult) -> Seen | None:
    """Hold a visit against what was captured before; None where nothing good ever was."""
    before = _captures_before(session, request.item_id)
    if not before:
        return None
    text = rendition(result.title, result.text, result.language_claimed).sha256
    body = body_digest(result)
    if result.outcome not in SEEN:
        state = _state(result)
        known = _is_kept(session, request.item_id, state, result.status, text)
        return Seen(state, result.reason, text, body, is_news=not known)
    reference = _reference(session, request, result.engine, before)
    if reference is None:
        reason = f"first visit with the engine {result.engine}: nothing to hold it against"
        return Seen(ObservedState.LIVE, reason, text, body)
    return _held_against(session, reference, before, result, text, body)


def is_worth_keeping(request: CaptureRequest, seen: Seen | None) -> bool:
    """Tell whether the bytes of a visit are kept: for a mere look, only if they tell news."""
    if request.purpose is not Purpose.OBSERVE or seen is None:
        return True
    return seen.is_news and seen.state is not ObservedState.NOT_REACHED


def write_down(
    session: Session,
    actor: Actor,
    request: CaptureRequest,
    result: CaptureResult,
    seen: Seen,
    *,
    kept: str | None,
    phrases_version: str,
) -> Observation:
    """Record what a visit saw; the item remembers the last such finding.

    :param kept: id of the capture its bytes were kept as, if they were
    """
    judgement = result.judgement
    observation = Observation(
        project_id=request.project_id,
        item_id=request.item_id,
        request_id=request.id,
        state=seen.state,
        seen_at=result.started_at,
        reason=seen.reason,
        http_status=result.status,
        final_address=result.final_url,
        phrase=judgement.phrase if judgement is not None else "",
        phrases_version=phrases_version,
        text_sha256=seen.text_sha256,
        body_sha256=seen.body_sha256,
        compared_with=seen.compared_with,
        likeness=seen.likeness,
        capture_id=kept,
        engine=result.engine,
    )
    item = session.get_one(Item, request.item_id)
    before = item.observed_state.value if item.observed_state else None
    item.observed_state, item.observed_at = seen.state, result.started_at
    session.add(observation)
    events.record(
        session,
        EventKind.ITEM_OBSERVE,
        actor=actor,
        covers=[observation, item],
        project_id=request.project_id,
        item=item,
        body={
            "request": request.id,
            "status": result.status,
            "phrase": observation.phrase,
            "phrases_version": phrases_version,
            "text_sha256": seen.text_sha256,
            "compared_with": seen.compared_with,
            "likeness_thousandths": seen.likeness,
            "capture": kept,
            "engine": result.engine,
            "seen_at": isoformat(result.started_at),
        },
        before=before,
        after=seen.state.value,
        reason=seen.reason,
    )
    session.flush()
    return observation


def of_item(session: Session, item_id: str) -> list[Observation]:
    """Return what later visits saw of an item, the newest first."""
    query = select(Observation).where(Observation.item_id == item_id)
    return list(session.scalars(query.order_by(Observation.seen_at.desc(), Observation.id.desc())))


def newest(session: Session, project_id: str, *, most: int) -> list[tuple[Observation, Item]]:
    """Return the newest observations of a project in which something was not as before."""
    query = (
        select(Observation, Item)
        .join(Item, Item.id == Observation.item_id)
        .where(Observation.project_id == project_id, Observation.state != ObservedState.LIVE)
        .order_by(Observation.seen_at.desc(), Observation.id.desc())
        .limit(most)
    )
    return [(observation, item) for observation, item in session.execute(query)]


def counts(session: Session, project_id: str) -> dict[ObservedState | None, int]:
    """Count a project's items by what was last seen of them; None: never looked at again."""
    rows = session.execute(
        select(Item.observed_state, func.count())
        .where(Item.project_id == project_id, Item.same_as_id.is_(None))
        .group_by(Item.observed_state)
    )
    return dict(rows.all())


def _captures_before(session: Session, item_id: str) -> list[Capture]:
    query = select(Capture).where(Capture.item_id == item_id, Capture.outcome.in_(SEEN))
    return list(session.scalars(query.order_by(Capture.captured_at)))


def _is_kept(
    session: Session, item_id: str, state: ObservedState, status: int | None, text: str
) -> bool:
    """Tell whether bytes that say the same (the same tombstone, say) were kept already."""
    query = select(Observation.id).where(
        Observation.item_id == item_id,
        Observation.state == state,
        Observation.http_status == status,
        Observation.text_sha256 == text,
        Observation.capture_id.is_not(None),
    )
    return session.scalar(query.limit(1)) is not None


def _state(result: CaptureResult) -> ObservedState:
    if result.outcome is Outcome.GONE:
        return ObservedState.DELETED
    if result.outcome is Outcome.BLOCKED:
        private = result.judgement is not None and result.judgement.sign is Sign.PRIVATE
        return ObservedState.PRIVATE if private else ObservedState.BLOCKED
    return ObservedState.NOT_REACHED


def _reference(
    session: Session, request: CaptureRequest, engine: str, before: Sequence[Capture]
) -> Capture | None:
    """Return what to hold a visit against: what the item shows, else the first, of this engine."""
    shown = session.get_one(Item, request.item_id).latest_capture_id
    same = [capture for capture in before if capture.engine == engine]
    return next((one for one in same if one.id == shown), same[0] if same else None)


def _held_against(
    session: Session,
    reference: Capture,
    before: Sequence[Capture],
    result: CaptureResult,
    text: str,
    body: str | None,
) -> Seen:
    kept = {one.id: session.get(Rendition, one.id) for one in before}
    is_news = text not in {one.sha256 for one in kept.values() if one is not None}
    then = kept[reference.id]
    if then is not None and then.sha256 == text:
        return Seen(ObservedState.LIVE, "", text, body, reference.id, 1000, is_news=False)
    likeness, only_numbers = _likeness(then.text if then is not None else "", result.text)
    if body is not None and body == reference.body_sha256:
        reason = "its own words are as they were; what stands around them changed"
        return Seen(ObservedState.LIVE, reason, text, body, reference.id, likeness, is_news=False)
    if _elsewhere(result.final_url, reference.final_address or reference.address):
        reason = f"now leads to {result.final_url}"
        state = ObservedState.REDIRECTED
    else:
        state = ObservedState.CHANGED
        share = f"{likeness / 10:.0f}% of the words are the same"
        reason = "only numbers changed" if only_numbers else share
    return Seen(state, reason, text, body, reference.id, likeness, is_news)


def _likeness(then: str, now: str) -> tuple[int, bool]:
    """Return the share of words in common, in thousandths, and whether only numbers differ."""
    old, new = (_WORD.findall(text[:_MOST].casefold()) for text in (then, now))
    common = sum((Counter(old) & Counter(new)).values())
    share = round(1000 * common / max(1, len(old), len(new)))
    bare = [[word for word in words if not _NUMBER.fullmatch(word)] for words in (old, new)]
    return share, bare[0] == bare[1] and old != new


def _elsewhere(now: str | None, then: str) -> bool:
    """Tell whether two addresses differ in more than scheme, www, fragment and a final slash."""
    return now is not None and _bare(now) != _bare(then)


def _bare(address: str) -> tuple[str, str, str]:
    parts = urlsplit(address)
    return (parts.hostname or "").removeprefix("www."), parts.path.rstrip("/"), parts.query

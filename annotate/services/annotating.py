"""Marks: words, regions of pictures and stretches of films, with what people say of them.

Words are called highlights on the pages. A mark stands on one capture and never moves: in another
capture it is made anew (carrying.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import select as select_rows
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, StaleSaveError, UsageError
from annotate.events import Actor
from annotate.models import (
    Annotation,
    AnnotationKind,
    Capture,
    EventKind,
    Item,
    Project,
    Rendition,
    User,
)
from annotate.selectors import text as selectors
from annotate.selectors.media import MediaMark, Region, read_place
from annotate.selectors.text import TextSelector
from annotate.services.makers import makers_of
from annotate.services.sources import Source, check_mark
from archive.clock import utc_now

LONGEST: Final = 20_000  # characters of a remark


@dataclass(frozen=True, slots=True)
class Shown:
    """A mark with its author's name and its capture."""

    annotation: Annotation
    author: str
    capture: Capture


@dataclass(frozen=True, slots=True)
class Carried:
    """On which earlier mark a mark rests."""

    annotation_id: str
    score: float | None
    """How alike the two places are, 0 to 1; None where a person found the place."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text and the ids of the highlights that cover it."""

    text: str
    covered_by: tuple[str, ...]


def add(
    session: Session,
    actor: Actor,
    project: Project,
    capture: Capture,
    *,
    quote: str,
    start: int | None = None,
    end: int | None = None,
    body: str = "",
    carried: Carried | None = None,
) -> Annotation:
    """Mark words of a capture's text.

    :param start: in code points; without it the quote has to stand in the text just once
    :raises UsageError: the words do not stand there, or in several places
    """
    rendition = rendition_of(session, capture)
    selector = _selected(rendition.text, quote, start, end)
    made = Annotation(
        project_id=project.id,
        item_id=capture.item_id,
        capture_id=capture.id,
        rendition_sha256=rendition.sha256,
        start=selector.start,
        end=selector.end,
        exact=selector.exact,
        prefix=selector.prefix,
        suffix=selector.suffix,
        body=_checked(body),
        carried_from=carried.annotation_id if carried else None,
        carried_score=_per_mille(carried),
        made_by=actor.user_id,
    )
    return _created(session, actor, made)


def add_media(
    session: Session,
    actor: Actor,
    project: Project,
    capture: Capture,
    sources: Sequence[Source],
    mark: MediaMark,
    *,
    body: str = "",
    carried: Carried | None = None,
) -> Annotation:
    """Mark a region of a picture or a stretch of a film or sound.

    :param sources: what of the capture can be marked (sources.py)
    :raises UsageError: the capture has no such picture or film, or the place is not within it
    """
    source = check_mark(sources, mark)
    is_region = isinstance(mark.place, Region)
    made = Annotation(
        project_id=project.id,
        item_id=capture.item_id,
        capture_id=capture.id,
        rendition_sha256="",
        start=0,
        end=0,
        exact="",
        prefix="",
        suffix="",
        kind=AnnotationKind.REGION if is_region else AnnotationKind.TIME,
        fragment=str(mark.place),
        source=source.uri,
        source_digest=source.digest,
        body=_checked(body),
        carried_from=carried.annotation_id if carried else None,
        made_by=actor.user_id,
    )
    return _created(session, actor, made)


def edit(session: Session, actor: Actor, one: Annotation, body: str, *, seen: int) -> None:
    """Say something else of the same place.

    :raises StaleSaveError: somebody saved in between
    """
    body = _checked(body)
    if one.row_version != seen:
        raise StaleSaveError(
            "This highlight was changed while you were writing. Your text is kept below.",
            theirs=one.body,
            yours=body,
            version=one.row_version,
        )
    if body == one.body:
        return
    before = said(one)
    one.body, one.changed_at = body, utc_now()
    one.row_version += 1
    record(session, EventKind.ANNOTATION_EDIT, actor, one, before, said(one))


def withdraw(session: Session, actor: Actor, one: Annotation) -> None:
    """Take a mark off; its row and events stay.

    :raises UsageError: it is somebody else's
    """
    if one.made_by != actor.user_id:
        raise UsageError("Only whoever made a highlight takes it off.")
    if one.withdrawn_at is None:
        one.withdrawn_at = utc_now()
        one.row_version += 1
        record(session, EventKind.ANNOTATION_WITHDRAW, actor, one, said(one), None)


def restore(session: Session, actor: Actor, one: Annotation) -> None:
    """Put back a mark one took off.

    :raises UsageError: it is somebody else's
    """
    if one.made_by != actor.user_id:
        raise UsageError("Only whoever made a highlight puts it back.")
    if one.withdrawn_at is not None:
        one.withdrawn_at = None
        one.row_version += 1
        record(session, EventKind.ANNOTATION_RESTORE, actor, one, None, said(one))


def get(
    session: Session, project: Project, annotation_id: str, *, withdrawn: bool = False
) -> Annotation:
    """Return a mark of the project.

    :param withdrawn: also one that was taken off
    :raises NotFoundError: there is none of that id
    """
    one = session.get(Annotation, annotation_id)
    gone = one is None or (one.withdrawn_at is not None and not withdrawn)
    if one is None or gone or one.project_id != project.id:
        raise NotFoundError("This project has no such highlight.")
    return one


def of_item(session: Session, item_id: str) -> list[Shown]:
    """Return an item's highlights of words over all its captures, in the order of the text."""
    shown = marks_of_item(session, item_id)
    return [one for one in shown if one.annotation.kind is AnnotationKind.TEXT]


def marks_of_item(session: Session, item_id: str, *, withdrawn: bool = False) -> list[Shown]:
    """Return an item's marks of every kind over all its captures.

    :param withdrawn: those that were taken off instead
    """
    rows = session.execute(
        select_rows(Annotation, User.display_name, Capture)
        .join(User, User.id == Annotation.made_by)
        .join(Capture, Capture.id == Annotation.capture_id)
        .where(
            Annotation.item_id == item_id,
            Annotation.withdrawn_at.is_not(None)
            if withdrawn
            else Annotation.withdrawn_at.is_(None),
        )
        .order_by(Annotation.start, Annotation.id)
    )
    makers = makers_of(session, item_id)
    return [
        Shown(one, f"{makers[one.id]}, brought in by {name}" if one.id in makers else name, capture)
        for one, name, capture in rows
    ]


def stands_on(one: Annotation, capture: Capture, rendition: Rendition | None) -> bool:
    """Tell whether a mark is on a capture as it is now: its text may have been made again."""
    if one.capture_id != capture.id:
        return False
    if one.kind is not AnnotationKind.TEXT:
        return True
    return rendition is not None and rendition.sha256 == one.rendition_sha256


def pieces(text: str, shown: Sequence[Shown]) -> list[Piece]:
    """Cut a text where highlights begin and end."""
    held = [one.annotation for one in shown if one.annotation.kind is AnnotationKind.TEXT]
    cuts = sorted({0, len(text), *(one.start for one in held), *(one.end for one in held)})
    return [
        Piece(
            text[start:end],
            tuple(one.id for one in held if one.start <= start and end <= one.end),
        )
        for start, end in pairwise(cuts)
    ]


def selector_of(one: Annotation) -> TextSelector:
    """Return where a highlight of words stands."""
    return TextSelector(one.exact, one.prefix, one.suffix, one.start, one.end)


def mark_of(one: Annotation) -> MediaMark:
    """Return where a region or a stretch of time stands."""
    return MediaMark(one.source, read_place(one.fragment))


def rendition_of(session: Session, capture: Capture) -> Rendition:
    """Return the text of a capture.

    :raises UsageError: it has none
    """
    rendition = session.get(Rendition, capture.id)
    if rendition is None:
        raise UsageError("This capture has no text to mark words in.")
    return rendition


def said(one: Annotation) -> dict[str, Any]:
    """Return what an event tells of a mark."""
    if one.kind is not AnnotationKind.TEXT:
        return {"source": one.source, "fragment": one.fragment, "body": one.body}
    return {"exact": one.exact, "start": one.start, "end": one.end, "body": one.body}


def record(
    session: Session, kind: EventKind, actor: Actor, one: Annotation, before: Any, after: Any
) -> None:
    """Write the event of a change of a mark."""
    body: dict[str, Any] = {"annotation": one.id, "capture": one.capture_id}
    if one.kind is AnnotationKind.TEXT:
        body["text_sha256"] = one.rendition_sha256
    else:
        body["source_digest"] = one.source_digest
    if one.carried_from is not None:
        body |= {"carried_from": one.carried_from, "score_per_mille": one.carried_score}
    events.record(
        session,
        kind,
        actor=actor,
        covers=[one],
        project_id=one.project_id,
        item=session.get(Item, one.item_id),
        body=body,
        before=before,
        after=after,
    )
    session.flush()


def _created(session: Session, actor: Actor, made: Annotation) -> Annotation:
    session.add(made)
    record(session, EventKind.ANNOTATION_CREATE, actor, made, None, said(made))
    return made


def _per_mille(carried: Carried | None) -> int | None:
    if carried is None or carried.score is None:
        return None
    return round(1000 * carried.score)


def _selected(text: str, quote: str, start: int | None, end: int | None) -> TextSelector:
    if start is not None and end is not None:
        try:
            selector = selectors.select(text, start, end)
        except ValueError as error:
            raise UsageError("These places are not within the text.") from error
        if quote and quote not in selector.exact:
            raise UsageError("The words marked are not the words of the text at that place.")
        return selector
    found = selectors.find(text, quote)
    if found is None:
        raise UsageError(
            "These words do not stand in the text of the capture just once. Mark a few more "
            "of them, so that the place is clear."
        )
    return found


def _checked(body: str) -> str:
    plain = body.replace("\r\n", "\n").strip()
    if len(plain) > LONGEST:
        raise UsageError(f"A remark has at most {LONGEST} characters; this one has {len(plain)}.")
    return plain

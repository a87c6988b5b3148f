"""Carrying marks over to a newer capture, or to a capture's text made again.

Words are proposed with a score, and a person confirms.

Nothing moves by itself. Words that are found below `anchoring.GOOD` are orphans; regions and
stretches of time are to be drawn again, since a picture's pixels say nothing of what they show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from annotate.errors import UsageError
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
from annotate.selectors.anchoring import Proposal, anchor
from annotate.services import annotating
from annotate.services.annotating import Carried, Shown

PAGE: Final = 40  # marks looked for in newer captures at a time


class Standing(StrEnum):
    """How a mark on an earlier capture stands in the newest one."""

    PROPOSED = "proposed"  # its words were found, and a person has to say so
    ORPHAN = "orphan"  # its words were not found well enough
    REDO = "redo"  # a region or a stretch of time: to be drawn again


@dataclass(frozen=True, slots=True)
class Open:
    """A mark on an earlier capture about which nobody has decided."""

    shown: Shown
    item: Item
    newest: Capture
    standing: Standing
    proposal: Proposal | None
    """Where its words are in the newest capture."""


def carry_over(
    session: Session, actor: Actor, project: Project, one: Annotation, capture: Capture
) -> Annotation:
    """Mark the same words in another capture, as proposed; the old highlight stays.

    :raises UsageError: they are not found there well enough, it is another item's capture, or
        the mark is none of words
    """
    if capture.item_id != one.item_id:
        raise UsageError("That capture is of another item.")
    if one.kind is not AnnotationKind.TEXT:
        raise UsageError("A region or a range of time is not carried over: draw it again there.")
    proposal = anchor(annotating.rendition_of(session, capture).text, annotating.selector_of(one))
    if proposal is None:
        raise UsageError("These words are not found in that capture well enough to carry over.")
    found = proposal.selector
    return annotating.add(
        session,
        actor,
        project,
        capture,
        quote=found.exact,
        start=found.start,
        end=found.end,
        body=one.body,
        carried=Carried(one.id, proposal.score),
    )


def by_hand(one: Annotation, capture: Capture) -> Carried:
    """Return that a mark now made on a capture takes the place of one on an earlier capture.

    :raises UsageError: it is another item's capture
    """
    if capture.item_id != one.item_id:
        raise UsageError("That capture is of another item.")
    return Carried(one.id, None)


def leave(session: Session, actor: Actor, one: Annotation, capture: Capture | None) -> None:
    """Decide that a mark is not carried over to a capture; None takes that back.

    :raises UsageError: it is another item's capture
    """
    if capture is not None and capture.item_id != one.item_id:
        raise UsageError("That capture is of another item.")
    wanted = capture.id if capture is not None else None
    if one.left_at == wanted:
        return
    before, one.left_at = one.left_at, wanted
    one.row_version += 1
    annotating.record(
        session, EventKind.ANNOTATION_LEAVE, actor, one, {"left_at": before}, {"left_at": wanted}
    )


def proposals(
    session: Session, shown: Sequence[Shown], capture: Capture
) -> list[tuple[Shown, Proposal | None]]:
    """Return, of highlights on other captures, where they would stand in this one.

    Those that were carried on, here or elsewhere, that stem from one here, or whose words are
    marked here already, are left out; None marks an orphan, or a region or stretch of time.
    """
    rendition = session.get(Rendition, capture.id)
    here = [
        one.annotation for one in shown if annotating.stands_on(one.annotation, capture, rendition)
    ]
    carried = {one.annotation.carried_from for one in shown}
    own = {one.id for one in here}
    words = {(one.exact, one.body) for one in here if one.kind is AnnotationKind.TEXT}
    return [
        (one, _proposal(rendition.text if rendition else "", one.annotation))
        for one in shown
        if one.annotation.id not in own
        and one.annotation.id not in carried
        and one.annotation.carried_from not in own
        and (one.annotation.exact, one.annotation.body) not in words
    ]


def open_marks(session: Session, project: Project, *, after: str = "") -> tuple[list[Open], str]:
    """Return marks that the newest capture of their item lacks, and where to go on; "" at the end.

    :param after: id of the last mark shown
    """
    made = aliased(Annotation)
    is_carried = (
        select(made.id)
        .where(
            made.carried_from == Annotation.id,
            made.withdrawn_at.is_(None),
        )
        .exists()
    )
    rows = session.execute(
        select(Annotation, User.display_name, Capture, Item)
        .join(User, User.id == Annotation.made_by)
        .join(Capture, Capture.id == Annotation.capture_id)
        .join(Item, Item.id == Annotation.item_id)
        .outerjoin(Rendition, Rendition.capture_id == Item.latest_capture_id)
        .where(
            Annotation.project_id == project.id,
            Annotation.withdrawn_at.is_(None),
            or_(
                Annotation.capture_id != Item.latest_capture_id,
                and_(
                    Annotation.kind == AnnotationKind.TEXT,
                    Annotation.rendition_sha256 != Rendition.sha256,
                ),
            ),
            or_(Annotation.left_at.is_(None), Annotation.left_at != Item.latest_capture_id),
            ~is_carried,
            Annotation.id > after,
        )
        .order_by(Annotation.id)
        .limit(PAGE + 1)
    ).all()
    found: list[Open] = []
    texts: dict[str, str] = {}
    for annotation, author, capture, item in rows[:PAGE]:
        newest = session.get_one(Capture, item.latest_capture_id)
        if newest.id not in texts:
            rendition = session.get(Rendition, newest.id)
            texts[newest.id] = rendition.text if rendition is not None else ""
        proposal = _proposal(texts[newest.id], annotation)
        standing = Standing.REDO
        if annotation.kind is AnnotationKind.TEXT:
            standing = Standing.PROPOSED if proposal is not None else Standing.ORPHAN
        shown = Shown(annotation, author, capture)
        found.append(Open(shown, item, newest, standing, proposal))
    return found, found[-1].shown.annotation.id if len(rows) > PAGE else ""


def left_marks(session: Session, project: Project) -> list[tuple[Shown, Item]]:
    """Return the marks somebody decided not to carry over to the newest capture."""
    rows = session.execute(
        select(Annotation, User.display_name, Capture, Item)
        .join(User, User.id == Annotation.made_by)
        .join(Capture, Capture.id == Annotation.capture_id)
        .join(Item, Item.id == Annotation.item_id)
        .where(
            Annotation.project_id == project.id,
            Annotation.withdrawn_at.is_(None),
            Annotation.left_at == Item.latest_capture_id,
        )
        .order_by(Annotation.id)
    )
    return [(Shown(one, author, capture), item) for one, author, capture, item in rows]


def _proposal(text: str, one: Annotation) -> Proposal | None:
    if one.kind is not AnnotationKind.TEXT:
        return None
    return anchor(text, annotating.selector_of(one))

"""Highlights: words of a capture's text marked by a person, with what they say of them."""

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
from annotate.models import Annotation, Capture, EventKind, Item, Project, Rendition, User
from annotate.selectors import text as selectors
from annotate.selectors.anchoring import Proposal, anchor
from annotate.selectors.text import TextSelector
from annotate.services.makers import makers_of
from archive.clock import isoformat, utc_now

LONGEST: Final = 20_000  # characters of a remark
_CONTEXT_URL: Final = "http://www.w3.org/ns/anno.jsonld"


@dataclass(frozen=True, slots=True)
class Shown:
    """A highlight with its author's name."""

    annotation: Annotation
    author: str


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
) -> Annotation:
    """Mark words of a capture's text.

    :param start: in code points; without it the quote has to stand in the text just once
    :raises UsageError: the words do not stand there, or in several places
    """
    rendition = _rendition(session, capture)
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
        made_by=actor.user_id,
    )
    session.add(made)
    _record(session, EventKind.ANNOTATION_CREATE, actor, made, None, _said(made))
    return made


def edit(session: Session, actor: Actor, one: Annotation, body: str, *, seen: int) -> None:
    """Say something else of the same words.

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
    before = _said(one)
    one.body, one.changed_at = body, utc_now()
    one.row_version += 1
    _record(session, EventKind.ANNOTATION_EDIT, actor, one, before, _said(one))


def withdraw(session: Session, actor: Actor, one: Annotation) -> None:
    """Take a highlight off; its row and events stay.

    :raises UsageError: it is somebody else's
    """
    if one.made_by != actor.user_id:
        raise UsageError("Only whoever made a highlight takes it off.")
    if one.withdrawn_at is None:
        one.withdrawn_at = utc_now()
        one.row_version += 1
        _record(session, EventKind.ANNOTATION_WITHDRAW, actor, one, _said(one), None)


def carry_over(
    session: Session, actor: Actor, project: Project, one: Annotation, capture: Capture
) -> Annotation:
    """Mark the same words in another capture, as proposed; the old highlight stays.

    :raises UsageError: they are not found there well enough, or it is another item's capture
    """
    if capture.item_id != one.item_id:
        raise UsageError("That capture is of another item.")
    proposal = anchor(_rendition(session, capture).text, selector_of(one))
    if proposal is None:
        raise UsageError("These words are not found in that capture well enough to carry over.")
    found = proposal.selector
    return add(
        session,
        actor,
        project,
        capture,
        quote=found.exact,
        start=found.start,
        end=found.end,
        body=one.body,
    )


def get(session: Session, project: Project, annotation_id: str) -> Annotation:
    """Return a highlight of the project.

    :raises NotFoundError: there is none of that id
    """
    one = session.get(Annotation, annotation_id)
    if one is None or one.project_id != project.id or one.withdrawn_at is not None:
        raise NotFoundError("This project has no such highlight.")
    return one


def of_item(session: Session, item_id: str) -> list[Shown]:
    """Return an item's highlights over all its captures, in the order of the text."""
    rows = session.execute(
        select_rows(Annotation, User.display_name)
        .join(User, User.id == Annotation.made_by)
        .where(Annotation.item_id == item_id, Annotation.withdrawn_at.is_(None))
        .order_by(Annotation.start, Annotation.id)
    )
    makers = makers_of(session, item_id)
    return [
        Shown(one, f"{makers[one.id]}, brought in by {name}" if one.id in makers else name)
        for one, name in rows
    ]


def proposals(
    session: Session, shown: Sequence[Shown], capture: Capture
) -> list[tuple[Shown, Proposal | None]]:
    """Return, of highlights on other captures, where they would stand in this one.

    Those whose words are marked here already are left out; None marks an orphan.
    """
    rendition = _rendition(session, capture)
    here = {(one.annotation.exact, one.annotation.body) for one in shown
            if one.annotation.capture_id == capture.id}  # fmt: skip
    return [
        (one, anchor(rendition.text, selector_of(one.annotation)))
        for one in shown
        if one.annotation.capture_id != capture.id
        and (one.annotation.exact, one.annotation.body) not in here
    ]


def pieces(text: str, shown: Sequence[Shown]) -> list[Piece]:
    """Cut a text where highlights begin and end."""
    held = [one.annotation for one in shown]
    cuts = sorted({0, len(text), *(one.start for one in held), *(one.end for one in held)})
    return [
        Piece(
            text[start:end],
            tuple(one.id for one in held if one.start <= start and end <= one.end),
        )
        for start, end in pairwise(cuts)
    ]


def selector_of(one: Annotation) -> TextSelector:
    """Return where a highlight stands."""
    return TextSelector(one.exact, one.prefix, one.suffix, one.start, one.end)


def json_ld(project: Project, item: Item, shown: Sequence[Shown]) -> dict[str, Any]:
    """Return highlights as a W3C AnnotationCollection with one page; authors by pseudonym."""
    base = f"urn:uuid:{project.id}"
    return {
        "@context": _CONTEXT_URL,
        "id": f"{base}:annotations:{item.id}",
        "type": "AnnotationCollection",
        "label": item.title or item.address,
        "total": len(shown),
        "first": {
            "id": f"{base}:annotations:{item.id}:1",
            "type": "AnnotationPage",
            "startIndex": 0,
            "items": [_annotation(item, one.annotation) for one in shown],
        },
    }


def _annotation(item: Item, one: Annotation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "@context": _CONTEXT_URL,
        "id": f"urn:uuid:{one.id}",
        "type": "Annotation",
        "motivation": "commenting" if one.body else "highlighting",
        "created": isoformat(one.made_at),
        "modified": isoformat(one.changed_at),
        "creator": {"id": f"urn:uuid:{one.made_by}", "type": "Person"},
        "target": {
            "source": item.address,
            "state": {"type": "TimeState", "sourceDate": isoformat(one.made_at)},
            "selector": [
                {
                    "type": "TextQuoteSelector",
                    "exact": one.exact,
                    "prefix": one.prefix,
                    "suffix": one.suffix,
                },
                {"type": "TextPositionSelector", "start": one.start, "end": one.end},
            ],
        },
    }
    if one.body:
        document["body"] = {"type": "TextualBody", "value": one.body, "format": "text/plain"}
    return document


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


def _rendition(session: Session, capture: Capture) -> Rendition:
    rendition = session.get(Rendition, capture.id)
    if rendition is None:
        raise UsageError("This capture has no text to mark words in.")
    return rendition


def _record(
    session: Session, kind: EventKind, actor: Actor, one: Annotation, before: Any, after: Any
) -> None:
    events.record(
        session,
        kind,
        actor=actor,
        covers=[one],
        project_id=one.project_id,
        item=session.get(Item, one.item_id),
        body={"annotation": one.id, "capture": one.capture_id, "text_sha256": one.rendition_sha256},
        before=before,
        after=after,
    )
    session.flush()


def _said(one: Annotation) -> dict[str, Any]:
    return {"exact": one.exact, "start": one.start, "end": one.end, "body": one.body}


def _checked(body: str) -> str:
    plain = body.replace("\r\n", "\n").strip()
    if len(plain) > LONGEST:
        raise UsageError(f"A remark has at most {LONGEST} characters; this one has {len(plain)}.")
    return plain

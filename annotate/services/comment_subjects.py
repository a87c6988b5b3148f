"""What can be commented on, and whether it is there and this person's to comment."""

from __future__ import annotations

from sqlalchemy.orm import Session

from annotate.errors import NotFoundError
from annotate.instrument.codebook import load as load_codebook
from annotate.models import (
    Annotation,
    Assignment,
    Capture,
    CodingRound,
    Comment,
    CommentOn,
    Project,
    RoundState,
    StudyCodebook,
    User,
)
from annotate.services import codebooks, items
from annotate.services.comments import Subject


def find(
    session: Session,
    project: Project,
    user: User,
    on: CommentOn,
    subject_id: str,
    part: str = "",
) -> Subject:
    """Return what is to be commented on.

    :param subject_id: of a unit: the id of an assignment of this person
    :param part: of a codebook: `variable` or `variable=code`; else empty
    :raises NotFoundError: there is no such thing in the project
    """
    if on is CommentOn.ITEM:
        item = items.get_item(session, project.id, subject_id)
        return Subject(on, item.id, item_id=item.id)
    if on in {CommentOn.CAPTURE, CommentOn.HIGHLIGHT}:
        held = (
            session.get(Capture, subject_id)
            if on is CommentOn.CAPTURE
            else session.get(Annotation, subject_id)
        )
        if held is None or held.project_id != project.id:
            raise NotFoundError(f"This project has no such {on.value}.")
        return Subject(on, held.id, item_id=held.item_id)
    if on is CommentOn.CODEBOOK:
        return _codebook(session, project, subject_id, part)
    return _unit(session, project, user, subject_id)


def of_comment(session: Session, one: Comment) -> Subject:
    """Return what a comment is about."""
    return Subject(
        one.on, one.subject, one.part, one.item_id, one.round_id, is_sealed(session, one)
    )


def is_sealed(session: Session, one: Comment) -> bool:
    """Tell whether a comment is about a unit of a round that was never revealed."""
    if one.round_id is None:
        return False
    return session.get_one(CodingRound, one.round_id).state is not RoundState.REVEALED


def _codebook(session: Session, project: Project, codebook_id: str, part: str) -> Subject:
    book = session.get(StudyCodebook, codebook_id)
    if book is None or book.project_id != project.id:
        raise NotFoundError("This project has no such codebook.")
    key, _, code = part.partition("=")
    if part and not any(
        variable is not None and (not code or any(one.key == code for one in variable.codes))
        for held, versions in codebooks.codebooks_of(session, project)
        if held.id == book.id
        for variable in (load_codebook(one.document).variable(key) for one in versions)
    ):
        raise NotFoundError(f"No version of this codebook has “{part}”.")
    return Subject(CommentOn.CODEBOOK, book.id, part)


def _unit(session: Session, project: Project, user: User, assignment_id: str) -> Subject:
    assignment = session.get(Assignment, assignment_id)
    one = session.get(CodingRound, assignment.round_id) if assignment is not None else None
    if (
        assignment is None
        or one is None
        or one.project_id != project.id
        or assignment.coder_id != user.id
    ):
        raise NotFoundError("There is no such unit among those you code.")
    return Subject(
        CommentOn.UNIT,
        assignment.id,
        item_id=assignment.item_id,
        round_id=one.id,
        sealed=one.state is not RoundState.REVEALED,
    )

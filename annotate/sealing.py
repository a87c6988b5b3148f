"""Who may not yet read what is said in comments and memos, as criteria for visibility.py.

Two rules. For everybody: what is said of a unit of a blind round is read by the one who began
the thread and, if it is a question, by those who manage and do not code in that round. It stays so
where the round is withdrawn: nobody revealed it, and its items may be coded blind once more.
For who codes blind, besides: nothing about the items they are blind to, and nothing that their
fellow coders wrote, anywhere in the project, since the round was opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select, union

from annotate.criteria import Criteria
from annotate.models import (
    Assignment,
    Comment,
    CommentVersion,
    Item,
    Memo,
    MemoLink,
    MemoVersion,
    RoundCoder,
    RoundUnit,
)

# Tables, not entities: criteria of the session would otherwise narrow the criteria themselves.
_COMMENT = Comment.__table__.c
_MEMO = Memo.__table__.c
_LINK = MemoLink.__table__.c
_ASSIGNMENT = Assignment.__table__.c
_UNIT = RoundUnit.__table__.c
_ASKING = RoundCoder.__table__.c
_ITEM = Item.__table__.c


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands to the blind rounds of a project."""

    user_id: str
    manages: bool
    sealed: tuple[str, ...]
    """The project's rounds that were not revealed: blind ones, and those withdrawn while blind."""
    coded: tuple[str, ...]
    """Those of them in which they have units."""
    own: tuple[str, ...]
    """Those of these that are blind still."""
    since: datetime | None
    """When the first of their own was opened."""
    further: tuple[str, ...] = ()
    """Items judged the same as units of their own."""


def criteria(standing: Standing) -> Criteria:
    """Return, by entity, what of comments and memos somebody may read now."""
    if not standing.sealed:
        return ()
    if not standing.own:
        readable = select(_COMMENT.id).where(_comments(standing, _COMMENT))
        return (
            (Comment, _comments(standing, Comment)),
            (CommentVersion, CommentVersion.comment_id.in_(readable)),
        )
    readable = select(_COMMENT.id).where(_comments(standing, _COMMENT), _unit_free(standing))
    memos = select(_MEMO.id).where(_memos(standing))
    return (
        (Comment, Comment.id.in_(readable)),
        (CommentVersion, CommentVersion.comment_id.in_(readable)),
        (Memo, Memo.id.in_(memos)),
        (MemoLink, MemoLink.memo_id.in_(memos)),
        (
            MemoVersion,
            and_(
                MemoVersion.memo_id.in_(memos),
                or_(
                    MemoVersion.written_by.not_in(_fellows(standing)),
                    MemoVersion.written_at < standing.since,
                ),
            ),
        ),
    )


def _comments(standing: Standing, on: Any) -> ColumnElement[bool]:
    """The rule for everybody, on an entity or its table."""
    me = standing.user_id
    asked = (
        and_(on.is_question, on.round_id.not_in(standing.coded)) if standing.manages else false()
    )
    open_ones = or_(on.round_id.is_(None), on.round_id.not_in(standing.sealed))
    return or_(open_ones, on.asker_id == me, on.created_by == me, asked)


def _unit_free(standing: Standing) -> ColumnElement[bool]:
    """The rule for who codes blind, on the table of comments."""
    me = standing.user_id
    return or_(
        _COMMENT.created_by == me,
        and_(_COMMENT.asker_id == me, _COMMENT.round_id.is_not(None)),
        and_(
            or_(_COMMENT.item_id.is_(None), _COMMENT.item_id.not_in(_units(standing))),
            or_(
                _COMMENT.created_by.not_in(_fellows(standing)),
                _COMMENT.changed_at < standing.since,
            ),
        ),
    )


def _memos(standing: Standing) -> ColumnElement[bool]:
    about_units = select(_LINK.memo_id).where(_LINK.item_id.in_(_units(standing)))
    return or_(
        _MEMO.changed_by == standing.user_id,
        and_(
            _MEMO.id.not_in(about_units),
            or_(_MEMO.changed_by.not_in(_fellows(standing)), _MEMO.changed_at < standing.since),
        ),
    )


def closed(rounds: tuple[str, ...], further: tuple[str, ...]) -> Any:
    """Select the units of rounds, and further items that are closed with them."""
    units = select(_UNIT.item_id).where(_UNIT.round_id.in_(rounds))
    return union(units, select(_ITEM.id).where(_ITEM.id.in_(further))) if further else units


def _units(standing: Standing) -> Any:
    return closed(standing.own, standing.further)


def _fellows(standing: Standing) -> Any:
    """Select those who code in a round of theirs, but not themselves."""
    return union(
        *(
            select(held.coder_id).where(
                held.round_id.in_(standing.own), held.coder_id != standing.user_id
            )
            for held in (_ASSIGNMENT, _ASKING)  # who waits for a first unit is one of them
        )
    )

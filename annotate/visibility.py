"""What a person may not see while they code blind: one rule, in force for every query.

Who codes in a round that is not revealed sees, of that round's items, no tags, no notes, no
values of proposal fields, no events about them by others, and nobody's codings but their own
(annotate.md §5). `blind` puts the rule on a session; from then on every ORM query of it is
narrowed, whichever view, export, facet or count asks. That an item is sensitive is not hidden,
for it protects; why, and who says so, is. Searches that others saved since the round was opened
are hidden: their names are free text, written by who may see the codings. Words of notes in the
search index are outside the database: blind_engine.py holds them back there. Comments and memos
have rules of their own, one of which is for everybody: sealing.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from sqlalchemy import and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import Session

from annotate import events, sealing
from annotate.criteria import Criteria, Narrowing
from annotate.models import (
    Annotation,
    Assertion,
    Assignment,
    BulkOperation,
    CodingAnswer,
    CodingDraft,
    CodingElsewhere,
    CodingRound,
    Decision,
    EntryJudgement,
    EntryTrace,
    Event,
    EventKind,
    FieldValue,
    FinalAnswer,
    ForeignName,
    HandleUse,
    Item,
    ItemTag,
    Note,
    NoteVersion,
    RegistryEntry,
    RegistryName,
    Relation,
    Role,
    RoundCoder,
    RoundState,
    RoundUnit,
    SameItemJudgement,
    SavedSearch,
    Screening,
    ScreeningOperation,
    SensitiveReason,
    StudyField,
    Tag,
    User,
    ValueDecision,
)
from annotate.sealing import Standing

# Events that stand for what is hidden, also where they name no item.
_TELLING: Final = (
    EventKind.TAG_CREATE,
    EventKind.TAG_ADD,
    EventKind.TAG_REMOVE,
    EventKind.BULK_DO,
    EventKind.BULK_UNDO,
    EventKind.NOTE_CREATE,
    EventKind.NOTE_EDIT,
    EventKind.NOTE_WITHDRAW,
    EventKind.NOTE_RESTORE,
    EventKind.ANNOTATION_CREATE,
    EventKind.ANNOTATION_EDIT,
    EventKind.ANNOTATION_WITHDRAW,
    EventKind.COMMENT_CREATE,
    EventKind.COMMENT_EDIT,
    EventKind.COMMENT_WITHDRAW,
    EventKind.COMMENT_RESTORE,
    EventKind.COMMENT_RESOLVE,
    EventKind.COMMENT_REOPEN,
    EventKind.MEMO_CREATE,
    EventKind.MEMO_EDIT,
    EventKind.MEMO_LINK,
    EventKind.MEMO_UNLINK,
    EventKind.MEMO_WITHDRAW,
    EventKind.MEMO_RESTORE,
    EventKind.ITEM_MARK_SENSITIVE,
    EventKind.ITEM_UNMARK_SENSITIVE,
    EventKind.ANNOTATION_RESTORE,
    EventKind.ANNOTATION_LEAVE,
    EventKind.VALUE_SET,
    EventKind.VALUE_CHECK,
    EventKind.VALUE_DECIDE,
    EventKind.VALUE_UNDECIDE,
    EventKind.DECISION_MAKE,
    EventKind.CODING_SUBMIT,
    EventKind.CODING_IMPORT,
    EventKind.CODING_IMPORT_UNDO,
    EventKind.ITEM_SCREEN,
    EventKind.SCREENING_DO,
    EventKind.SCREENING_UNDO,
    EventKind.ASSIGNMENT_HAND,
    EventKind.ASSIGNMENT_ABANDON,
    EventKind.ASSIGNMENT_PASS,
    EventKind.ASSIGNMENT_RETURN,
    EventKind.ITEM_SAME,
    EventKind.ITEM_UNSAME,
    EventKind.SEARCH_SAVE,
    EventKind.SEARCH_REMOVE,
    EventKind.SEARCH_RESTORE,
)
# Events of the registry: one item they name may be of no blind round while their evidence is.
_REGISTRY: Final = (
    EventKind.ENTRY_CREATE,
    EventKind.ENTRY_CHANGE,
    EventKind.ENTRY_JUDGE,
    EventKind.ENTRY_UNJUDGE,
    EventKind.NAME_CREATE,
    EventKind.NAME_CHANGE,
    EventKind.HANDLE_CREATE,
    EventKind.HANDLE_CHANGE,
    EventKind.ASSERTION_CREATE,
    EventKind.ASSERTION_CHANGE,
    EventKind.RELATION_CREATE,
    EventKind.RELATION_CHANGE,
)
_BLIND: Final = "holdfast.blind"
# Made once: every part of an archived page asks this.
_SEALED_ROUNDS: Final = select(
    CodingRound.id,
    CodingRound.opened_at,
    CodingRound.state,
    or_(
        exists().where(
            Assignment.round_id == CodingRound.id, Assignment.coder_id == bindparam("user_id")
        ),
        exists().where(
            RoundCoder.round_id == CodingRound.id, RoundCoder.coder_id == bindparam("user_id")
        ),
    ).label("own"),
).where(CodingRound.project_id == bindparam("project_id"), CodingRound.state != RoundState.REVEALED)
_WORK: Final = frozenset(
    {
        EventKind.TAG_ADD,
        EventKind.TAG_REMOVE,
        EventKind.NOTE_CREATE,
        EventKind.NOTE_EDIT,
        EventKind.NOTE_WITHDRAW,
        EventKind.NOTE_RESTORE,
        EventKind.ANNOTATION_CREATE,
        EventKind.ANNOTATION_EDIT,
        EventKind.ANNOTATION_WITHDRAW,
        EventKind.COMMENT_CREATE,
        EventKind.COMMENT_EDIT,
        EventKind.COMMENT_WITHDRAW,
        EventKind.COMMENT_RESTORE,
        EventKind.COMMENT_RESOLVE,
        EventKind.COMMENT_REOPEN,
        EventKind.ANNOTATION_RESTORE,
        EventKind.ANNOTATION_LEAVE,
        EventKind.VALUE_SET,
        EventKind.VALUE_DECIDE,
        EventKind.VALUE_UNDECIDE,
        EventKind.RELATION_CREATE,
        EventKind.RELATION_CHANGE,
        EventKind.ITEM_SCREEN,
    }
)


@dataclass(frozen=True, slots=True)
class Blindness:
    """What one person may not see now, to be laid on further sessions as well."""

    rule: Narrowing
    rounds: tuple[str, ...]
    hidden: frozenset[str]
    """The items that are closed to them."""

    def put_on(self, session: Session) -> None:
        """Narrow every query of a session."""
        self.rule.put_on(session, except_for=events.UNNARROWED)

    def stands(self, session: Session) -> bool:
        """Tell whether the same items are closed as of this session's snapshot."""
        return _closed(session, self.rounds)[0] == self.hidden


def blind(session: Session, user: User, project_id: str, role: Role) -> frozenset[str]:
    """Put the rule on a session for a person; return the items they are blind to now."""
    standing = _standing(session, user, project_id, role)
    rounds = standing.own
    hidden, further = _closed(session, rounds) if rounds else (frozenset(), ())
    standing = replace(standing, further=further)
    _talk(standing).put_on(session, except_for=events.UNNARROWED)
    if not rounds:
        return frozenset()
    rule = _rule(user.pseudonym, standing)
    blindness = Blindness(rule, rounds, hidden)
    blindness.put_on(session)
    session.info[_BLIND] = blindness
    events.close_items(
        session,
        hidden,
        _WORK,
        "You code this item blind: its tags, notes and fields are closed to you until the "
        "round is revealed. Put what you noticed into the remark of your answer.",
    )
    return hidden


def is_blind(session: Session) -> bool:
    """Tell whether the rule is on a session: what others may see is not to be shown there."""
    return bool(hidden_items(session))


def hidden_items(session: Session) -> frozenset[str]:
    """Return the items that are closed to the one who asks; empty where nobody codes blind."""
    blindness = blindness_of(session)
    return blindness.hidden if blindness is not None else frozenset()


def blindness_of(session: Session) -> Blindness | None:
    """Return what is on a session; None where nobody codes blind."""
    blindness: Blindness | None = session.info.get(_BLIND)
    return blindness


def _closed(session: Session, rounds: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the units of rounds with all addresses judged the same as one, and these alone.

    What is said of another address of a unit tells as much as what is said of the unit.
    """
    units = select(RoundUnit.item_id).where(RoundUnit.round_id.in_(rounds))
    roots = select(func.coalesce(Item.same_as_id, Item.id)).where(Item.id.in_(units))
    alike = or_(Item.id.in_(roots), Item.same_as_id.in_(roots))
    rows = session.execute(select(Item.id, Item.id.in_(units)).where(alike)).all()
    further = tuple(sorted(item_id for item_id, is_unit in rows if not is_unit))
    return frozenset(item_id for item_id, _is_unit in rows), further


# Both rules are made once for a coder: that costs more than a query.
@lru_cache(maxsize=256)
def _talk(standing: Standing) -> Narrowing:
    """Return the rule for comments and memos."""
    return Narrowing(sealing.criteria(standing))


@lru_cache(maxsize=256)
def _rule(pseudonym: str, standing: Standing) -> Narrowing:
    """Return the rule for one person, their blind rounds, and further addresses of the units."""
    return Narrowing(_criteria(pseudonym, standing))


def _criteria(pseudonym: str, standing: Standing) -> Criteria:
    user_id, rounds = standing.user_id, standing.own
    units = sealing.closed(rounds, standing.further)
    own = select(Assignment.id).where(Assignment.coder_id == user_id)
    # An item that is coded again keeps what was said of it in revealed rounds, too.
    readable = select(Assignment.id).where(
        Assignment.round_id.not_in(rounds), Assignment.item_id.not_in(units)
    )
    proposals = select(StudyField.id).where(StudyField.is_proposal)
    # Tables, not entities: the rule on an entity would narrow what is to be hidden as well.
    notes, entries = Note.__table__.c, RegistryEntry.__table__.c
    hidden_notes = select(notes.id).where(notes.item_id.in_(units))
    mine = Event.actor == pseudonym
    elsewhere = select(ItemTag.tag_id).where(ItemTag.item_id.not_in(units))
    # What rests on a blind item would tell what others read in it; one's own stays in sight.
    told = tuple(
        (
            row,
            or_(
                row.made_by == user_id,
                row.evidence_item_id.is_(None),
                row.evidence_item_id.not_in(units),
            ),
        )
        for row in (RegistryName, HandleUse, Assertion)
    )
    unseen = select(entries.id).where(
        entries.evidence_item_id.in_(units), entries.made_by != user_id
    )
    return (
        *((row, and_(rule, row.entry_id.not_in(unseen))) for row, rule in told),
        (RegistryEntry, RegistryEntry.id.not_in(unseen)),
        (EntryTrace, EntryTrace.entry_id.not_in(unseen)),
        (
            EntryJudgement,
            and_(EntryJudgement.entry_id.not_in(unseen), EntryJudgement.into_id.not_in(unseen)),
        ),
        (
            Relation,
            and_(
                *(
                    or_(Relation.made_by == user_id, column.is_(None), column.not_in(units))
                    for column in (
                        Relation.subject_item_id,
                        Relation.object_item_id,
                        Relation.evidence_item_id,
                    )
                ),
                *(
                    or_(column.is_(None), column.not_in(unseen))
                    for column in (Relation.subject_entry_id, Relation.object_entry_id)
                ),
            ),
        ),
        (
            SameItemJudgement,
            or_(
                SameItemJudgement.judged_by == user_id,
                and_(
                    SameItemJudgement.item_id.not_in(units),
                    SameItemJudgement.same_as_id.not_in(units),
                ),
            ),
        ),
        (ValueDecision, ValueDecision.item_id.not_in(units)),
        (ItemTag, ItemTag.item_id.not_in(units)),
        (Tag, or_(Tag.created_by == user_id, Tag.id.in_(elsewhere))),
        (Note, Note.item_id.not_in(units)),
        (Annotation, Annotation.item_id.not_in(units)),
        (
            SensitiveReason,
            or_(SensitiveReason.item_id.not_in(units), SensitiveReason.marked_by == user_id),
        ),
        (NoteVersion, NoteVersion.note_id.not_in(hidden_notes)),
        (
            FieldValue,
            or_(FieldValue.item_id.not_in(units), FieldValue.field_id.not_in(proposals)),
        ),
        (BulkOperation, BulkOperation.done_by == user_id),
        (
            SavedSearch,
            or_(SavedSearch.created_by == user_id, SavedSearch.created_at < standing.since),
        ),
        (Screening, Screening.item_id.not_in(units)),
        (ScreeningOperation, ScreeningOperation.done_by == user_id),
        (Assignment, or_(Assignment.coder_id == user_id, Assignment.round_id.not_in(rounds))),
        (
            CodingAnswer,
            or_(CodingAnswer.assignment_id.in_(own), CodingAnswer.assignment_id.in_(readable)),
        ),
        (CodingDraft, CodingDraft.assignment_id.in_(own)),
        (CodingElsewhere, CodingElsewhere.item_id.not_in(units)),
        (
            ForeignName,
            or_(ForeignName.item_id.is_(None), ForeignName.item_id.not_in(units)),
        ),
        (Decision, Decision.item_id.not_in(units)),
        (FinalAnswer, FinalAnswer.item_id.not_in(units)),
        (
            Event,
            or_(
                mine,
                Event.kind.not_in((*_TELLING, *_REGISTRY)),
                Event.kind.not_in(_REGISTRY)
                & Event.item_id.is_not(None)
                & Event.item_id.not_in(units),
            ),
        ),
    )


def _standing(session: Session, user: User, project_id: str, role: Role) -> Standing:
    asked = {"project_id": project_id, "user_id": user.id}
    sealed = session.execute(_SEALED_ROUNDS, asked).all()
    if not sealed:
        return Standing(user.id, manages=False, sealed=(), coded=(), own=(), since=None)
    coded = [one for one in sealed if one.own]
    own = [(one.id, one.opened_at) for one in coded if one.state is RoundState.BLIND]
    return Standing(
        user.id,
        manages=role in {Role.OWNER, Role.MANAGER},
        sealed=tuple(one.id for one in sealed),
        coded=tuple(one.id for one in coded),
        own=tuple(one for one, _opened in own),
        since=min((opened for _one, opened in own), default=None),
    )

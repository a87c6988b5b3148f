"""Coding: the stream of one coder's units, drafts, and sealed submissions."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, StaleSaveError, UsageError
from annotate.events import Actor
from annotate.instrument import answers as instrument
from annotate.instrument.answers import Given
from annotate.instrument.codebook import Codebook
from annotate.instrument.codebook import load as load_codebook
from annotate.models import (
    Assignment,
    CodebookVersion,
    CodingAnswer,
    CodingDraft,
    CodingRound,
    EventKind,
    Project,
    RoundCoder,
    RoundState,
    RoundUnit,
    User,
)
from annotate.services.evidence import anchored
from annotate.services.registry.answers import as_registered
from annotate.services.sources import Source
from archive.clock import utc_now

_LONGEST_SITTING: Final = 24 * 3600  # seconds believed of one form


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit before its coder."""

    assignment: Assignment
    round: CodingRound
    codebook: Codebook
    version: CodebookVersion
    capture_id: str | None
    given: Mapping[str, Given]
    """The draft, else what was submitted."""
    draft: CodingDraft | None

    @property
    def drafted(self) -> bool:
        """Something is kept that was not sealed."""
        return self.draft is not None

    @property
    def seconds(self) -> int:
        """Spent on the draft."""
        return self.draft.seconds if self.draft is not None else 0


def get_unit(session: Session, project: Project, coder: User, assignment_id: str) -> Unit:
    """Return a coder's own unit.

    :raises NotFoundError: there is none of that id, or it is somebody else's
    """
    query = (
        select(
            Assignment,
            CodingRound,
            CodebookVersion,
            RoundUnit.capture_id,
            CodingDraft,
            CodingAnswer,
        )
        .join(CodingRound, CodingRound.id == Assignment.round_id)
        .join(CodebookVersion, CodebookVersion.id == CodingRound.version_id)
        .join(
            RoundUnit,
            (RoundUnit.round_id == Assignment.round_id) & (RoundUnit.item_id == Assignment.item_id),
        )
        .outerjoin(CodingDraft, CodingDraft.assignment_id == Assignment.id)
        .outerjoin(
            CodingAnswer,
            (CodingAnswer.assignment_id == Assignment.id)
            & (CodingAnswer.version == Assignment.version),
        )
        .where(
            Assignment.id == assignment_id,
            Assignment.coder_id == coder.id,
            CodingRound.project_id == project.id,
        )
    )
    found = session.execute(query).first()
    if found is None:
        raise NotFoundError("There is no such unit among those you code.")
    assignment, one, version, capture_id, draft, answer = found
    held = draft.answers if draft is not None else (answer.answers if answer is not None else "")
    return Unit(
        assignment=assignment,
        round=one,
        codebook=load_codebook(version.document),
        version=version,
        capture_id=capture_id,
        given=instrument.load(held),
        draft=draft,
    )


def next_unit(
    session: Session, one: CodingRound, coder: User, *, after: int = -1
) -> Assignment | None:
    """Return the coder's next unit without a submission, going round once from `after`."""
    open_units = (
        select(Assignment)
        .where(
            Assignment.round_id == one.id,
            Assignment.coder_id == coder.id,
            Assignment.version == 0,
            Assignment.abandoned_at.is_(None),
        )
        .order_by(Assignment.position)
    )
    later = session.scalars(open_units.where(Assignment.position > after).limit(1)).first()
    return later or session.scalars(open_units.limit(1)).first()


def neighbours(session: Session, assignment: Assignment) -> tuple[str | None, str | None]:
    """Return the ids of the coder's units before and after one."""
    own = select(Assignment.id).where(
        Assignment.round_id == assignment.round_id, Assignment.coder_id == assignment.coder_id
    )
    at = assignment.position
    before = own.where(Assignment.position < at).order_by(Assignment.position.desc()).limit(1)
    behind = own.where(Assignment.position > at).order_by(Assignment.position).limit(1)
    return session.scalar(before), session.scalar(behind)


def open_work(session: Session, project: Project, coder: User) -> list[tuple[CodingRound, int]]:
    """Return the blind rounds a person codes in, with how many units they have left.

    Of a round whose units are handed out one by one, that is the one they have open.
    """
    left = case(((Assignment.version == 0) & Assignment.abandoned_at.is_(None), 1))
    rows = session.execute(
        select(CodingRound, func.count(left))
        .outerjoin(
            Assignment,
            (Assignment.round_id == CodingRound.id) & (Assignment.coder_id == coder.id),
        )
        .where(
            CodingRound.project_id == project.id,
            CodingRound.state == RoundState.BLIND,
            Assignment.id.is_not(None)
            | CodingRound.id.in_(
                select(RoundCoder.round_id).where(RoundCoder.coder_id == coder.id)
            ),
        )
        .group_by(CodingRound.id)
        .order_by(CodingRound.id)
    )
    return [(one, number) for one, number in rows]


def save_draft(session: Session, unit: Unit, given: Mapping[str, Given], seconds: int) -> None:
    """Keep what is typed, unchecked; it outlives a crash of browser and server.

    :raises UsageError: the round is revealed or withdrawn
    """
    _refuse_ended(unit)
    document = instrument.dump(given)
    draft = unit.draft
    if draft is None:
        draft = CodingDraft(assignment_id=unit.assignment.id, answers=document)
        session.add(draft)
    draft.answers, draft.saved_at = document, utc_now()
    draft.seconds = _believed(seconds)
    session.flush()


def submit(
    session: Session,
    actor: Actor,
    project: Project,
    unit: Unit,
    given: Mapping[str, Given],
    *,
    seen: int,
    seconds: int,
    sources: Sequence[Source] = (),
) -> CodingAnswer:
    """Seal a coder's answers: the next version, its event holding a commitment only.

    :param seen: the version the form began from, 0 for none
    :param seconds: spent on the form
    :param sources: the pictures and films that regions and ranges of time may stand on
    :raises UsageError: an answer is missing or unfit, its evidence is not in the capture,
        or the round is revealed or withdrawn
    :raises StaleSaveError: the coder submitted elsewhere in between
    """
    _refuse_ended(unit)
    named = as_registered(session, project, unit.codebook, given)
    kept = instrument.checked(unit.codebook, named)
    document = instrument.dump(kept)
    assignment = unit.assignment
    if assignment.version != seen:
        held = session.get_one(CodingAnswer, (assignment.id, assignment.version))
        raise StaleSaveError(
            "You submitted this unit in another window meanwhile. These answers are kept as "
            "a draft; nothing was overwritten.",
            theirs=held.answers,
            yours=document,
            version=assignment.version,
        )
    selectors = anchored(session, unit.capture_id, kept, sources)
    nonce = secrets.token_hex(32)
    assignment.version += 1
    assignment.abandoned_at = None  # whoever comes back with answers has coded the unit
    answer = CodingAnswer(
        assignment_id=assignment.id,
        version=assignment.version,
        answers=document,
        selectors=json.dumps(selectors, ensure_ascii=False, sort_keys=True),
        seconds=_believed(seconds),
        nonce=nonce,
        commitment=commitment(nonce, document),
    )
    session.add(answer)
    if unit.draft is not None:
        session.delete(unit.draft)
    events.record(
        session,
        EventKind.CODING_SUBMIT,
        actor=actor,
        covers=[assignment, answer],
        project_id=project.id,
        # No item: who coded what, and when, is nobody's to read before the reveal.
        body={
            "assignment": assignment.id,
            "version": answer.version,
            "codebook": unit.version.id,
            "commitment": answer.commitment,
        },
    )
    session.flush()
    return answer


def commitment(nonce: str, document: str) -> str:
    """Return the SHA-256, in hex, of the nonce, a line end, and the answers as stored."""
    return hashlib.sha256(f"{nonce}\n{document}".encode()).hexdigest()


def _refuse_ended(unit: Unit) -> None:
    if unit.round.state is RoundState.WITHDRAWN:
        raise UsageError(
            "This round was withdrawn: nothing of it counts, and nothing was saved. What you had "
            "typed before stays with you, under this unit."
        )
    if unit.round.state is RoundState.REVEALED:
        raise UsageError("This round was revealed; its answers stand. Disagreements are settled.")


def _believed(seconds: int) -> int:
    return max(0, min(seconds, _LONGEST_SITTING))

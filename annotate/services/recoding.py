"""Coding again what a new codebook version asks anew: which units, and a round of exactly those.

What stands of a unit is what its coders last answered in the latest revealed round with an
earlier version, and what was decided there. Those answers keep the meaning of their version;
`instrument/carrying.py` says what they mean in the newer words, and where only people can say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotAllowedError, UsageError
from annotate.events import Actor
from annotate.instrument import answers as instrument
from annotate.instrument.answers import Given
from annotate.instrument.carrying import ASKS, Fate, Step, carry, steps
from annotate.instrument.codebook import Codebook, load
from annotate.models import (
    Assignment,
    CodebookVersion,
    CodingAnswer,
    CodingDraft,
    CodingRound,
    Decision,
    Item,
    Project,
    RoundState,
    RoundUnit,
    User,
    VersionState,
)
from annotate.services import rounds
from annotate.services.rounds import Plan

_DECIDED = ""  # stands for a coder's id where the answer is a decision


@dataclass(frozen=True, slots=True)
class Touched:
    """One step to a version, with what it touches."""

    step: Step
    answers: int
    """Answers that have what the step is about; decisions count as answers."""
    units: tuple[str, ...]
    """Ids of the items that have such an answer and were not coded again yet, sorted."""

    @property
    def asks(self) -> bool:
        """Whether these units are coded again, unless whoever manages says otherwise."""
        return self.step.fate in ASKS


@dataclass(frozen=True, slots=True)
class Migration:
    """What is to be carried over to a version."""

    version: CodebookVersion
    touched: tuple[Touched, ...]
    addresses: Mapping[str, str]
    """Of the touched units, by item id."""
    coders: tuple[User, ...]
    """Who coded with the earlier versions, by name."""
    blind_rounds: int
    """Rounds of earlier versions not looked into: they are still blind."""

    def queue(self, chosen: Collection[str] | None = None) -> list[str]:
        """Return the units of the chosen steps; without a choice, of those that ask for people."""
        return sorted(
            {
                item_id
                for one in self.touched
                if (one.asks if chosen is None else one.step.key in chosen)
                for item_id in one.units
            }
        )


@dataclass(slots=True)
class _Standing:
    """What stands of the units: by item, the version it was coded with and who gave what."""

    books: dict[str, Codebook]
    version_of: dict[str, str]
    given: dict[str, dict[str, Mapping[str, Given]]]
    """By item id and coder id."""


def migration(session: Session, project: Project, version: CodebookVersion) -> Migration:
    """Say what carrying answers over to a version touches. It may be a draft still.

    :raises NotAllowedError: the one who asks codes some of the units blind
    """
    new = load(version.document)
    standing = _standing(session, project, version)
    done = _coded_since(session, version)
    found: dict[Step, list[str]] = {}
    numbers: dict[Step, int] = defaultdict(int)
    for book in standing.books.values():
        for step in steps(book, new):
            found.setdefault(step, [])
    for item_id, given in sorted(standing.given.items()):
        old = standing.books[standing.version_of[item_id]]
        met = [step for answers in given.values() for step in carry(old, new, answers).met]
        met += [step for step in steps(old, new) if step.fate is Fate.ADDED]
        for step in met:
            numbers[step] += step.fate is not Fate.ADDED
        if item_id not in done:
            for step in dict.fromkeys(met):
                found.setdefault(step, []).append(item_id)
    touched = tuple(
        Touched(step, numbers[step], tuple(item_ids)) for step, item_ids in found.items()
    )
    units = {item_id for one in touched for item_id in one.units}
    rows = session.execute(select(Item.id, Item.address).where(Item.id.in_(units)))
    who = {coder for given in standing.given.values() for coder in given if coder != _DECIDED}
    named = select(User).where(User.id.in_(who)).order_by(User.display_name, User.id)
    return Migration(
        version=version,
        touched=touched,
        addresses=dict(rows.all()),
        coders=tuple(session.scalars(named)),
        blind_rounds=_blind_rounds(session, version),
    )


def open_recoding(
    session: Session,
    actor: Actor,
    project: Project,
    version: CodebookVersion,
    plan: Plan,
    chosen: Sequence[str] | None = None,
) -> CodingRound:
    """Open a blind round of exactly the units that are to be coded again.

    Who coded a unit before finds their own answers as a draft, but for what changed.

    :param plan: query and size are of no account
    :param chosen: keys of the steps whose units are coded again; None: those that ask for it
    :raises UsageError: the version is a draft, a step is unknown, or no unit is left
    :raises NotAllowedError: the one who asks codes some of the units blind
    """
    if version.state is not VersionState.FROZEN:
        raise UsageError("Freeze this version first: units are coded again with words that stay.")
    held = migration(session, project, version)
    known = [one.step.key for one in held.touched]
    unknown = sorted(set(chosen or ()) - set(known))
    if unknown:
        raise UsageError(f"This version has no step {', '.join(unknown)}.")
    units = held.queue(chosen)
    if not units:
        raise UsageError("No unit is left to be coded again.")
    wanted = [one.step.key for one in held.touched if _chosen(one, chosen)]
    opened = rounds.open_round(
        session,
        actor,
        project,
        version,
        replace(plan, query="", size=0, strata_field="", recodes=tuple(wanted)),
        units,
    )
    _keep_own(session, project, version, opened)
    return opened


def _chosen(one: Touched, chosen: Sequence[str] | None) -> bool:
    return bool(one.units) and (one.asks if chosen is None else one.step.key in chosen)


def _keep_own(
    session: Session, project: Project, version: CodebookVersion, opened: CodingRound
) -> None:
    """Put what each coder answered before into their drafts, but for what is asked anew."""
    standing = _standing(session, project, version)
    new = load(version.document)
    mine = select(Assignment).where(Assignment.round_id == opened.id)
    for one in session.scalars(mine.execution_options(**events.UNNARROWED)):
        answers = standing.given.get(one.item_id, {}).get(one.coder_id)
        if answers is None:
            continue
        kept = carry(standing.books[standing.version_of[one.item_id]], new, answers).answers
        if kept:
            session.add(CodingDraft(assignment_id=one.id, answers=instrument.dump(kept)))
    session.flush()


def _earlier_rounds(
    session: Session, project: Project, version: CodebookVersion
) -> list[tuple[CodingRound, CodebookVersion]]:
    """Return the revealed rounds with earlier versions, in the order of their reveal."""
    rows = session.execute(
        select(CodingRound, CodebookVersion)
        .join(CodebookVersion, CodebookVersion.id == CodingRound.version_id)
        .where(
            CodingRound.project_id == project.id,
            CodingRound.state == RoundState.REVEALED,
            CodebookVersion.codebook_id == version.codebook_id,
            CodebookVersion.number < version.number,
        )
        .order_by(CodingRound.revealed_at, CodingRound.id)
    )
    return [(one, book) for one, book in rows]


def _standing(session: Session, project: Project, version: CodebookVersion) -> _Standing:
    found = _Standing({}, {}, {})
    for one, book in _earlier_rounds(session, project, version):
        found.books[book.id] = load(book.document)
        for item_id, given in _given(session, one).items():
            found.given[item_id] = given
            found.version_of[item_id] = book.id
    return found


def _given(session: Session, one: CodingRound) -> dict[str, dict[str, Mapping[str, Given]]]:
    """Return a round's answers by item and coder; decisions stand beside them.

    :raises NotAllowedError: some of them are hidden from the one who asks
    """
    query = (
        select(Assignment.item_id, Assignment.coder_id, CodingAnswer.answers)
        .join(
            CodingAnswer,
            (CodingAnswer.assignment_id == Assignment.id)
            & (CodingAnswer.version == Assignment.version),
        )
        .where(Assignment.round_id == one.id, Assignment.again.is_(False))
    )
    rows = session.execute(query).all()
    whole = select(func.count()).select_from(query.subquery())
    if session.scalar(whole.execution_options(**events.UNNARROWED)) != len(rows):
        raise NotAllowedError(
            "You code some of these units blind, so what others answered to them is hidden from "
            "you. Somebody who does not code them opens the re-coding, or you after the reveal."
        )
    found: dict[str, dict[str, Mapping[str, Given]]] = defaultdict(dict)
    for item_id, coder_id, document in rows:
        found[item_id][coder_id] = instrument.load(document)
    decided: dict[tuple[str, str], str] = {}
    made = select(Decision).where(Decision.round_id == one.id).order_by(Decision.id)
    for decision in session.scalars(made):
        decided[decision.item_id, decision.variable] = decision.answer
    for (item_id, _variable), document in decided.items():
        kept = {**found[item_id].get(_DECIDED, {}), **instrument.load(document)}
        found[item_id][_DECIDED] = kept
    return found


def _coded_since(session: Session, version: CodebookVersion) -> set[str]:
    """Return the items that are in a round with this version or a later one."""
    query = (
        select(RoundUnit.item_id)
        .join(CodingRound, CodingRound.id == RoundUnit.round_id)
        .join(CodebookVersion, CodebookVersion.id == CodingRound.version_id)
        .where(
            CodingRound.state != RoundState.WITHDRAWN,
            CodebookVersion.codebook_id == version.codebook_id,
            CodebookVersion.number >= version.number,
        )
    )
    return set(session.scalars(query))


def _blind_rounds(session: Session, version: CodebookVersion) -> int:
    query = (
        select(func.count(CodingRound.id))
        .join(CodebookVersion, CodebookVersion.id == CodingRound.version_id)
        .where(
            CodingRound.state == RoundState.BLIND,
            CodebookVersion.codebook_id == version.codebook_id,
            CodebookVersion.number < version.number,
        )
    )
    return session.scalar(query) or 0

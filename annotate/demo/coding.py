"""The study coded: its two coders' answers through the services a form uses, then settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.demo.results import path_of
from annotate.demo.study import Decision as StudyDecision
from annotate.demo.study import Study
from annotate.instrument.answers import NO, YES, Given
from annotate.instrument.codebook import Code, Codebook, Condition, Variable, VariableType
from annotate.models import Assignment, CodingRound, Item, Project, Role, User
from annotate.services import adjudication, codebooks, coding, people, projects, reliability, rounds
from annotate.services.people import actor_of

INCLUDE: Final = "include"
NARRATIVE: Final = "narrative"
ROUND_NAME: Final = "First round"
_SEED: Final = 546
_DIGITS: Final = 4  # of the fractions in expected.json


def code_study(session: Session, owner: User, project: Project, study: Study) -> CodingRound | None:
    """Freeze a codebook, open a blind round of the study's coders, enter their answers, reveal.

    None where the study's coders answered nothing of what the project holds.
    """
    given = _by_coder(session, project, study.decisions)
    units = sorted({item_id for held in given.values() for item_id in held})
    if not units:
        return None
    actor = actor_of(owner)
    coders = [_member(session, owner, project, login) for login in sorted(given)]
    version = codebooks.create(session, actor, project, _codebook(study))
    codebooks.freeze(session, actor, project, version)
    plan = rounds.Plan(
        name=ROUND_NAME,
        query="",
        size=0,
        seed=_SEED,
        coders_per_unit=len(coders),
        coders=coders,
    )
    opened = rounds.open_round(session, actor, project, version, plan, units)
    for coder in coders:
        _enter(session, project, opened, coder, given[coder.login])
    rounds.reveal(session, actor, project, opened)
    adjudication.refresh(session, opened)
    return opened


def settle_by_truth(
    session: Session, owner: User, project: Project, study: Study, one: CodingRound
) -> int:
    """Settle every disagreement as the planted truth has it; return how many there were."""
    truth = {post.url: post for post in study.posts}
    held = reliability.sheet(session, one)
    disputes = adjudication.disputes(session, held)
    for dispute in disputes:
        post = truth[path_of(dispute.address)]
        answers = _answers(include=post.include, narrative=post.narrative)
        adjudication.decide(
            session,
            actor_of(owner),
            project,
            held,
            item_id=dispute.item_id,
            variable=dispute.variable,
            given=answers.get(dispute.variable, Given()),
            rationale="the study's planted truth",
        )
    return len(disputes)


def agreement_of(session: Session, one: CodingRound) -> dict[str, dict[str, Any]]:
    """Return the agreement in the keys of a study's expected.json."""
    names = {
        "": INCLUDE,
        reliability.NONE_COUNTS_LABEL: f"{NARRATIVE} (none counts as a value)",
        reliability.ASKED_OF_ALL_LABEL: f"{NARRATIVE} (items both include)",
    }
    found: dict[str, dict[str, Any]] = {}
    for report in reliability.report(reliability.sheet(session, one)):
        numbers = {
            "percent": _rounded(report.agreement.percent),
            "krippendorff_alpha_nominal": _rounded(report.agreement.alpha),
        }
        if report.policy == reliability.ASKED_OF_ALL_LABEL:
            numbers = {"n": report.agreement.units} | numbers
        found[names[report.policy]] = numbers
    return found


def _codebook(study: Study) -> Codebook:
    narratives = sorted({one.narrative for one in study.decisions if one.narrative})
    return Codebook(
        "Posts",
        "Read the post as its page shows it. A post counts when a state-controlled account "
        "promotes a foreign creator.",
        (
            Variable(
                INCLUDE,
                "Does the post count?",
                VariableType.BOOLEAN,
                "Posted within the window by a state-controlled account, promoting a creator.",
            ),
            Variable(
                NARRATIVE,
                "Which story does it tell?",
                VariableType.NOMINAL,
                "The one that carries the post; where two do, the more political one.",
                condition=Condition(INCLUDE, (YES,)),
                codes=tuple(_codes(narratives)),
            ),
        ),
    )


def _codes(narratives: Sequence[str]) -> list[Code]:
    codes: dict[str, Code] = {}
    for name in narratives:
        group, _, rest = name.partition("/")
        if rest:
            codes.setdefault(group, Code(group, group, codable=False))
        codes[name] = Code(name, rest.replace("-", " ") or name, parent=group if rest else None)
    return list(codes.values())


def _by_coder(
    session: Session, project: Project, decisions: Sequence[StudyDecision]
) -> dict[str, dict[str, StudyDecision]]:
    items = {
        path_of(address): item_id
        for item_id, address in session.execute(
            select(Item.id, Item.address).where(
                Item.project_id == project.id, Item.same_as_id.is_(None)
            )
        )
    }
    found: dict[str, dict[str, StudyDecision]] = defaultdict(dict)
    for one in decisions:
        if one.url in items:
            found[one.coder][items[one.url]] = one
    return found


def _enter(
    session: Session,
    project: Project,
    one: CodingRound,
    coder: User,
    given: Mapping[str, StudyDecision],
) -> None:
    held = session.scalars(
        select(Assignment)
        .where(Assignment.round_id == one.id, Assignment.coder_id == coder.id)
        .order_by(Assignment.position)
    ).all()
    for assignment in held:
        decision = given.get(assignment.item_id)
        if decision is None:
            continue
        unit = coding.get_unit(session, project, coder, assignment.id)
        answers = _answers(include=decision.include, narrative=decision.narrative)
        coding.submit(session, actor_of(coder), project, unit, answers, seen=0, seconds=0)


def _answers(*, include: bool, narrative: str | None) -> dict[str, Given]:
    answers = {INCLUDE: Given((YES if include else NO,))}
    if include and narrative:
        answers[NARRATIVE] = Given((narrative,))
    return answers


def _member(session: Session, owner: User, project: Project, login: str) -> User:
    shown = login.replace("_", " ").capitalize()
    made = people.create_user(session, actor_of(owner), login=login, display_name=shown)
    projects.set_member(session, actor_of(owner), project, made, Role.CODER)
    return made


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)

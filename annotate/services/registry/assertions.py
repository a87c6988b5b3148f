"""Dated statements about entries: what, on what basis, shown where, and who disputes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.events import Actor
from annotate.models import Assertion, EventKind, Project, RegistryEntry
from annotate.services.registry import evidence as resting
from annotate.services.registry import keeping
from annotate.services.registry.entries import clean
from annotate.services.registry.evidence import Evidence

CONTROLLED: Final = "state-controlled"  # the statement that decides what counts (decisions 12)
YES: Final = "yes"
NO: Final = "no"


@dataclass(frozen=True, slots=True)
class AssertionSpec:
    """A statement about to be made; both days included, None is open."""

    property: str
    value: str
    basis: str
    valid_from: date | None = None
    valid_to: date | None = None
    disputed_by: str = ""


def state(
    session: Session,
    actor: Actor,
    project: Project,
    entry: RegistryEntry,
    spec: AssertionSpec,
    evidence: Evidence,
) -> Assertion:
    """State something of an entry.

    :raises UsageError: there is no evidence, or a part is missing or ill-formed
    """
    row = write(session, actor, project, entry, spec, evidence)
    session.flush()
    return row


def write(
    session: Session,
    actor: Actor,
    project: Project,
    entry: RegistryEntry,
    spec: AssertionSpec,
    evidence: Evidence,
) -> Assertion:
    """State something, and leave the flush to the caller.

    :raises UsageError: there is no evidence, or a part is missing or ill-formed
    """
    resting.require(evidence)
    row = Assertion(
        project_id=project.id,
        entry_id=entry.id,
        made_by=actor.user_id,
        **_checked(spec),
        **evidence.columns,
    )
    keeping.add(session, actor, project, row, EventKind.ASSERTION_CREATE)
    return row


def change(
    session: Session,
    actor: Actor,
    project: Project,
    row: Assertion,
    spec: AssertionSpec,
    evidence: Evidence,
    *,
    seen: int,
    reason: str = "",
) -> None:
    """Give a statement other words, days or evidence.

    :raises StaleSaveError: somebody saved in between
    :raises UsageError: there is no evidence, or a part is missing or ill-formed
    """
    resting.require(evidence)
    values = _checked(spec) | evidence.columns
    keeping.change(session, actor, project, row, values, seen=seen, reason=reason)


def assertions_of(session: Session, entry_ids: Sequence[str]) -> list[Assertion]:
    """Return all statements about entries, those taken back too, oldest first."""
    query = select(Assertion).where(Assertion.entry_id.in_(entry_ids))
    return list(session.scalars(query.order_by(Assertion.property, Assertion.id)))


def _checked(spec: AssertionSpec) -> dict[str, Any]:
    keeping.in_order(spec.valid_from, spec.valid_to)
    said = {name: clean(getattr(spec, name)) for name in ("property", "value", "basis")}
    for name, value in said.items():
        if not value:
            raise UsageError(f"Say the {name} of the statement. Nothing was saved.")
        if len(value) > (120 if name == "property" else 300):
            raise UsageError(f"The {name} is too long. Nothing was saved.")
    if said["property"] == CONTROLLED and said["value"].casefold() not in {YES, NO}:
        raise UsageError(f"{CONTROLLED} is answered yes or no. Nothing was saved.")
    if said["property"] == CONTROLLED:
        said["value"] = said["value"].casefold()
    return said | {
        "valid_from": spec.valid_from,
        "valid_to": spec.valid_to,
        "disputed_by": spec.disputed_by.strip(),
    }

"""Kinds of relations: those every project has, and those it added."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import NameTakenError, UsageError
from annotate.events import Actor
from annotate.models import EventKind, Project, RelationType
from annotate.services.registry import keeping
from annotate.services.registry.entries import clean

ENDS: Final = ("item", "account", "entity", "work")
AUTHORED: Final = "authored-by"
PROMOTES: Final = "promotes"
BELONGS: Final = "belongs-to"
OWNED: Final = "owned-by"
EMBEDS: Final = "embeds"
PART: Final = "part-of"
_KEY: Final = re.compile(r"[a-z][a-z0-9-]{0,59}")


@dataclass(frozen=True, slots=True)
class TypeSpec:
    """A kind of relation, read from subject to object and back."""

    key: str
    label: str
    inverse: str
    subject: str
    object: str


# What every project has; counting and searching know the meaning of the first six.
COMMON: Final = (
    TypeSpec(AUTHORED, "authored by", "author of", "item", "account"),
    TypeSpec(PROMOTES, "promotes", "promoted by", "item", "account"),
    TypeSpec(BELONGS, "belongs to", "has the account", "account", "entity"),
    TypeSpec(OWNED, "owned by", "owns", "entity", "entity"),
    TypeSpec(EMBEDS, "embeds", "embedded in", "item", "work"),
    TypeSpec(PART, "part of", "has the part", "work", "work"),
    TypeSpec("mentions", "mentions", "mentioned by", "item", "account"),
    TypeSpec("reposts", "reposts", "reposted by", "item", "item"),
    TypeSpec("made-by", "made by", "maker of", "work", "entity"),
    TypeSpec("published-by", "published by", "publisher of", "work", "account"),
    TypeSpec("employs", "employs", "employed by", "entity", "entity"),
    TypeSpec("shows", "shows", "shown in", "item", "entity"),
)


def types_of(session: Session, project: Project) -> dict[str, TypeSpec]:
    """Return the kinds of relations of a project by key."""
    query = select(RelationType).where(
        RelationType.project_id == project.id, RelationType.withdrawn_at.is_(None)
    )
    own = [
        TypeSpec(one.key, one.label, one.inverse, one.subject, one.object)
        for one in session.scalars(query.order_by(RelationType.id))
    ]
    return {one.key: one for one in (*COMMON, *own)}


def add_type(session: Session, actor: Actor, project: Project, spec: TypeSpec) -> RelationType:
    """Add a kind of relation to a project.

    :raises UsageError: its key, an end or a label is ill-formed
    :raises NameTakenError: the project has one of that key
    """
    if not _KEY.fullmatch(spec.key):
        raise UsageError("A key has small letters, digits and -, and begins with a letter.")
    if spec.subject not in ENDS or spec.object not in ENDS:
        raise UsageError(f"A relation goes from and to one of {', '.join(ENDS)}.")
    label, inverse = clean(spec.label), clean(spec.inverse)
    if not label or not inverse or max(len(label), len(inverse)) > 120:
        raise UsageError("Say how the relation reads in both directions, in 120 characters each.")
    taken = select(RelationType.id).where(
        RelationType.project_id == project.id, RelationType.key == spec.key
    )
    if spec.key in {one.key for one in COMMON} or session.scalar(taken):
        raise NameTakenError(f"This project has a relation {spec.key!r} already.")
    row = RelationType(
        project_id=project.id,
        key=spec.key,
        label=label,
        inverse=inverse,
        subject=spec.subject,
        object=spec.object,
        made_by=actor.user_id,
    )
    keeping.add(session, actor, project, row, EventKind.RELATION_TYPE_CREATE)
    session.flush()
    return row

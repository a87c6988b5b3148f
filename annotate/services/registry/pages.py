"""All there is to say of one entry, with what was merged into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.models import (
    Assertion,
    EntryJudgement,
    HandleUse,
    Item,
    Project,
    RegistryEntry,
    RegistryName,
    User,
)
from annotate.services.label_index import labels_of
from annotate.services.live import Happening
from annotate.services.registry import assertions, entries, finding, keeping, merging, relations
from annotate.services.registry.finding import Number
from annotate.services.registry.relations import Shown


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One entry as its page shows it; rows of merged entries stand among its own."""

    entry: RegistryEntry
    group: tuple[RegistryEntry, ...]
    reference: str
    names: tuple[RegistryName, ...]
    handles: tuple[HandleUse, ...]
    assertions: tuple[tuple[Assertion, Item | None], ...]
    contradicting: frozenset[str]
    """Ids of statements that stand at one time with another value."""
    relations: tuple[Shown, ...]
    judgements: tuple[tuple[EntryJudgement, RegistryEntry, RegistryEntry], ...]
    numbers: tuple[Number, ...]
    history: tuple[Happening, ...]
    evidence: Item | None
    people: dict[str, str]


def entry_page(session: Session, project: Project, entry: RegistryEntry, zone: tzinfo) -> EntryPage:
    """Gather all there is to say of an entry."""
    group = entries.group_of(session, entry)
    ids = [one.id for one in group]
    labels = labels_of(session, project.id)
    root = labels.known.roots.get(entry.id, entry.id)
    held = labels.known.entries.get(root)
    said = assertions.assertions_of(session, ids)
    judged = merging.judgements_of(session, ids)
    return EntryPage(
        entry=entry,
        group=tuple(group),
        reference=labels.known.references.get(root, entry.label),
        names=tuple(entries.names_of(session, ids)),
        handles=tuple(entries.handles_of(session, ids)),
        assertions=tuple((one, _item(session, one.evidence_item_id)) for one in said),
        contradicting=contradicting(said),
        relations=tuple(relations.of_entries(session, project, ids)),
        judgements=tuple(
            (
                one,
                session.get_one(RegistryEntry, one.entry_id),
                session.get_one(RegistryEntry, one.into_id),
            )
            for one in judged
        ),
        numbers=tuple(finding.numbers_of(session, project, labels, held, zone)) if held else (),
        history=tuple(keeping.history(session, ids)),
        evidence=_item(session, entry.evidence_item_id),
        people={row[0]: row[1] for row in session.execute(select(User.id, User.display_name))},
    )


def contradicting(said: Sequence[Assertion]) -> frozenset[str]:
    """Return the statements that stand at one time with another of another value."""
    found = set()
    standing = [one for one in said if one.withdrawn_at is None]
    for one in standing:
        for other in standing:
            apart = (
                one.valid_to is not None
                and other.valid_from is not None
                and one.valid_to < other.valid_from
            ) or (
                other.valid_to is not None
                and one.valid_from is not None
                and other.valid_to < one.valid_from
            )
            if one.property == other.property and one.value != other.value and not apart:
                found.add(one.id)
    return frozenset(found)


def _item(session: Session, item_id: str | None) -> Item | None:
    return session.get(Item, item_id) if item_id is not None else None

"""Finding entries by any of their names in any script; saying which one a written name means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import EntryKind, Project, RegistryEntry
from annotate.services.fields import fields_of
from annotate.services.folding import fold
from annotate.services.label_index import Labels, labels_of
from annotate.services.reasons import attributed
from annotate.services.registry.assertions import CONTROLLED
from annotate.services.registry.known import HeldAssertion, HeldEntry, Known

SUGGESTED: Final = 20
_CLAUSES: Final = {
    EntryKind.ACCOUNT: (("authors", "account"), ("creators", "creator")),
    EntryKind.ENTITY: (("entities", "entity"),),
    EntryKind.WORK: (("works", "work"),),
}


@dataclass(frozen=True, slots=True)
class Number:
    """How many items an entry has in one part, and the search that lists exactly those."""

    words: str
    number: int
    query: str


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as the list of the registry shows it."""

    entry: HeldEntry
    reference: str
    other_names: tuple[str, ...]
    controlled: HeldAssertion | None
    """What is said of its state control today."""
    numbers: tuple[Number, ...]


def matching(known: Known, text: str, kind: EntryKind | None = None) -> list[HeldEntry]:
    """Return the entries that have a name or handle with these words in it, best first."""
    wanted = fold(text.removeprefix("@"))
    best: dict[str, int] = {}
    for name, ids in known.names.items():
        at = name.find(wanted)
        if at < 0:
            continue
        rank = 0 if name == wanted else 1 if at == 0 else 2
        for entry_id in ids:
            best[entry_id] = min(rank, best.get(entry_id, 9))
    found = [known.entries[one] for one in best if one in known.entries]
    fitting = [one for one in found if kind is None or one.kind is kind]
    return sorted(fitting, key=lambda one: (best[one.id], fold(one.label), one.id))


def suggestions(known: Known, text: str, kind: EntryKind | None = None) -> list[tuple[str, str]]:
    """Return what to offer while somebody types: how an entry is written, and what it is."""
    return [
        (known.references[one.id], ", ".join(filter(None, (one.label, one.platform, one.category))))
        for one in matching(known, text, kind)[:SUGGESTED]
    ]


def lines(
    session: Session, project: Project, entries: Iterable[HeldEntry], zone: tzinfo, today: date
) -> list[Line]:
    """Return entries as the list shows them."""
    labels = labels_of(session, project.id)
    known = labels.known
    names: dict[str, list[str]] = {}
    for name, ids in known.names.items():
        for entry_id in ids:
            names.setdefault(entry_id, []).append(name)
    return [
        Line(
            one,
            known.references[one.id],
            tuple(
                name
                for name in names.get(one.id, ())
                if name not in {fold(one.label), fold(one.handle)}
            ),
            known.holds(one.id, CONTROLLED, today),
            tuple(numbers_of(session, project, labels, one, zone)),
        )
        for one in entries
    ]


def numbers_of(
    session: Session, project: Project, labels: Labels, entry: HeldEntry, zone: tzinfo
) -> list[Number]:
    """Return how many items an entry has, each number with the search that lists them."""
    fields = fields_of(session, project.id)
    reference = labels.known.references[entry.id]
    counts = labels.once("counting ones", lambda: labels.every - labels.same.keys(), of=("items",))
    found = []
    for what, clause in _CLAUSES[entry.kind]:
        held = attributed(labels, fields, zone, what).get(reference, frozenset()) & counts
        escaped = reference.replace("\\", "\\\\").replace('"', '\\"')
        found.append(Number(what, len(held), f'{clause}:"{escaped}"'))
    return found


def resolve(
    session: Session, project: Project, written: str, kinds: Sequence[EntryKind]
) -> RegistryEntry:
    """Return the entry that a written reference or name means.

    :raises UsageError: none or several are called so; names those it could be
    """
    known = labels_of(session, project.id).known
    text = written.strip()
    found = [one for one in known.called(text) if known.entries[one].kind in kinds]
    words = " or ".join(kind.value for kind in kinds)
    if not found:
        near = [one for one in matching(known, text) if one.kind in kinds] if text else []
        offer = ", ".join(known.references[one.id] for one in near[:5])
        raise UsageError(
            f"The registry has no {words} called {text!r}. "
            + (f"Did you mean: {offer}? " if offer else "Add it to the registry first. ")
            + "Nothing was saved."
        )
    if len(found) > 1:
        offer = ", ".join(sorted(known.references[one] for one in found))
        raise UsageError(
            f"Several are called {text!r}: {offer}. Write one of these. Nothing was saved."
        )
    entry = session.scalar(select(RegistryEntry).where(RegistryEntry.id == found[0]))
    if entry is None:
        raise UsageError(f"The {words} {text!r} is gone from the registry. Nothing was saved.")
    return entry

"""Whose an item is and whom it promotes: the list's claims, and the registry where it knows more.

A claimed handle is looked up in the registry as of the day of the post, on the item's platform.
Relations written with evidence go before the claims of the author, and are added to the claims of
those promoted, which may be several. A handle that the registry does not know stands for itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from annotate.models import EntryKind
from annotate.services.held_links import HeldRelation
from annotate.services.label_index import Labels
from annotate.services.registry.assertions import CONTROLLED, YES
from annotate.services.registry.known import Known
from annotate.services.registry.types import AUTHORED, EMBEDS, PROMOTES

THE_LIST: Final = "the list alone"
NOT_THEN: Final = "no statement for that time"


@dataclass(frozen=True, slots=True)
class Attribution:
    """What the registry makes of one item's claims on one day."""

    authors: tuple[str, ...]  # as they are written in results and searches
    creators: tuple[str, ...]
    entities: tuple[str, ...]
    works: tuple[str, ...]
    controlled: bool
    bases: tuple[str, ...]  # what the word on state control rests on


@dataclass(frozen=True, slots=True)
class Claims:
    """What of an item's fields attribution goes by."""

    authors: Sequence[str]
    promoted: Sequence[str]
    platform: str
    controlled: bool
    relations: Sequence[HeldRelation] = ()


def attribute(known: Known, claims: Claims, day: date | None) -> Attribution:
    """Say whose an item of that day is, and what its author is held to be."""
    if not known.entries:
        return Attribution(
            tuple(claims.authors), tuple(claims.promoted), (), (),
            claims.controlled, (THE_LIST,) if claims.controlled else (),
        )  # fmt: skip
    written = _related(known, claims, AUTHORED)
    authors = written or [_account(known, claims, handle, day) for handle in claims.authors]
    creators = [
        *(_account(known, claims, handle, day) for handle in claims.promoted),
        *_related(known, claims, PROMOTES),
    ]
    accounts = [one for one in authors if one in known.entries]
    entities = {owner for one in accounts for owner in known.owners(one, day)}
    works: set[str] = set()
    for relation in claims.relations:
        root = known.roots.get(relation.entry_id)
        if root is None:
            continue
        if known.entries[root].kind is EntryKind.ENTITY:
            entities.add(root)
        if relation.type == EMBEDS:
            works |= known.wholes(root)
    controlled, bases = _control(known, claims, authors, day)
    return Attribution(
        _written(known, authors),
        _written(known, creators),
        _written(known, sorted(entities)),
        _written(known, sorted(works)),
        controlled,
        bases,
    )


def relations_by_item(labels: Labels) -> Mapping[str, tuple[HeldRelation, ...]]:
    """Return relations by the item that counts, of all its addresses."""
    if not labels.same:
        return labels.relations

    def grouped() -> dict[str, tuple[HeldRelation, ...]]:
        found: dict[str, list[HeldRelation]] = defaultdict(list)
        for item_id, held in labels.relations.items():
            found[labels.same.get(item_id, item_id)].extend(held)
        return {item_id: tuple(held) for item_id, held in found.items()}

    return labels.once("relations by item", grouped, of=("items", "relations"))


def _related(known: Known, claims: Claims, kind: str) -> list[str]:
    return [
        known.roots[one.entry_id]
        for one in claims.relations
        if one.type == kind and one.entry_id in known.roots
    ]


def _account(known: Known, claims: Claims, handle: str, day: date | None) -> str:
    """Return the id of the account, or the handle itself where the registry knows none."""
    return known.account_of(handle, claims.platform, day) or handle


def _written(known: Known, found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(known.references.get(one, one) for one in found))


def _control(
    known: Known, claims: Claims, authors: Sequence[str], day: date | None
) -> tuple[bool, tuple[str, ...]]:
    """Tell whether an author was state-controlled on the day, and on what basis.

    Where the registry says anything of an account at all, it decides; else what it says of the
    entities the account belonged to; else the list does.
    """
    spoken = [one for one in authors if known.said(one, CONTROLLED)]
    if not spoken:
        behind = {owner for one in authors for owner in known.owners(one, day)}
        spoken = [one for one in sorted(behind) if known.said(one, CONTROLLED)]
    if not spoken:
        return claims.controlled, (THE_LIST,) if claims.controlled else ()
    held = [known.holds(one, CONTROLLED, day) for one in spoken]
    bases = [one.basis for one in held if one is not None and one.value == YES]
    return bool(bases), tuple(dict.fromkeys(bases)) or (NOT_THEN,)

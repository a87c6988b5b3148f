"""The labels of a project as they are held in memory, and what is made of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from annotate.models import ObservedState, ValueSource, ValueState
from annotate.services.held_links import HeldRelation
from annotate.services.held_verdicts import HeldVerdict
from annotate.services.registry.known import Known
from archive.capture.outcome import Outcome

Made = TypeVar("Made")
NAMES: Final = frozenset({"registry", "sweep names", "tag names"})
"""The parts that are read as a whole."""
HELD_AS: Final = {
    "captures": "captures",
    "items": "items",
    "notes": "noted",
    "relations": "relations",
    "screening": "screened",
    "sensitive": "sensitive",
    "sweeps": "sweeps",
    "tags": "tags",
    "values": "values",
}
"""By part, the field of the labels that holds it."""
READ: Final = frozenset(HELD_AS)
"""The parts of labels that are read for each item."""
ANYTHING: Final = "anything"  # changes with every event
_KEPT_ON: Final = 100  # derived things kept on; more (of other zones, say) are begun anew


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """The columns of an item that searches and facets use."""

    address: str
    host: str
    language: str | None
    outcome: Outcome | None
    capture_id: str | None
    captured_at: datetime | None
    same_as_id: str | None
    observed: ObservedState | None = None


@dataclass(frozen=True, slots=True)
class HeldValue:
    """One current value of a study field."""

    value: str
    raw: str
    instant: datetime | None
    source: ValueSource
    state: ValueState


@dataclass(frozen=True, slots=True)
class HeldCapture:
    """When a capture was made, and how it went."""

    captured_at: datetime
    outcome: Outcome


@dataclass(slots=True)
class Labels:
    """The labels of one project as they stood at `position`, by item id. Read, never changed."""

    position: int = -1
    content: int = -1  # the last event that changed anything a list shows; an export is none
    items: dict[str, ItemFacts] = field(default_factory=dict)
    tags: dict[str, tuple[str, ...]] = field(default_factory=dict)  # ids of tags
    tag_names: dict[str, tuple[str, str]] = field(default_factory=dict)  # id: shown, folded
    values: dict[str, dict[str, tuple[HeldValue, ...]]] = field(default_factory=dict)  # by field id
    noted: frozenset[str] = frozenset()
    sensitive: frozenset[str] = frozenset()
    captures: dict[str, tuple[HeldCapture, ...]] = field(default_factory=dict)
    relations: dict[str, tuple[HeldRelation, ...]] = field(default_factory=dict)
    sweeps: dict[str, tuple[str, ...]] = field(default_factory=dict)  # ids of those that found it
    sweep_names: dict[str, str] = field(default_factory=dict)
    known: Known = field(default_factory=Known)  # the registry
    screened: dict[str, tuple[HeldVerdict, ...]] = field(default_factory=dict)  # one, or none
    derived: dict[Any, tuple[frozenset[str], Any]] = field(default_factory=dict)
    """What was made from these, each with the parts it was made of."""

    def once(self, key: Any, make: Callable[[], Made], of: Collection[str] = (ANYTHING,)) -> Made:
        """Return what `make` makes of these labels, made once for as long as they stand.

        :param of: the parts it is made of (of `READ` and `NAMES`); while none of them changes
            it is kept on, so that a bulk tag leaves what has nothing to do with tags as it is
        """
        held = self.derived.get(key)
        if held is None:
            held = self.derived[key] = (frozenset(of), make())
        return cast("Made", held[1])

    def copied(self, parts: Iterable[str]) -> Labels:
        """Return labels of which these parts can be changed; the others are shared."""
        made = replace(self, derived={})
        for part in READ.intersection(parts):
            held = getattr(self, HELD_AS[part])
            if part == "values":
                made.values = {key: dict(of_field) for key, of_field in held.items()}
            elif isinstance(held, dict):
                setattr(made, HELD_AS[part], dict(held))
        return made

    def kept_on(self, parts_changed: Collection[str]) -> dict[Any, tuple[frozenset[str], Any]]:
        """Return what was derived of other parts; nothing where too much has gathered."""
        derived = list(self.derived.items())
        if len(derived) > _KEPT_ON:
            return {}
        return {key: held for key, held in derived if held[0].isdisjoint(parts_changed)}

    @property
    def same(self) -> dict[str, str]:
        """Return, of items judged the same as another, the one that counts."""
        return self.once(
            "same",
            lambda: {
                item_id: facts.same_as_id
                for item_id, facts in self.items.items()
                if facts.same_as_id is not None
            },
            of=("items",),
        )

    @property
    def every(self) -> frozenset[str]:
        """Return the ids of all items."""
        return self.once("every", lambda: frozenset(self.items), of=("items",))

    def bearing(self, tag_id: str) -> frozenset[str]:
        """Return the items that bear a tag."""
        by_tag = self.once("by tag", lambda: _inverted(self.tags.items()), of=("tags",))
        return by_tag.get(tag_id, frozenset())

    def valued(self, field_id: str) -> dict[str, frozenset[str]]:
        """Return, by value of a field, the items that have it."""
        held = self.values.get(field_id, {})
        return self.once(
            ("by value", field_id),
            lambda: _inverted(
                (item_id, tuple(one.value for one in values)) for item_id, values in held.items()
            ),
            of=("values",),
        )


def _inverted(pairs: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for item_id, names in pairs:
        for name in names:
            found[name].add(item_id)
    return {name: frozenset(ids) for name, ids in found.items()}

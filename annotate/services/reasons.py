"""Why each item counts, whose it is, and when it was posted: made of the labels, and kept on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, tzinfo
from typing import Final

from annotate.models import Project, StudyField
from annotate.services import counting
from annotate.services.attribution import Attribution
from annotate.services.held_labels import HeldValue, Labels
from annotate.services.zones import local_day

WHY_PARTS: Final = (
    "captures", "items", "registry", "relations", "screening", "sweep names", "sweeps", "values",
)  # fmt: skip
"""The parts of the labels that say why an item counts, and whose it is."""


def days_of(labels: Labels, field: StudyField, zone: tzinfo) -> dict[str, tuple[date, ...]]:
    """Return the claimed days of items, as local days; a day-precise date is its own day."""

    def day(one: HeldValue) -> date:
        if one.instant is not None:
            return local_day(one.instant, zone)
        return date.fromisoformat(one.value[:10])

    held = labels.values.get(field.id, {})
    return labels.once(
        ("days", field.id, str(zone)),
        lambda: {item_id: tuple(day(one) for one in values) for item_id, values in held.items()},
        of=("values",),
    )


def attributed(
    labels: Labels, fields: Iterable[StudyField], zone: tzinfo, what: str
) -> dict[str, frozenset[str]]:
    """Return items by what they are attributed to: `what` is a field of an `Attribution`."""
    keys = {field.id: field.key for field in fields}

    def every() -> dict[str, Attribution]:
        return {one.item_id: one.attribution(zone) for one in _facts(labels, keys)}

    def grouped() -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for item_id, one in labels.once(
            ("attributions", str(zone), tuple(sorted(keys))), every, of=WHY_PARTS
        ).items():
            for value in getattr(one, what):
                found[value].add(item_id)
        return {value: frozenset(ids) for value, ids in found.items()}

    return labels.once(("attributed", what, str(zone), tuple(sorted(keys))), grouped, of=WHY_PARTS)


def whys_of(
    labels: Labels, project: Project, fields: Iterable[StudyField], zone: tzinfo
) -> dict[str, counting.Why]:
    """Return why each item counts or does not."""
    keys = {field.id: field.key for field in fields}
    return labels.once(
        ("whys", project.window_from, project.window_to, str(zone), tuple(sorted(keys))),
        lambda: {
            facts.item_id: counting.why(facts, project, zone) for facts in _facts(labels, keys)
        },
        of=WHY_PARTS,
    )


def _facts(labels: Labels, keys: Mapping[str, str]) -> list[counting.Facts]:
    """Return what counting needs of every item, read once for as long as nothing of it changes."""
    return labels.once(
        ("facts", tuple(sorted(keys))), lambda: counting.facts_from(labels, keys), of=WHY_PARTS
    )

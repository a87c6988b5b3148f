"""Counting a study: which items count, and why the others do not.

What counts (decisions 5): a date within the study's window, in whole local days of the
reporting zone; an author that is state-controlled; at least one account promoted; something
captured; and nobody excluded it in screening. Items judged the same count once. All else is read
from field values and, where it knows more, from the registry as of the day of the post
(decisions 12); never from the coders' marks. The tables stand in counted_tables.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from datetime import date, tzinfo
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.models import Project, StudyField, Verdict
from annotate.services.attribution import Attribution, Claims, attribute, relations_by_item
from annotate.services.held_links import HeldRelation
from annotate.services.label_index import HeldValue, Labels, labels_of
from annotate.services.registry.known import Known
from annotate.services.zones import local_day
from archive.capture.outcome import Outcome

CONTROLLED_KEY: Final = "author_state_controlled"
POSTED_KEY: Final = "posted_at"
PROMOTES_KEY: Final = "promotes"
AUTHOR_KEY: Final = "author"
PLATFORM_KEY: Final = "platform"
SEEN: Final = (Outcome.COMPLETE, Outcome.PARTIAL)  # outcomes in which the post itself was kept


class Why(StrEnum):
    """Why an item counts or does not; each item has exactly one."""

    COUNTED = "counted"
    SAME = "shows the same as another item"
    EXCLUDED = "excluded by screening"
    NOT_CAPTURED = "not captured yet"
    NO_DATE = "no date"
    OUTSIDE = "outside the window"
    NOT_CONTROLLED = "author not state-controlled"
    NO_CREATOR = "promotes nobody"


@dataclass(frozen=True, slots=True)
class Facts:
    """What counting needs of one item: current values by field key, and its date."""

    item_id: str
    address: str
    captured: bool
    same_as_id: str | None
    values: dict[str, tuple[str, ...]]
    posted: HeldValue | None
    observed: str = "none"
    """What a later visit saw of it; none: nobody looked again."""
    relations: tuple[HeldRelation, ...] = ()
    sweeps: tuple[str, ...] = ()
    """Names of the sweeps that found it."""
    known: Known = made_by(default_factory=Known)
    excluded: bool = False
    """Somebody said in screening that it is not in the study."""

    def day(self, zone: tzinfo) -> date | None:
        """Return the local day of the claimed date; a day-precise date is its own day."""
        if self.posted is None:
            return None
        if self.posted.instant is not None:
            return local_day(self.posted.instant, zone)
        return date.fromisoformat(self.posted.value[:10])

    def attribution(self, zone: tzinfo) -> Attribution:
        """Return whose it is and whom it promotes, as of its local day."""
        claims = Claims(
            authors=self.values.get(AUTHOR_KEY, ()),
            promoted=self.values.get(PROMOTES_KEY, ()),
            platform=next(iter(self.values.get(PLATFORM_KEY, ())), ""),
            controlled=self.values.get(CONTROLLED_KEY) == ("yes",),
            relations=self.relations,
        )
        return attribute(self.known, claims, self.day(zone))


@dataclass(frozen=True, slots=True)
class Cell:
    """One number, and the search whose list has exactly that many rows."""

    label: str
    number: int
    query: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of numbers; `key` is its name in results.json."""

    key: str
    title: str
    cells: tuple[Cell, ...]


def why(facts: Facts, project: Project, zone: tzinfo) -> Why:
    """Say why one item counts or does not; the first reason that holds, in this order."""
    day = facts.day(zone)
    whose = facts.attribution(zone)
    reasons: Sequence[tuple[bool, Why]] = (
        (facts.same_as_id is not None, Why.SAME),
        (facts.excluded, Why.EXCLUDED),
        (not facts.captured, Why.NOT_CAPTURED),
        (day is None, Why.NO_DATE),
        (day is not None and not _within(day, project), Why.OUTSIDE),
        (not whose.controlled, Why.NOT_CONTROLLED),
        (not whose.creators, Why.NO_CREATOR),
    )
    return next((reason for holds, reason in reasons if holds), Why.COUNTED)


def load_facts_of_items(
    session: Session, project_id: str, item_id: str | None = None
) -> list[Facts]:
    """Read what counting needs of every item of the project, or of one."""
    labels = labels_of(session, project_id)
    query = select(StudyField.id, StudyField.key).where(StudyField.project_id == project_id)
    keys = {row[0]: row[1] for row in session.execute(query)}
    return facts_from(labels, keys, None if item_id is None else [item_id])


def facts_from(
    labels: Labels, keys: Mapping[str, str], item_ids: Iterable[str] | None = None
) -> list[Facts]:
    """Return what counting needs of every item, or of some.

    :param keys: the fields' keys by their ids
    """
    same = labels.same
    related = relations_by_item(labels)
    seen = labels.once("seen", lambda: _seen(labels), of=("captures", "items"))
    posted = [labels.values.get(field_id, {}) for field_id, key in keys.items()
              if key == POSTED_KEY]  # fmt: skip
    held = [(key, labels.values.get(field_id, {})) for field_id, key in keys.items()]
    return [
        Facts(
            item_id=item_id,
            address=labels.items[item_id].address,
            captured=same.get(item_id, item_id) in seen,
            same_as_id=same.get(item_id),
            values=_values(held, item_id),
            posted=posted[0][item_id][-1] if posted and item_id in posted[0] else None,
            observed=labels.items[item_id].observed or "none",
            relations=related.get(item_id, ()),
            sweeps=tuple(
                labels.sweep_names[one]
                for one in labels.sweeps.get(item_id, ())
                if one in labels.sweep_names
            ),
            known=labels.known,
            excluded=any(
                one.verdict is Verdict.EXCLUDED for one in labels.screened.get(item_id, ())
            ),
        )
        for item_id in (labels.items if item_ids is None else item_ids)
        if item_id in labels.items
    ]


def _seen(labels: Labels) -> frozenset[str]:
    """Return the items of which any address was seen in a capture."""
    same = labels.same
    return frozenset(
        same.get(item_id, item_id)
        for item_id, held in labels.captures.items()
        if any(one.outcome in SEEN for one in held)
    )


def _values(
    held: Sequence[tuple[str, Mapping[str, Sequence[HeldValue]]]], item_id: str
) -> dict[str, tuple[str, ...]]:
    return {
        key: (some[0].value,) if len(some) == 1 else tuple(one.value for one in some)
        for key, by_item in held
        if (some := by_item.get(item_id))
    }


def _within(day: date, project: Project) -> bool:
    after_start = project.window_from is None or day >= project.window_from
    return after_start and (project.window_to is None or day <= project.window_to)


def quoted(key: str, value: str) -> str:
    """Write one `field:"value"` clause of the query language."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{key}:"{escaped}"'


IS_WORDS: Final = {reason: reason.name.lower().replace("_", "-") for reason in Why}

"""Counting a study: which items count, and every table with the search that lists its rows.

What counts (decisions 5): a date within the study's window, in whole local days of the
reporting zone; an author that is state-controlled; at least one account promoted; something
captured; and nobody excluded it in screening. Items judged the same count once. All else is read
from field values and, where it
knows more, from the registry as of the day of the post (decisions 12); never from the coders'
marks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.models import FieldValue, Project, StudyField, ValueSource, ValueState, Verdict
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


@dataclass(frozen=True, slots=True)
class Standing:
    """How many of the counted items' checked values rest on what."""

    field_key: str
    field_label: str
    list_alone: Cell
    differs: Cell


@dataclass(frozen=True, slots=True)
class Results:
    """All that the results page shows, for one window and one zone."""

    zone: str
    scope: tuple[Cell, ...]
    first_post: str | None
    last_post: str | None
    sharers: int
    creators: int
    tables: tuple[Table, ...]
    standings: tuple[Standing, ...]

    @property
    def posts(self) -> int:
        """How many items count."""
        return self.scope[0].number


def count(session: Session, project: Project, *, zone: tzinfo) -> Results:
    """Count the project in `zone`."""
    everything = load_facts_of_items(session, project.id)
    whys = {facts.item_id: why(facts, project, zone) for facts in everything}
    counted = [facts for facts in everything if whys[facts.item_id] is Why.COUNTED]
    dated = sorted(counted, key=_instant)
    tables = tuple(_table(spec, counted, zone) for spec in _TABLES if spec.speaks_of(counted, zone))
    by_key = {table.key: table for table in tables}
    return Results(
        zone=str(zone),
        scope=_scope(Counter(whys.values())),
        first_post=_raw(dated[0]) if dated else None,
        last_post=_raw(dated[-1]) if dated else None,
        sharers=len(by_key["by_sharer"].cells),
        creators=len(by_key["by_influencer"].cells),
        tables=tables,
        standings=_standings(session, project.id, {facts.item_id for facts in counted}),
    )


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


def _instant(facts: Facts) -> tuple[datetime | str, ...]:
    posted = facts.posted
    if posted is None:
        return ("",)
    return (posted.instant.isoformat() if posted.instant else posted.value, facts.item_id)


def _raw(facts: Facts) -> str:
    return facts.posted.raw if facts.posted is not None else ""


def _scope(whys: Counter[Why]) -> tuple[Cell, ...]:
    return tuple(Cell(reason.value, whys[reason], f"is:{IS_WORDS[reason]}") for reason in Why)


@dataclass(frozen=True, slots=True)
class _TableSpec:
    key: str
    title: str
    values: Callable[[Facts, tzinfo], Iterable[str]]
    clause: Callable[[str], str]
    by_label: bool = False  # else: largest first, equal counts by label
    optional: bool = False  # shown only where there is anything in it

    def speaks_of(self, counted: Sequence[Facts], zone: tzinfo) -> bool:
        """Tell whether the table says anything: what was seen later, only where somebody looked."""
        if self.key == "seen_after_capture":
            return any(one.observed != "none" for one in counted)
        return not self.optional or any(any(self.values(one, zone)) for one in counted)


def _field(key: str) -> Callable[[Facts, tzinfo], Iterable[str]]:
    return lambda facts, _zone: facts.values.get(key, ())


def _month(facts: Facts, zone: tzinfo) -> Iterable[str]:
    day = facts.day(zone)
    return () if day is None else (f"{day:%Y-%m}",)


def _group(facts: Facts, _zone: tzinfo) -> Iterable[str]:
    return {value.partition("/")[0] for value in facts.values.get("narrative", ())}


def quoted(key: str, value: str) -> str:
    """Write one `field:"value"` clause of the query language."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{key}:"{escaped}"'


_TABLES: Final = (
    _TableSpec(
        "by_sharer",
        "By account",
        lambda facts, zone: facts.attribution(zone).authors,
        lambda v: quoted("account", v),
    ),
    _TableSpec(
        "by_influencer",
        "By creator",
        lambda facts, zone: facts.attribution(zone).creators,
        lambda v: quoted("creator", v),
    ),
    _TableSpec(
        "by_entity",
        "By entity behind the account",
        lambda facts, zone: facts.attribution(zone).entities,
        lambda v: quoted("entity", v),
        optional=True,
    ),
    _TableSpec(
        "by_work",
        "By work shown",
        lambda facts, zone: facts.attribution(zone).works,
        lambda v: quoted("work", v),
        optional=True,
    ),
    _TableSpec(
        "by_basis",
        "What the word on state control rests on",
        lambda facts, zone: facts.attribution(zone).bases,
        lambda v: quoted("basis", v),
    ),
    _TableSpec("by_month", "By month", _month, lambda v: f"month:{v}", by_label=True),
    _TableSpec("by_platform", "By platform", _field("platform"), lambda v: quoted("platform", v)),
    _TableSpec("by_language", "By language", _field("language"), lambda v: quoted("language", v)),
    _TableSpec(
        "by_narrative", "By narrative", _field("narrative"), lambda v: quoted("narrative", v)
    ),
    _TableSpec(
        "by_narrative_group", "By narrative group", _group, lambda v: quoted("narrative", v + "/*")
    ),
    _TableSpec(
        "seen_after_capture",
        "Seen after capture",
        lambda facts, _zone: (facts.observed,),
        lambda v: quoted("observed", v),
    ),
)
IS_WORDS: Final = {reason: reason.name.lower().replace("_", "-") for reason in Why}


def _table(spec: _TableSpec, counted: Sequence[Facts], zone: tzinfo) -> Table:
    numbers = Counter(value for facts in counted for value in spec.values(facts, zone))
    ordered = sorted(
        numbers.items(), key=lambda pair: pair[0] if spec.by_label else (-pair[1], pair[0])
    )
    return Table(
        key=spec.key,
        title=spec.title,
        cells=tuple(
            Cell(value, number, f"is:counted {spec.clause(value)}") for value, number in ordered
        ),
    )


def _standings(session: Session, project_id: str, counted: set[str]) -> tuple[Standing, ...]:
    """Of each checked field: counted items whose value only the list supports, or that differ."""
    rows = session.execute(
        select(StudyField, FieldValue)
        .join(FieldValue, FieldValue.field_id == StudyField.id)
        .where(
            StudyField.project_id == project_id,
            StudyField.check != "none",
            FieldValue.current,
            FieldValue.source != ValueSource.CAPTURE,
        )
        .order_by(StudyField.position)
    )
    alone: dict[str, set[str]] = {}
    differ: dict[str, set[str]] = {}
    labels: dict[str, str] = {}
    for field, value in rows:
        labels[field.key] = field.label
        alone.setdefault(field.key, set())
        differ.setdefault(field.key, set())
        if value.item_id not in counted:
            continue
        if value.state is ValueState.DIFFERS:
            differ[field.key].add(value.item_id)
        elif value.state is not ValueState.AGREES and value.source is ValueSource.LIST:
            alone[field.key].add(value.item_id)
    return tuple(
        Standing(
            field_key=key,
            field_label=label,
            list_alone=Cell(
                "rest on the list alone", len(alone[key]), f"is:counted list-alone:{key}"
            ),
            differs=Cell("differ from the page", len(differ[key]), f"is:counted differs:{key}"),
        )
        for key, label in labels.items()
    )

"""The tables of a study's results, every number with the search whose list has that many rows.

A table says what the address that counts is: what is said of addresses judged the same as it adds
nothing. Lists find an item by any of its addresses; so where those say more, the search of a
number asks for what the item `counts-as`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from sqlalchemy.orm import Session

from annotate.models import FieldCheck, Project, ValueSource
from annotate.services.counting import (
    IS_WORDS,
    Cell,
    Facts,
    Table,
    Why,
    load_facts_of_items,
    quoted,
    why,
)
from annotate.services.fields import fields_of
from annotate.services.label_index import Labels, labels_of
from annotate.services.standings import differing, list_alone


@dataclass(frozen=True, slots=True)
class Standing:
    """Of a field that is checked: of how many counted items the values rest on what."""

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
    variants = _variants(everything, {facts.item_id for facts in counted})
    dated = sorted(counted, key=_instant)
    tables = tuple(
        _table(spec, counted, variants, zone) for spec in _TABLES if spec.speaks_of(counted, zone)
    )
    by_key = {table.key: table for table in tables}
    return Results(
        zone=str(zone),
        scope=_scope(Counter(whys.values())),
        first_post=_raw(dated[0]) if dated else None,
        last_post=_raw(dated[-1]) if dated else None,
        sharers=len(by_key["by_sharer"].cells),
        creators=len(by_key["by_influencer"].cells),
        tables=tables,
        standings=_standings(session, project, {facts.item_id for facts in counted}),
    )


def _instant(facts: Facts) -> tuple[datetime | str, ...]:
    posted = facts.posted
    if posted is None:
        return ("",)
    return (posted.instant.isoformat() if posted.instant else posted.value, facts.item_id)


def _raw(facts: Facts) -> str:
    return facts.posted.raw if facts.posted is not None else ""


def _scope(whys: Counter[Why]) -> tuple[Cell, ...]:
    return tuple(Cell(reason.value, whys[reason], f"is:{IS_WORDS[reason]}") for reason in Why)


Clauses = tuple[tuple[str, str], ...]
"""Labels by name and value; a list shows what any of them fits."""
_COUNTED: Final = f"is:{IS_WORDS[Why.COUNTED]}"


@dataclass(frozen=True, slots=True)
class _TableSpec:
    key: str
    title: str
    values: Callable[[Facts, tzinfo], Iterable[str]]
    clause: Callable[[str], Clauses]
    by_label: bool = False  # else: largest first, equal counts by label
    wide: bool = False  # lists find an item by this of any of its addresses
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


def _clause(key: str) -> Callable[[str], Clauses]:
    return lambda value: ((key, value),)


def _group_clause(value: str) -> Clauses:
    """A group has what lies below it, and what is called just as the group."""
    return (("narrative", value), ("narrative", f"{value}/*"))


_TABLES: Final = (
    _TableSpec(
        "by_sharer",
        "By account",
        lambda facts, zone: facts.attribution(zone).authors,
        _clause("account"),
    ),
    _TableSpec(
        "by_influencer",
        "By creator",
        lambda facts, zone: facts.attribution(zone).creators,
        _clause("creator"),
    ),
    _TableSpec(
        "by_entity",
        "By entity behind the account",
        lambda facts, zone: facts.attribution(zone).entities,
        _clause("entity"),
        optional=True,
    ),
    _TableSpec(
        "by_work",
        "By work shown",
        lambda facts, zone: facts.attribution(zone).works,
        _clause("work"),
        optional=True,
    ),
    _TableSpec(
        "by_basis",
        "What the word on state control rests on",
        lambda facts, zone: facts.attribution(zone).bases,
        _clause("basis"),
    ),
    _TableSpec("by_month", "By month", _month, _clause("month"), by_label=True, wide=True),
    _TableSpec("by_platform", "By platform", _field("platform"), _clause("platform"), wide=True),
    _TableSpec("by_language", "By language", _field("language"), _clause("language"), wide=True),
    _TableSpec(
        "by_narrative", "By narrative", _field("narrative"), _clause("narrative"), wide=True
    ),
    _TableSpec("by_narrative_group", "By narrative group", _group, _group_clause, wide=True),
    _TableSpec(
        "seen_after_capture",
        "Seen after capture",
        lambda facts, _zone: (facts.observed,),
        _clause("observed"),
    ),
)


def _variants(everything: Iterable[Facts], counted: Collection[str]) -> Mapping[str, list[Facts]]:
    """Return, by each item that counts, the addresses judged the same as it."""
    found: dict[str, list[Facts]] = {}
    for facts in everything:
        if facts.same_as_id in counted:
            found.setdefault(str(facts.same_as_id), []).append(facts)
    return found


def _table(
    spec: _TableSpec, counted: Sequence[Facts], variants: Mapping[str, list[Facts]], zone: tzinfo
) -> Table:
    numbers: Counter[str] = Counter()
    elsewhere: set[str] = set()  # values that another address of a counted item has, and not it
    for facts in counted:
        own = tuple(spec.values(facts, zone))
        numbers.update(own)
        if spec.wide:
            for other in variants.get(facts.item_id, ()):
                elsewhere.update(set(spec.values(other, zone)).difference(own))
    ordered = sorted(
        numbers.items(), key=lambda pair: pair[0] if spec.by_label else (-pair[1], pair[0])
    )
    return Table(
        key=spec.key,
        title=spec.title,
        cells=tuple(
            Cell(value, number, _query(spec.clause(value), only_own=value in elsewhere))
            for value, number in ordered
        ),
    )


def _query(clauses: Clauses, *, only_own: bool) -> str:
    written = [
        quoted("counts-as", f"{key}={value}") if only_own else quoted(key, value)
        for key, value in clauses
    ]
    wanted = written[0] if len(written) == 1 else f"({' OR '.join(written)})"
    return f"{_COUNTED} {wanted}"


def _standings(session: Session, project: Project, counted: set[str]) -> tuple[Standing, ...]:
    """Of each checked field: counted items whose value only the list supports, or that differ."""
    labels = labels_of(session, project.id)
    found = []
    for field in fields_of(session, project.id):
        held = labels.values.get(field.id, {})
        claimed = any(
            one.source is not ValueSource.CAPTURE for values in held.values() for one in values
        )
        if field.check is FieldCheck.NONE or not claimed:
            continue
        alone = _standing_cell(
            labels, "rest on the list alone", "list-alone", field.key, list_alone(held), counted
        )
        differ = _standing_cell(
            labels, "differ from the page", "differs", field.key, differing(held), counted
        )
        found.append(Standing(field.key, field.label, alone, differ))
    return tuple(found)


def _standing_cell(
    labels: Labels, label: str, name: str, key: str, items: frozenset[str], counted: set[str]
) -> Cell:
    own = items & counted
    shown = {labels.same.get(item_id, item_id) for item_id in items} & counted
    clause = f"{name}:{key}" if own == shown else quoted("counts-as", f"{name}={key}")
    return Cell(label, len(own), f"{_COUNTED} {clause}")

"""Facets: how what was found divides, each value a link that puts its clause in or takes it out.

Every number equals the length of the list its clause opens. An item judged the same as others
has the values of all its addresses, as the search does; so values may sum to more than the
items that have one, but those with a value and those without always sum to the total.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Final

import numpy as np

from annotate.models import FieldType, Project, StudyField, Verdict
from annotate.services.counting import IS_WORDS, POSTED_KEY, Why, quoted
from annotate.services.facet_columns import (
    Array,
    Column,
    Values,
    column_of,
    rows_by_item,
    rows_of,
)
from annotate.services.label_index import ItemFacts, Labels
from annotate.services.reasons import WHY_PARTS, days_of, whys_of
from search.narrowing import toggled
from search.query import Node

TIME_LIMIT: Final = 0.2  # seconds for one facet
SHOWN: Final = 12  # values of a facet before "more"
MOST: Final = 500  # values of a facet that was opened
_CHUNK: Final = 5000  # items counted between two looks at the clock
_FACETED: Final = frozenset(
    {FieldType.CHOICE, FieldType.BOOLEAN, FieldType.LANGUAGE, FieldType.RELATION, FieldType.ACCOUNT}
)


NO_VALUE_LABEL: Final = "no value"
_STANDINGS: Final = {word: reason.value for reason, word in IS_WORDS.items()}


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet; `toggled` is the query with its clause put in or taken out."""

    value: str
    number: int
    clause: str
    toggled: str
    active: bool

    @property
    def words(self) -> str:
        """What is said for a value that Holdfast names; empty for the study's own words."""
        field, _, value = self.clause.partition(":")
        if field == "is":
            return _STANDINGS.get(value, self.value)
        return self.value if field == "outcome" or self.value == NO_VALUE_LABEL else ""


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet; the items with a value and those `without` sum to the total."""

    key: str
    label: str
    values: tuple[FacetValue, ...]
    without: FacetValue | None
    having: int
    further: int
    """How many values are not listed."""
    several: bool = False
    """Some items have more than one value, so the values sum to more than `having`."""
    ran_out: bool = False
    """Counting took longer than its time; no number is shown rather than a wrong one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What facets are counted of."""

    ids: Sequence[str]
    text: str
    query: Node
    opened: frozenset[str] = frozenset()
    """Keys of facets shown with all their values, however long it takes."""
    apart: bool = False


@dataclass(frozen=True, slots=True)
class _Source:
    key: str
    label: str
    values: Callable[[], Values]
    clause: Callable[[str], str]
    none: str
    grouped: bool = True
    by_value: bool = False
    of: tuple[str, ...] = ("items",)
    """The parts of the labels that the values are made of."""
    version: tuple[object, ...] = ()
    """What else they depend on."""


def facets_of(
    labels: Labels,
    project: Project,
    fields: Sequence[StudyField],
    zone: tzinfo,
    asked: Asked,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Facet, ...]:
    """Count every facet there is something to say of.

    :param clock: seconds; each facet that is not opened has `TIME_LIMIT` of them
    """
    rows = rows_of(labels, asked.ids)
    made = (
        _facet(source, labels, asked, rows, clock)
        for source in _sources(labels, project, fields, zone)
    )
    return tuple(facet for facet in made if facet.values or facet.ran_out)


def _sources(
    labels: Labels, project: Project, fields: Sequence[StudyField], zone: tzinfo
) -> Iterable[_Source]:
    yield _Source(
        "outcome",
        "Capture",
        lambda: _facts(labels, lambda facts: facts.outcome),
        lambda value: f"outcome:{value}",
        "outcome:none",
    )
    yield _Source(
        "tag",
        "Tags",
        lambda: _tags(labels),
        lambda value: quoted("tag", value),
        "is:untagged",
        of=("tags", "tag names"),
    )
    posted = next((one for one in fields if one.key == POSTED_KEY), None)
    if posted is not None:
        yield _Source(
            "is",
            "Counts",
            lambda: _why_words(whys_of(labels, project, fields, zone)),
            lambda value: f"is:{value}",
            "",
            grouped=False,
            of=WHY_PARTS,
            version=(
                project.window_from,
                project.window_to,
                str(zone),
                *((field.id, field.key) for field in fields),
            ),
        )
        yield _Source(
            "month",
            "Month",
            lambda: _months(days_of(labels, posted, zone)),
            lambda value: f"month:{value}",
            "month:none",
            by_value=True,
            of=("values",),
            version=(posted.id, str(zone)),
        )
    yield _Source(
        "screening",
        "Screening",
        lambda: _verdicts(labels),
        lambda value: f"is:{value}",
        "is:unscreened",
        grouped=False,
        of=("screening",),
    )
    yield _Source(
        "excluded",
        "Excluded because",
        lambda: _reasons(labels),
        lambda value: quoted("excluded", value),
        "",
        grouped=False,
        of=("screening",),
    )
    for field in fields:
        if field.type in _FACETED:
            yield _of_field(labels, field)
    yield _Source(
        "lang",
        "Detected language",
        lambda: _facts(labels, lambda facts: facts.language),
        lambda value: f"lang:{value}",
        "lang:none",
    )
    yield _Source(
        "site",
        "Site",
        lambda: _facts(labels, lambda facts: facts.host),
        lambda value: quoted("site", value),
        "site:none",
    )


def _of_field(labels: Labels, field: StudyField) -> _Source:
    return _Source(
        field.key,
        field.label,
        lambda: (
            (item_id, [one.value for one in held])
            for item_id, held in labels.values.get(field.id, {}).items()
        ),
        lambda value: quoted(field.key, value),
        f"{field.key}:none",
        of=("values",),
        version=(field.id,),
    )


def _facts(labels: Labels, of: Callable[[ItemFacts], str | None]) -> Values:
    return ((item_id, [said]) for item_id, facts in labels.items.items() if (said := of(facts)))


def _months(days: Mapping[str, Sequence[date]]) -> Values:
    return ((item_id, [day.isoformat()[:7] for day in held]) for item_id, held in days.items())


def _tags(labels: Labels) -> Values:
    names = labels.tag_names
    return (
        (item_id, [names[tag_id][0] for tag_id in held if tag_id in names])
        for item_id, held in labels.tags.items()
    )


def _verdicts(labels: Labels) -> Values:
    return (
        (item_id, [one.verdict.value for one in held]) for item_id, held in labels.screened.items()
    )


def _reasons(labels: Labels) -> Values:
    return (
        (item_id, [one.reason for one in held if one.verdict is Verdict.EXCLUDED])
        for item_id, held in labels.screened.items()
    )


def _why_words(whys: Mapping[str, Why]) -> Values:
    return ((item_id, [IS_WORDS[reason]]) for item_id, reason in whys.items())


def _column(source: _Source, labels: Labels, *, grouped: bool) -> Column:
    def made() -> Column:
        values = source.values()
        if grouped:
            values = _grouped(dict(values), labels.same)
        return column_of(values, rows_by_item(labels))

    return labels.once(
        ("facet", source.key, source.version, grouped), made, of=("items", *source.of)
    )


def _facet(
    source: _Source, labels: Labels, asked: Asked, rows: Array, clock: Callable[[], float]
) -> Facet:
    opened = source.key in asked.opened
    grouped = source.grouped and not asked.apart and bool(labels.same)
    column = _column(source, labels, grouped=grouped)
    deadline = None if opened else clock() + TIME_LIMIT
    counts = np.zeros(len(column.names), np.int64)
    having = 0
    for start in range(0, len(rows), _CHUNK):
        counted, some = column.count(rows[start : start + _CHUNK])
        counts += counted
        having += some
        if deadline is not None and clock() > deadline:
            return Facet(source.key, source.label, (), None, 0, 0, ran_out=True)
    standing = np.flatnonzero(counts)
    numbers = [(column.names[at], int(counts[at])) for at in standing.tolist()]
    shown = _ordered(source, numbers)[: MOST if opened else SHOWN]
    missing = len(asked.ids) - having
    return Facet(
        key=source.key,
        label=source.label,
        values=tuple(_value(value, number, source.clause(value), asked) for value, number in shown),
        without=_value(NO_VALUE_LABEL, missing, source.none, asked) if missing else None,
        having=having,
        further=len(numbers) - len(shown),
        several=int(counts.sum()) > having,
    )


def _ordered(source: _Source, numbers: list[tuple[str, int]]) -> list[tuple[str, int]]:
    if source.by_value:
        return sorted(numbers, reverse=True)
    return sorted(numbers, key=lambda pair: (-pair[1], pair[0]))


def _value(value: str, number: int, clause: str, asked: Asked) -> FacetValue:
    text, active = toggled(asked.text, asked.query, clause) if clause else (asked.text, False)
    return FacetValue(value, number, clause, text, active)


def _grouped(values: dict[str, Sequence[str]], same: Mapping[str, str]) -> Values:
    """Give the item that counts the values of all its addresses, each once."""
    merged = dict(values)
    for variant, root in same.items():
        further = values.get(variant)
        if further:
            merged[root] = list(dict.fromkeys([*merged.get(root, ()), *further]))
    return merged.items()

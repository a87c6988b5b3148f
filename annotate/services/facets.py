"""Facets: how what was found divides, each value a link that puts its clause in or takes it out.

Every number equals the length of the list its clause opens. An item judged the same as others
has the values of all its addresses, as the search does; so values may sum to more than the
items that have one, but those with a value and those without always sum to the total.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from itertools import chain
from typing import Final

from annotate.models import FieldType, Project, StudyField, Verdict
from annotate.services.counting import IS_WORDS, POSTED_KEY, Why, quoted
from annotate.services.label_index import Labels
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
Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet; `toggled` is the query with its clause put in or taken out."""

    value: str
    number: int
    clause: str
    toggled: str
    active: bool


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
    values: Values
    clause: Callable[[str], str]
    none: str
    grouped: bool = True
    by_value: bool = False
    of: tuple[str, ...] = ("items",)
    """The parts of the labels that `values` are made of."""


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
    made = (
        _facet(source, labels, asked, clock) for source in _sources(labels, project, fields, zone)
    )
    return tuple(facet for facet in made if facet.values or facet.ran_out)


def _sources(
    labels: Labels, project: Project, fields: Sequence[StudyField], zone: tzinfo
) -> Iterable[_Source]:
    yield _Source(
        "outcome", "Capture", _outcomes(labels), lambda value: f"outcome:{value}", "outcome:none"
    )
    yield _Source(
        "tag",
        "Tags",
        _tags(labels),
        lambda value: quoted("tag", value),
        "is:untagged",
        of=("tags", "tag names"),
    )
    posted = next((one for one in fields if one.key == POSTED_KEY), None)
    if posted is not None:
        whys = whys_of(labels, project, fields, zone)
        yield _Source(
            "is",
            "Counts",
            labels.once(("why facet", id(whys)), lambda: _why_words(whys), of=WHY_PARTS),
            lambda value: f"is:{value}",
            "",
            grouped=False,
        )
        days = days_of(labels, posted, zone)
        yield _Source(
            "month",
            "Month",
            labels.once(
                ("month facet", str(zone)),
                lambda: _months(days),
                of=("values",),
            ),
            lambda value: f"month:{value}",
            "month:none",
            by_value=True,
            of=("values",),
        )
    yield _Source(
        "screening",
        "Screening",
        _verdicts(labels),
        lambda value: f"is:{value}",
        "is:unscreened",
        grouped=False,
    )
    yield _Source(
        "excluded",
        "Excluded because",
        _reasons(labels),
        lambda value: quoted("excluded", value),
        "",
        grouped=False,
    )
    for field in fields:
        if field.type in _FACETED:
            yield _of_field(labels, field)
    yield _Source(
        "lang", "Detected language", _languages(labels), lambda value: f"lang:{value}", "lang:none"
    )
    yield _Source("site", "Site", _hosts(labels), lambda value: quoted("site", value), "site:none")


def _of_field(labels: Labels, field: StudyField) -> _Source:
    held = labels.values.get(field.id, {})
    values = labels.once(
        ("facet", field.id),
        lambda: _shared((item_id, [one.value for one in some]) for item_id, some in held.items()),
        of=("values",),
    )
    return _Source(
        field.key,
        field.label,
        values,
        lambda value: quoted(field.key, value),
        f"{field.key}:none",
        of=("values",),
    )


def _shared(pairs: Iterable[tuple[str, list[str]]]) -> Values:
    """Let items that have the same one value share its list: thousands do."""
    lists: dict[str, list[str]] = {}
    return {
        item_id: lists.setdefault(values[0], values) if len(values) == 1 else values
        for item_id, values in pairs
    }


def _months(days: Mapping[str, Sequence[date]]) -> Values:
    return _shared(
        (item_id, [day.isoformat()[:7] for day in held]) for item_id, held in days.items()
    )


def _outcomes(labels: Labels) -> Values:
    return labels.once(
        "outcome facet",
        lambda: {
            key: [facts.outcome.value]
            for key, facts in labels.items.items()
            if facts.outcome is not None
        },
        of=("items",),
    )


def _languages(labels: Labels) -> Values:
    return labels.once(
        "lang facet",
        lambda: {key: [facts.language] for key, facts in labels.items.items() if facts.language},
        of=("items",),
    )


def _hosts(labels: Labels) -> Values:
    return labels.once(
        "site facet",
        lambda: {key: [facts.host] for key, facts in labels.items.items() if facts.host},
        of=("items",),
    )


def _tags(labels: Labels) -> Values:
    return labels.once(
        "tag facet",
        lambda: {
            key: [labels.tag_names[tag_id][0] for tag_id in held if tag_id in labels.tag_names]
            for key, held in labels.tags.items()
        },
        of=("tags", "tag names"),
    )


def _verdicts(labels: Labels) -> Values:
    return labels.once(
        "screening facet",
        lambda: {key: [one.verdict.value for one in held] for key, held in labels.screened.items()},
        of=("screening",),
    )


def _reasons(labels: Labels) -> Values:
    return labels.once(
        "excluded facet",
        lambda: {
            key: [one.reason for one in held if one.verdict is Verdict.EXCLUDED]
            for key, held in labels.screened.items()
        },
        of=("screening",),
    )


def _why_words(whys: Mapping[str, Why]) -> Values:
    return {key: [IS_WORDS[reason]] for key, reason in whys.items()}


def _facet(source: _Source, labels: Labels, asked: Asked, clock: Callable[[], float]) -> Facet:
    opened = source.key in asked.opened
    values = source.values
    if source.grouped and not asked.apart and labels.same:
        values = labels.once(
            ("grouped", source.key, id(source.values)),
            lambda: _grouped(values, labels.same),
            of=("items", *source.of),
        )
    deadline = None if opened else clock() + TIME_LIMIT
    numbers: Counter[str] = Counter()
    having = 0
    for start in range(0, len(asked.ids), _CHUNK):
        held = [values[key] for key in asked.ids[start : start + _CHUNK] if values.get(key)]
        having += len(held)
        numbers.update(chain.from_iterable(held))
        if deadline is not None and clock() > deadline:
            return Facet(source.key, source.label, (), None, 0, 0, ran_out=True)
    shown = _ordered(source, numbers)[: MOST if opened else SHOWN]
    missing = len(asked.ids) - having
    return Facet(
        key=source.key,
        label=source.label,
        values=tuple(_value(value, number, source.clause(value), asked) for value, number in shown),
        without=_value("no value", missing, source.none, asked) if missing else None,
        having=having,
        further=len(numbers) - len(shown),
        several=sum(numbers.values()) > having,
    )


def _ordered(source: _Source, numbers: Counter[str]) -> list[tuple[str, int]]:
    if source.by_value:
        return sorted(numbers.items(), reverse=True)
    return sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))


def _value(value: str, number: int, clause: str, asked: Asked) -> FacetValue:
    text, active = toggled(asked.text, asked.query, clause) if clause else (asked.text, False)
    return FacetValue(value, number, clause, text, active)


def _grouped(values: Values, same: Mapping[str, str]) -> Values:
    """Give the item that counts the values of all its addresses, each once."""
    merged = dict(values)
    for variant, root in same.items():
        further = values.get(variant)
        if further:
            merged[root] = list(dict.fromkeys([*merged.get(root, ()), *further]))
    return merged

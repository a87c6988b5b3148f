"""What `name:value` means in a search: tags, states, dates, hosts, study fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta, tzinfo
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from annotate.models import (
    FieldType,
    Item,
    ObservedState,
    Project,
    StudyField,
    Verdict,
)
from annotate.services import coded, counting, memos
from annotate.services.fields import fields_of
from annotate.services.folding import fold
from annotate.services.held_verdicts import excluded_for, screened
from annotate.services.label_index import HeldValue, ItemFacts, Labels, labels_of
from annotate.services.reasons import attributed, days_of, whys_of
from annotate.services.similar import similar_to
from annotate.services.standings import differing, list_alone
from annotate.services.zones import local_day
from archive.capture.outcome import Outcome
from search.errors import UnknownFieldError
from search.query import Label
from search.tree import NO_VALUE

_PARTIAL_DATE: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_MONTH: Final = re.compile(r"\d{4}-\d{2}")
# Labels that go by what an item is attributed to, each with the part of it they go by.
_ATTRIBUTED: Final = {
    "account": "authors",
    "creator": "creators",
    "entity": "entities",
    "work": "works",
    "basis": "bases",
}


class ProjectLabels:
    """Resolves labels within one project, in one zone, within what a person may see."""

    def __init__(
        self,
        session: Session,
        project: Project,
        zone: tzinfo,
        *,
        apart: bool = False,
    ) -> None:
        """Look into one project.

        :param apart: list items judged the same by themselves, not under the one that counts
        """
        self._session = session
        self._apart = apart
        self._project = project
        self._zone = zone
        self._labels: Labels = labels_of(session, project.id)
        self._fields: dict[str, StudyField] = {
            field.key: field for field in fields_of(session, project.id)
        }
        # A further kind of label (codes, registry names, annotations) is one line here.
        self._own: Mapping[str, Callable[[str], frozenset[str]]] = {
            "tag": self._tag,
            "is": self._is,
            "lang": self._lang,
            "site": self._site,
            "host": self._site,
            "url": self._url,
            "outcome": self._outcome,
            "after": self._after,
            "before": self._before,
            "month": self._month,
            "captured": self._captured,
            "observed": self._observed,
            "list-alone": lambda key: list_alone(self._checked(key)),
            "differs": lambda key: differing(self._checked(key)),
            "counts-as": self._counts_as,
            "similar": self._similar,
            **{name: partial(self._attributed, what) for name, what in _ATTRIBUTED.items()},
            "relation": self._relation,
            "sweep": self._sweep,
            "excluded": self._excluded,
            "memo": self._memo,
        }

    def everything(self) -> frozenset[str]:
        """Return the items of the project, of those judged the same only the one that counts."""
        labels = self._labels
        if self._apart:
            return labels.every
        return labels.once(
            "counting ones", lambda: labels.every - labels.same.keys(), of=("items",)
        )

    @property
    def same(self) -> Mapping[str, str]:
        """Items judged the same as another, each with the one that stands for it in lists."""
        return {} if self._apart else self._labels.same

    def resolve(self, label: Label) -> frozenset[str]:
        """Return the items a label fits.

        :raises UnknownFieldError: the name is no field here, or the value does not fit it
        """
        if label.field == "code":
            return self._code(label)
        called = self._called(label) if label.quoted else None
        if called is not None:
            return called
        own = self._own.get(label.field)
        if own is not None:
            return own(label.value)
        field = self._fields.get(label.field)
        if field is None:
            known = ", ".join(sorted(["code", *self._own, *self._fields]))
            raise UnknownFieldError(f"There is no field {label.field!r}; there are {known}")
        return self._field(field, label.value)

    def _called(self, label: Label) -> frozenset[str] | None:
        """Return the items that are called exactly so, where any is: `platform:"none"`."""
        if label.field in _ATTRIBUTED:
            held = attributed(
                self._labels, self._fields.values(), self._zone, _ATTRIBUTED[label.field]
            )
            return self.everything() & held[label.value] if label.value in held else None
        if label.field == "excluded":
            said = self._labels.screened.items()
            found = {key for key, held in said for one in held if one.reason == label.value}
            return self.everything() & found or None
        field = self._fields.get(label.field) if label.field not in self._own else None
        if field is None or field.type is FieldType.DATETIME:  # a day stands for its moments
            return None
        return self._labels.valued(field.id).get(label.value)

    def _counts_as(self, value: str) -> frozenset[str]:
        """`counts-as:"month=2020-05"`: any label, of the address alone that counts for others."""
        name, _, wanted = value.partition("=")
        if name == "counts-as":
            raise UnknownFieldError("counts-as: takes another label, as in counts-as:lang=zh")
        return self.everything() & self.resolve(Label(name, wanted, 1, quoted=True))

    def _items(self, fits: Callable[[ItemFacts], bool]) -> frozenset[str]:
        return frozenset(key for key, facts in self._labels.items.items() if fits(facts))

    def _tag(self, value: str) -> frozenset[str]:
        if value == "*":
            return frozenset(key for key, held in self._labels.tags.items() if held)
        wanted = fold(value.removesuffix("*"))
        fitting = [
            tag_id
            for tag_id, (_name, folded) in self._labels.tag_names.items()
            if folded == wanted or (value.endswith("*") and folded.startswith(wanted))
        ]
        return frozenset().union(*(self._labels.bearing(tag_id) for tag_id in fitting))

    def _is(self, value: str) -> frozenset[str]:
        words = {text: reason for reason, text in counting.IS_WORDS.items()}
        wanted = words.get(value.lower())
        if wanted is not None:
            whys = whys_of(self._labels, self._project, self._fields.values(), self._zone)
            return frozenset(key for key, reason in whys.items() if reason is wanted)
        simple: dict[str, Callable[[], frozenset[str]]] = {
            "captured": self._captured_ones,
            "uncaptured": lambda: self._without(self._captured_ones()),
            "tagged": lambda: self._tag("*"),
            "untagged": lambda: self._without(self._tag("*")),
            "noted": lambda: self._labels.noted,
            "sensitive": lambda: self._labels.sensitive,
            "differs": self._differing,
            "included": lambda: (
                self.everything() & screened(self._labels.screened, Verdict.INCLUDED)
            ),
            "unscreened": lambda: self.everything() - self._labels.screened.keys(),
        }
        if value.lower() not in simple:
            known = ", ".join(sorted([*simple, *words]))
            raise UnknownFieldError(f"is:{value} is not known; there are {known}")
        return simple[value.lower()]()

    def _excluded(self, value: str) -> frozenset[str]:
        """Items excluded in screening for a reason: `excluded:"no face"`, `excluded:*`."""
        held = self._labels.screened
        folded = {one.reason: fold(one.reason) for said in held.values() for one in said}
        return self.everything() & excluded_for(held, folded, fold(value))

    def _without(self, having: frozenset[str]) -> frozenset[str]:
        """Return the items none of whose addresses is among `having`."""
        same = self.same
        held = {same.get(item_id, item_id) for item_id in having}
        return frozenset(
            item_id for item_id in self._labels.items if same.get(item_id, item_id) not in held
        )

    def _captured_ones(self) -> frozenset[str]:
        return self._items(lambda facts: facts.capture_id is not None)

    def _differing(self) -> frozenset[str]:
        return frozenset().union(*(differing(self._checked(key)) for key in self._fields))

    def _lang(self, value: str) -> frozenset[str]:
        if value.lower() in NO_VALUE:
            return self._without(self._items(lambda facts: facts.language is not None))
        return self._items(lambda facts: facts.language == value.lower())

    def _site(self, value: str) -> frozenset[str]:
        if value.lower() in NO_VALUE:
            return self._without(self._items(lambda facts: bool(facts.host)))
        host = value.lower().removeprefix("*.")
        return self._items(lambda facts: facts.host == host or facts.host.endswith("." + host))

    def _url(self, value: str) -> frozenset[str]:
        piece = value.lower()  # hosts have no case; a path that has one is found all the same
        return self._items(lambda facts: piece in facts.address.lower())

    def _outcome(self, value: str) -> frozenset[str]:
        if value.lower() in NO_VALUE:
            return self._without(self._items(lambda facts: facts.outcome is not None))
        try:
            outcome = Outcome(value.lower())
        except ValueError as error:
            known = ", ".join([*(member.value for member in Outcome), "none"])
            raise UnknownFieldError(f"outcome:{value} is not known; there are {known}") from error
        return self._items(lambda facts: facts.outcome is outcome)

    def _observed(self, value: str) -> frozenset[str]:
        """What a later visit saw of the item itself, not of addresses judged the same."""
        word = value.lower().replace("-", " ")
        states = {one.value: one for one in ObservedState}
        if word not in states and word not in NO_VALUE:
            known = ", ".join([*states, "none"])
            raise UnknownFieldError(f"observed:{value} is not known; there are {known}")
        wanted = states.get(word)
        return self.everything() & self._items(lambda facts: facts.observed is wanted)

    def _after(self, value: str) -> frozenset[str]:
        first, _last = _days(value)
        return self._posted(lambda day: day >= first)

    def _before(self, value: str) -> frozenset[str]:
        _first, last = _days(value)
        return self._posted(lambda day: day <= last)

    def _month(self, value: str) -> frozenset[str]:
        if value.lower() in NO_VALUE:
            return self._without(self._posted(lambda _day: True))
        if not _MONTH.fullmatch(value):
            raise UnknownFieldError(f"month:{value} is no month such as 2020-05")
        return self._posted(lambda day: f"{day:%Y-%m}" == value)

    def _posted(self, fits: Callable[[date], bool]) -> frozenset[str]:
        """Items whose claimed date, as a local day of the zone, fits."""
        field = self._fields.get(counting.POSTED_KEY)
        if field is None:
            raise UnknownFieldError("This project has no field posted_at, so no claimed dates")
        days = days_of(self._labels, field, self._zone)
        return frozenset(key for key, held in days.items() if any(fits(day) for day in held))

    def _captured(self, value: str) -> frozenset[str]:
        """`captured:2026-11`, `captured:2026-11-01..2026-11-30`, in the zone's days."""
        start, dots, end = value.partition("..")
        first, last = _days(start)
        if dots:
            last = _days(end)[1] if end else date.max - timedelta(days=2)
        return frozenset(
            item_id
            for item_id, held in self._labels.captures.items()
            if any(first <= local_day(one.captured_at, self._zone) <= last for one in held)
        )

    def _field(self, field: StudyField, value: str) -> frozenset[str]:
        if field.type in {FieldType.ACCOUNT, FieldType.RELATION}:
            value = value.removeprefix("@")
        by_value = self._labels.valued(field.id)
        if value == "*":
            return frozenset().union(*by_value.values())
        if value == "none":
            return self._without(frozenset().union(*by_value.values()))
        if value.endswith("*") or field.type is FieldType.DATETIME:
            stem = value.removesuffix("*")
            return frozenset().union(
                *(ids for held, ids in by_value.items() if held.startswith(stem))
            )
        if field.type is FieldType.BOOLEAN or field.type is FieldType.LANGUAGE:
            value = value.lower()
        return by_value.get(value, frozenset())

    def _checked(self, key: str) -> dict[str, tuple[HeldValue, ...]]:
        field = self._fields.get(key)
        if field is None:
            raise UnknownFieldError(f"There is no field {key!r} in this project")
        return self._labels.values.get(field.id, {})

    def _code(self, label: Label) -> frozenset[str]:
        """Items by final answer: `code:"frame=food"`, `code:frame`, `code:none`."""
        return coded.items_with(
            self._session, self._project, label.value, self._without, exactly=label.quoted
        )

    def _attributed(self, what: str, value: str) -> frozenset[str]:
        """`account:`, `creator:`, `entity:`, `work:`: as results write it, else by any name."""
        held = attributed(self._labels, self._fields.values(), self._zone, what)
        own = self.everything()
        if value in NO_VALUE:
            return own - frozenset().union(*held.values())
        if value == "*":
            return own & frozenset().union(*held.values())
        if value in held:
            return own & held[value]
        known = self._labels.known
        references = [known.references[one] for one in known.called(value)]
        return own & frozenset().union(*(held.get(one, frozenset()) for one in references))

    def _relation(self, value: str) -> frozenset[str]:
        """`relation:promotes`, `relation:"promotes=name"`, `relation:none`."""
        known = self._labels.known
        kind, equals, name = value.partition("=")
        wanted = known.called(name) if equals else frozenset(known.entries)
        related = {
            item_id: [
                one
                for one in held
                if kind in {one.type, "*", "none"} and known.roots.get(one.entry_id) in wanted
            ]
            for item_id, held in self._labels.relations.items()
        }
        found = frozenset(item_id for item_id, held in related.items() if held)
        return self._without(found) if kind == "none" else found

    def _sweep(self, value: str) -> frozenset[str]:
        """Items by the name of a sweep that found them."""
        names = self._labels.sweep_names
        wanted = {key for key, name in names.items() if value in {name, "*", "none"}}
        found = frozenset(
            item_id for item_id, held in self._labels.sweeps.items() if wanted.intersection(held)
        )
        return self._without(found) if value == "none" else found

    def _memo(self, value: str) -> frozenset[str]:
        """Items some memo is about that holds these words: `memo:"state outlets"`, `memo:*`."""
        return memos.items_with(self._session, self._project, value)

    def _similar(self, value: str) -> frozenset[str]:
        """Items that look like one, which is named by its id or its address."""
        named = {value, *(key for key, one in self._labels.items.items() if one.address == value)}
        known = next(iter(named & self._labels.items.keys()), None)
        if known is None:
            raise UnknownFieldError(f"This project has no item {value!r}")
        item = self._session.get_one(Item, known)
        return frozenset(one.item_id for one in similar_to(self._session, self._labels, item))


def _days(value: str) -> tuple[date, date]:
    """Read a year, month or day; return its first and last day.

    :raises UnknownFieldError: it is none
    """
    match = _PARTIAL_DATE.fullmatch(value)
    try:
        if match is None:
            raise ValueError(value)
        year, month, day = (int(part) if part else None for part in match.groups())
        first = date(year or 1, month or 1, day or 1)
        if day:
            return first, first
        if month:
            following = date(first.year + month // 12, month % 12 + 1, 1)
        else:
            following = date(first.year + 1, 1, 1)
        return first, following - timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise UnknownFieldError(
            f"{value!r} is no date such as 2020, 2020-05 or 2020-05-31"
        ) from error

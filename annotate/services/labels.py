"""What `name:value` means in a search: tags, states, dates, hosts, study fields."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from annotate.models import (
    Capture,
    FieldType,
    FieldValue,
    Item,
    ItemTag,
    Note,
    Project,
    StudyField,
    Tag,
    ValueSource,
    ValueState,
)
from annotate.services import counting
from annotate.services.fields import fields_of
from archive.capture.outcome import Outcome
from search.errors import UnknownFieldError
from search.query import Label

_PARTIAL_DATE: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_MONTH: Final = re.compile(r"\d{4}-\d{2}")


def fold(text: str) -> str:
    """Bring a label's value to the form in which spellings meet."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


class ProjectLabels:
    """Resolves labels within one project, in one zone."""

    def __init__(
        self, session: Session, project: Project, zone: tzinfo, *, apart: bool = False
    ) -> None:
        """Look into one project.

        :param apart: list items judged the same by themselves, not under the one that counts
        """
        self._session = session
        self._apart = apart
        self._project = project
        self._zone = zone
        self._fields: dict[str, StudyField] = {
            field.key: field for field in fields_of(session, project.id)
        }
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
            "list-alone": self._list_alone,
            "differs": self._differs,
        }

    def everything(self) -> frozenset[str]:
        """Return the items of the project, of those judged the same only the one that counts."""
        if self._apart:
            return self._all
        return self._all - self._same.keys()

    def representative(self, item_id: str) -> str:
        """Return the item that stands for this one in lists."""
        return item_id if self._apart else self._same.get(item_id, item_id)

    @cached_property
    def _all(self) -> frozenset[str]:
        return self._ids(select(Item.id))

    @cached_property
    def _same(self) -> dict[str, str]:
        rows = self._session.execute(
            select(Item.id, Item.same_as_id).where(
                Item.project_id == self._project.id, Item.same_as_id.is_not(None)
            )
        )
        return {item_id: same_as for item_id, same_as in rows if same_as is not None}

    @cached_property
    def _whys(self) -> dict[str, counting.Why]:
        found = counting.load_facts_of_items(self._session, self._project.id)
        return {one.item_id: counting.why(one, self._project, self._zone) for one in found}

    def resolve(self, label: Label) -> frozenset[str]:
        """Return the items a label fits.

        :raises UnknownFieldError: the name is no field here, or the value does not fit it
        """
        own = self._own.get(label.field)
        if own is not None:
            return own(label.value)
        field = self._fields.get(label.field)
        if field is None:
            known = ", ".join(sorted([*self._own, *self._fields]))
            raise UnknownFieldError(f"There is no field {label.field!r}; there are {known}")
        return self._field(field, label.value)

    def _ids(self, query: Select[str]) -> frozenset[str]:
        return frozenset(self._session.scalars(query.where(Item.project_id == self._project.id)))

    def _tag(self, value: str) -> frozenset[str]:
        query = (
            select(Item.id)
            .join(ItemTag, ItemTag.item_id == Item.id)
            .join(Tag, Tag.id == ItemTag.tag_id)
        )
        if value == "*":
            return self._ids(query)
        if value.endswith("*"):
            return self._ids(query.where(Tag.folded.startswith(fold(value[:-1]), autoescape=True)))
        return self._ids(query.where(Tag.folded == fold(value)))

    def _is(self, value: str) -> frozenset[str]:
        words = {text: reason for reason, text in counting.IS_WORDS.items()}
        wanted = words.get(value.lower())
        if wanted is not None:
            return frozenset(key for key, reason in self._whys.items() if reason is wanted)
        simple: dict[str, Select[str]] = {
            "captured": select(Item.id).where(Item.latest_capture_id.is_not(None)),
            "uncaptured": select(Item.id).where(Item.latest_capture_id.is_(None)),
            "tagged": select(Item.id).where(Item.id.in_(select(ItemTag.item_id))),
            "untagged": select(Item.id).where(Item.id.not_in(select(ItemTag.item_id))),
            "noted": select(Item.id).where(
                Item.id.in_(select(Note.item_id).where(Note.withdrawn_at.is_(None)))
            ),
            "differs": select(Item.id).where(Item.id.in_(self._state(ValueState.DIFFERS))),
        }
        if value.lower() not in simple:
            known = ", ".join(sorted([*simple, *words]))
            raise UnknownFieldError(f"is:{value} is not known; there are {known}")
        return self._ids(simple[value.lower()])

    @staticmethod
    def _state(state: ValueState) -> Select[str]:
        return select(FieldValue.item_id).where(FieldValue.current, FieldValue.state == state)

    def _lang(self, value: str) -> frozenset[str]:
        if value.lower() in {"none", "unknown"}:
            return self._ids(select(Item.id).where(Item.language.is_(None)))
        return self._ids(select(Item.id).where(Item.language == value.lower()))

    def _site(self, value: str) -> frozenset[str]:
        host = value.lower().removeprefix("*.")
        matches = Item.host == host
        return self._ids(
            select(Item.id).where(matches | Item.host.endswith("." + host, autoescape=True))
        )

    def _url(self, value: str) -> frozenset[str]:
        return self._ids(select(Item.id).where(Item.address.contains(value, autoescape=True)))

    def _outcome(self, value: str) -> frozenset[str]:
        try:
            outcome = Outcome(value.lower())
        except ValueError as error:
            known = ", ".join(member.value for member in Outcome)
            raise UnknownFieldError(f"outcome:{value} is not known; there are {known}") from error
        return self._ids(select(Item.id).where(Item.latest_outcome == outcome))

    def _after(self, value: str) -> frozenset[str]:
        first, _last = _days(value)
        return self._posted(lambda day: day >= first)

    def _before(self, value: str) -> frozenset[str]:
        _first, last = _days(value)
        return self._posted(lambda day: day <= last)

    def _month(self, value: str) -> frozenset[str]:
        if not _MONTH.fullmatch(value):
            raise UnknownFieldError(f"month:{value} is no month such as 2020-05")
        return self._posted(lambda day: f"{day:%Y-%m}" == value)

    def _posted(self, fits: Callable[[date], bool]) -> frozenset[str]:
        """Items whose claimed date, as a local day of the zone, fits."""
        field = self._fields.get(counting.POSTED_KEY)
        if field is None:
            raise UnknownFieldError("This project has no field posted_at, so no claimed dates")
        rows = self._session.execute(
            select(FieldValue.item_id, FieldValue.instant, FieldValue.value).where(
                FieldValue.field_id == field.id, FieldValue.current
            )
        )
        return frozenset(
            item_id for item_id, instant, value in rows if fits(self._day(instant, value))
        )

    def _day(self, instant: datetime | None, value: str) -> date:
        if instant is not None:
            return instant.astimezone(self._zone).date()
        return date.fromisoformat(value[:10])

    def _captured(self, value: str) -> frozenset[str]:
        """`captured:2026-11`, `captured:2026-11-01..2026-11-30`, in the zone's days."""
        start, dots, end = value.partition("..")
        first, last = _days(start)
        if dots:
            last = _days(end)[1] if end else date.max - timedelta(days=2)
        begin = datetime.combine(first, time.min, self._zone).astimezone(UTC)
        stop = datetime.combine(last + timedelta(days=1), time.min, self._zone).astimezone(UTC)
        captured = select(Capture.item_id).where(
            Capture.captured_at >= begin, Capture.captured_at < stop
        )
        return self._ids(select(Item.id).where(Item.id.in_(captured)))

    def _field(self, field: StudyField, value: str) -> frozenset[str]:
        query = (
            select(Item.id)
            .join(FieldValue, FieldValue.item_id == Item.id)
            .where(FieldValue.field_id == field.id, FieldValue.current)
        )
        if field.type in {FieldType.ACCOUNT, FieldType.RELATION}:
            value = value.removeprefix("@")
        if value == "*":
            return self._ids(query)
        if value == "none":
            return self._all - self._ids(query)
        if value.endswith("*"):
            return self._ids(query.where(FieldValue.value.startswith(value[:-1], autoescape=True)))
        if field.type is FieldType.BOOLEAN or field.type is FieldType.LANGUAGE:
            value = value.lower()
        if field.type is FieldType.DATETIME:
            return self._ids(query.where(FieldValue.value.startswith(value, autoescape=True)))
        return self._ids(query.where(FieldValue.value == value))

    def _checked(self, key: str) -> StudyField:
        field = self._fields.get(key)
        if field is None:
            raise UnknownFieldError(f"There is no field {key!r} in this project")
        return field

    def _differs(self, key: str) -> frozenset[str]:
        query = self._state(ValueState.DIFFERS).where(FieldValue.field_id == self._checked(key).id)
        return frozenset(self._session.scalars(query))

    def _list_alone(self, key: str) -> frozenset[str]:
        rows = self._session.execute(
            select(FieldValue.item_id, FieldValue.state).where(
                FieldValue.field_id == self._checked(key).id,
                FieldValue.current,
                FieldValue.source == ValueSource.LIST,
            )
        ).all()
        differ = {item_id for item_id, state in rows if state is ValueState.DIFFERS}
        alone = {
            item_id
            for item_id, state in rows
            if state not in {ValueState.AGREES, ValueState.DIFFERS}
        }
        return frozenset(alone - differ)


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

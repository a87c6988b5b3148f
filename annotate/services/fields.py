"""Study fields: defining them, and giving an item a value with its source."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NameTakenError, StaleSaveError, UsageError
from annotate.events import Actor
from annotate.models import (
    EventKind,
    FieldCheck,
    FieldType,
    FieldValue,
    Item,
    Project,
    StudyField,
    ValueSource,
)
from annotate.services import sensitive
from archive.clock import isoformat
from archive.page import DatePrecision

SEVERAL: Final = ";"  # what stands between the values of a relation
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_YES: Final = frozenset({"yes", "true", "1", "y", "x"})
_NO: Final = frozenset({"no", "false", "0", "n"})
# Names of the query language (decisions 16) and of the columns of a list that is taken out: a
# study field may hide neither.
RESERVED_KEYS: Final = frozenset(
    "title text note notes url tag is lang site host outcome after before captured month "
    "code account creator entity work basis relation sweep memo similar excluded observed differs "
    "id address detected_language captured_at counts_for deleted_after_capture observed_at "
    "screening excluded_because tags capture_id warc_sha256 warc_record_id payload_digest".split()
)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field about to be defined."""

    key: str
    label: str
    type: FieldType
    check: FieldCheck = FieldCheck.NONE
    is_proposal: bool = False


# What a study of posts begins with; a project may define others.
POST_FIELDS: Final = (
    FieldSpec("author", "Author", FieldType.ACCOUNT, FieldCheck.AUTHOR),
    FieldSpec("author_state_controlled", "Author is state-controlled", FieldType.BOOLEAN),
    FieldSpec("author_kind", "Kind of author", FieldType.CHOICE),
    FieldSpec("promotes", "Promotes", FieldType.RELATION, FieldCheck.PROMOTES),
    FieldSpec("posted_at", "Posted at", FieldType.DATETIME, FieldCheck.POSTED_AT),
    FieldSpec("platform", "Platform", FieldType.CHOICE),
    FieldSpec("language", "Language", FieldType.LANGUAGE),
    FieldSpec("narrative", "Narrative", FieldType.CHOICE, is_proposal=True),
    FieldSpec("found_by", "Found by", FieldType.TEXT),
)


@dataclass(frozen=True, slots=True)
class Normalised:
    """One value as counted, as it was written, and for a date its instant and precision."""

    value: str
    raw: str
    instant: datetime | None = None
    precision: DatePrecision | None = None


def define_fields(
    session: Session, actor: Actor, project: Project, specs: Iterable[FieldSpec]
) -> list[StudyField]:
    """Define fields, in this order, after those the project has.

    :raises UsageError: a key is reserved or ill-formed
    :raises NameTakenError: the project has a field of that key
    """
    existing = {field.key for field in fields_of(session, project.id)}
    defined = []
    for position, spec in enumerate(specs, start=len(existing)):
        if not _KEY.fullmatch(spec.key) or spec.key in RESERVED_KEYS:
            raise UsageError(
                f"A field cannot be called {spec.key!r}: use small letters, digits and _, "
                "beginning with a letter, and no word that searches or lists have for themselves."
            )
        if spec.key in existing:
            raise NameTakenError(f"This project has a field {spec.key!r} already.")
        existing.add(spec.key)
        field = StudyField(
            project_id=project.id,
            key=spec.key,
            label=spec.label.strip() or spec.key,
            type=spec.type,
            check=spec.check,
            is_proposal=spec.is_proposal,
            position=position,
        )
        session.add(field)
        events.record(
            session,
            EventKind.FIELD_DEFINE,
            actor=actor,
            covers=[field],
            project_id=project.id,
            body={"key": field.key, "type": field.type.value, "check": field.check.value},
        )
        defined.append(field)
    session.flush()
    return defined


def fields_of(session: Session, project_id: str) -> list[StudyField]:
    """Return the project's fields in their order."""
    query = select(StudyField).where(StudyField.project_id == project_id)
    return list(session.scalars(query.order_by(StudyField.position)))


def values_of(
    session: Session, item_ids: Sequence[str], *, current_only: bool = True
) -> dict[str, dict[str, list[FieldValue]]]:
    """Return values by item id, then by field id, in the order they were given."""
    found: dict[str, dict[str, list[FieldValue]]] = defaultdict(lambda: defaultdict(list))
    for start in range(0, len(item_ids), 500):
        query = select(FieldValue).where(FieldValue.item_id.in_(item_ids[start : start + 500]))
        if current_only:
            query = query.where(FieldValue.current)
        for value in session.scalars(query.order_by(FieldValue.id)):
            found[value.item_id][value.field_id].append(value)
    return found


def strata_of(
    session: Session, project: Project, key: str, item_ids: Sequence[str]
) -> dict[str, str] | None:
    """Return, by item id, the value of a study field that a sample keeps the shares of.

    :param key: the field's key; empty: no shares are kept, and None is returned
    :raises UsageError: the project has no such field
    """
    if not key:
        return None
    field = next((one for one in fields_of(session, project.id) if one.key == key), None)
    if field is None:
        raise UsageError(f"There is no study field {key!r} to draw by.")
    return {
        item_id: "; ".join(one.value for one in held.get(field.id, ()))
        for item_id, held in values_of(session, item_ids).items()
    }


def normalise(field: StudyField, raw: str) -> Normalised:
    """Bring one written value to the form that facets and counts use.

    :raises UsageError: the value does not fit the field's type; the message says why
    """
    text = unicodedata.normalize("NFC", raw).strip()
    return _NORMALISERS[field.type](field, text)


def split_values(field: StudyField, cell: str) -> list[str]:
    """Split a cell of a list: relations are several, everything else is one or none."""
    parts = cell.split(SEVERAL) if field.type is FieldType.RELATION else [cell]
    return [part.strip() for part in parts if part.strip()]


def version_of(values: Sequence[FieldValue]) -> str:
    """Return a token that changes whenever these values do: what a form carries to be stale by."""
    ids = ",".join(sorted(value.id for value in values if value.current))
    return hashlib.sha256(ids.encode()).hexdigest()[:16]


def set_values(
    session: Session,
    actor: Actor,
    project: Project,
    item: Item,
    values: Mapping[StudyField, Sequence[str]],
    *,
    source: ValueSource,
    seen: Mapping[str, str] | None = None,
) -> list[FieldValue]:
    """Give an item values, one event for all of them. What stands already is left alone.

    A person's value sets others aside; a list's never sets a person's aside.

    :param seen: by field key, the `version_of` the person's form showed
    :raises UsageError: a value does not fit its field
    :raises StaleSaveError: another save came in between
    """
    standing = values_of(session, [item.id])[item.id]
    added: list[FieldValue] = []
    changed: list[FieldValue] = []
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for field, raws in values.items():
        old = standing.get(field.id, [])
        new = _distinct([normalise(field, raw) for raw in raws])
        if [value.raw for value in old] == [value.raw for value in new]:
            continue
        _refuse_stale(field, old, new, (seen or {}).get(field.key))
        by_person = any(value.source is ValueSource.PERSON for value in old)
        current = source is ValueSource.PERSON or not by_person
        if current:
            for value in old:
                value.current = False
                changed.append(value)
        added += [_value(item, field, one, source, current=current, actor=actor) for one in new]
        before[field.key] = [value.raw for value in old]
        after[field.key] = [value.raw for value in new]
    if before:
        session.add_all(added)
        events.record(
            session,
            EventKind.VALUE_SET,
            actor=actor,
            covers=[*added, *changed],
            project_id=project.id,
            item=item,
            body={"source": source.value},
            before=before,
            after=after,
        )
        session.flush()
        _follow_sensitive(session, actor, project, item, values)
    return added


def _follow_sensitive(
    session: Session,
    actor: Actor,
    project: Project,
    item: Item,
    values: Mapping[StudyField, Sequence[str]],
) -> None:
    """Let the field `sensitive` mark the item by what of it is current now."""
    field = next((one for one in values if one.key == sensitive.FIELD_KEY), None)
    if field is not None and field.type is FieldType.BOOLEAN:
        now = values_of(session, [item.id])[item.id].get(field.id, [])
        sensitive.follow_field(session, actor, project, item, [one.value for one in now])


def _value(
    item: Item,
    field: StudyField,
    one: Normalised,
    source: ValueSource,
    *,
    current: bool,
    actor: Actor,
) -> FieldValue:
    return FieldValue(
        item_id=item.id,
        field_id=field.id,
        value=one.value,
        raw=one.raw,
        source=source,
        current=current,
        instant=one.instant,
        precision=one.precision,
        set_by=actor.user_id,
    )


def _refuse_stale(
    field: StudyField, old: Sequence[FieldValue], new: Sequence[Normalised], seen: str | None
) -> None:
    if seen is None or seen == version_of(old):
        return
    raise StaleSaveError(
        f"{field.label} was changed while you were editing it. Nothing of yours was saved yet.",
        theirs="; ".join(value.raw for value in old),
        yours="; ".join(value.raw for value in new),
        version=0,
    )


def _distinct(values: Sequence[Normalised]) -> list[Normalised]:
    return list({value.value: value for value in values}.values())


def _text(_field: StudyField, text: str) -> Normalised:
    return Normalised(text, text)


def _account(_field: StudyField, text: str) -> Normalised:
    return Normalised(text.removeprefix("@"), text)


def _boolean(field: StudyField, text: str) -> Normalised:
    if text.casefold() in _YES:
        return Normalised("yes", text)
    if text.casefold() in _NO:
        return Normalised("no", text)
    raise UsageError(f"{field.label}: {text!r} is neither yes nor no.")


def _language(field: StudyField, text: str) -> Normalised:
    if not _LANGUAGE.fullmatch(text):
        raise UsageError(f"{field.label}: {text!r} is no language code such as zh, ar or pt-BR.")
    return Normalised(text.lower(), text)


def _datetime(field: StudyField, text: str) -> Normalised:
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            return Normalised(day.isoformat(), text, precision=DatePrecision.DAY)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{field.label}: {text!r} is no date such as 2020-05-31 or 2020-05-31T23:30:00-05:00."
        ) from error
    if moment.tzinfo is None:
        raise UsageError(f"{field.label}: {text!r} says no time zone; add one, as in {text}+00:00.")
    return Normalised(
        isoformat(moment), text, instant=moment.astimezone(UTC), precision=DatePrecision.SECOND
    )


_NORMALISERS: Final[Mapping[FieldType, Callable[[StudyField, str], Normalised]]] = {
    FieldType.TEXT: _text,
    FieldType.CHOICE: _text,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATETIME: _datetime,
    FieldType.ACCOUNT: _account,
    FieldType.RELATION: _account,
    FieldType.LANGUAGE: _language,
}

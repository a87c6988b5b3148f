"""Forms of the registry, read: days, evidence, the version a form began from."""

from __future__ import annotations

from datetime import date

from flask import request
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import EntryKind, Judgement, NameKind, Project
from annotate.services.registry.assertions import AssertionSpec
from annotate.services.registry.evidence import Evidence, find_evidence


def field(name: str) -> str:
    """Return a field of the form; empty where it has none."""
    return request.form.get(name, "")


def day(name: str) -> date | None:
    """Return a day of the form; None where it is empty.

    :raises UsageError: it is no day
    """
    return parse_day(field(name))


def parse_day(text: str) -> date | None:
    """Read a day such as 2020-05-31; None where there is nothing.

    :raises UsageError: it is no day
    """
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(f"{text!r} is no day such as 2020-05-31. Nothing was saved.") from error


def seen() -> int:
    """Return the row version the form began from.

    :raises UsageError: the form does not say
    """
    value = field("row_version")
    if not value.isdigit():
        raise UsageError("The form does not say which version it began from. Reload the page.")
    return int(value)


def evidence(session: Session, project: Project) -> Evidence:
    """Find what the form names as evidence."""
    return find_evidence(
        session,
        project,
        item_id=field("evidence_item"),
        address=field("evidence_address"),
        capture_id=field("evidence_capture"),
        provenance=field("provenance"),
    )


def assertion() -> AssertionSpec:
    """Read a statement."""
    return AssertionSpec(
        property=field("property"),
        value=field("value"),
        basis=field("basis"),
        valid_from=day("valid_from"),
        valid_to=day("valid_to"),
        disputed_by=field("disputed_by"),
    )


def entry_kind(text: str) -> EntryKind:
    """Read a kind of entry.

    :raises UsageError: there is none of that name
    """
    if text not in {one.value for one in EntryKind}:
        raise UsageError(f"{text!r} is none of {', '.join(EntryKind)}.")
    return EntryKind(text)


def name_kind(text: str) -> NameKind:
    """Read a kind of name.

    :raises UsageError: there is none of that name
    """
    if text not in {one.value for one in NameKind}:
        raise UsageError(f"{text!r} is none of {', '.join(NameKind)}.")
    return NameKind(text)


def judgement(text: str) -> Judgement:
    """Read a judgement.

    :raises UsageError: there is none of that name
    """
    if text not in {one.value for one in Judgement}:
        raise UsageError(f"{text!r} is none of {', '.join(Judgement)}.")
    return Judgement(text)

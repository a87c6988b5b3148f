"""Answers: what a coder gave for a variable, checked against the instrument."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import urlsplit

from annotate.errors import UsageError
from annotate.instrument import references
from annotate.instrument.codebook import NAMED, SEVERAL, Codebook, Missing, Variable, VariableType

YES: Final = "yes"
NO: Final = "no"
_LONGEST: Final = 20_000  # characters of a text answer


@dataclass(frozen=True, slots=True)
class Given:
    """One answer: values, or why there is none, and the words that support it.

    `values` are code keys or one written value; several only of a multi or relation variable.
    """

    values: tuple[str, ...] = ()
    missing: Missing | None = None
    quote: str = ""
    """Words of the evidence, as they stand in the text rendition."""
    memo: str = ""
    """The coder's own remark."""
    start: int | None = None
    """Where the quote begins in the text, in code points; None: where it stands first."""
    marks: tuple[str, ...] = ()
    """Regions of pictures and ranges of time in films that support it, as Media Fragment URIs."""

    @property
    def key(self) -> str | None:
        """The value as compared between coders; None where there is none."""
        if self.missing is not None:
            return f"({self.missing.value})"
        return "\n".join(sorted(map(references.comparable, self.values))) if self.values else None


Answers = Mapping[str, Given]
"""By the variable's key."""


def applies(codebook: Codebook, variable: Variable, answers: Answers) -> bool:
    """Tell whether a variable is asked, given the answers to those before it."""
    condition = variable.condition
    if condition is None:
        return True
    asked = codebook.variable(condition.variable)
    given = answers.get(condition.variable)
    if asked is None or given is None or not applies(codebook, asked, answers):
        return False
    return any(value in condition.values for value in given.values)


def checked(codebook: Codebook, answers: Answers) -> dict[str, Given]:
    """Return the answers in the form they are stored in; those not asked for are left out.

    :raises UsageError: names each variable that lacks an answer or has an unfit one
    """
    kept: dict[str, Given] = {}
    faults: list[str] = []
    for variable in codebook.variables:
        given = answers.get(variable.key, Given())
        if not applies(codebook, variable, kept):
            continue
        try:
            one = _checked(variable, given)
        except UsageError as error:
            faults.append(str(error))
            continue
        if one is not None:
            kept[variable.key] = one
    if faults:
        raise UsageError(" ".join(faults))
    return kept


def dump(answers: Answers) -> str:
    """Return answers as JSON for storage."""
    document = {
        key: {
            "values": list(one.values),
            "missing": one.missing.value if one.missing else None,
            "quote": one.quote,
            "memo": one.memo,
        }
        | ({"start": one.start} if one.start is not None else {})
        | ({"marks": list(one.marks)} if one.marks else {})
        for key, one in answers.items()
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def load(document: str) -> dict[str, Given]:
    """Read what `dump` wrote."""
    read: dict[str, dict[str, Any]] = json.loads(document or "{}")
    return {
        key: Given(
            values=tuple(one["values"]),
            missing=Missing(one["missing"]) if one["missing"] else None,
            quote=one["quote"],
            memo=one["memo"],
            start=one.get("start"),
            marks=tuple(one.get("marks", ())),
        )
        for key, one in read.items()
    }


def _checked(variable: Variable, given: Given) -> Given | None:
    quote, memo = given.quote.strip(), given.memo.strip()
    start = given.start if quote else None
    if start is not None:
        start += len(given.quote) - len(given.quote.lstrip())
    evidence = (quote, memo, start, tuple(dict.fromkeys(given.marks)))
    if given.missing is not None:
        if given.missing not in variable.missing:
            raise UsageError(f"{variable.label}: “{given.missing.value}” is no answer here.")
        return Given((), given.missing, *evidence)
    values = tuple(dict.fromkeys(value.strip() for value in given.values if value.strip()))
    if not values:
        if variable.required and not (variable.type is VariableType.MULTI and memo):
            raise UsageError(f"{variable.label}: an answer is missing.")
        return None
    if len(values) > 1 and variable.type not in SEVERAL:
        raise UsageError(f"{variable.label}: one answer only.")
    fit = tuple(_value(variable, value) for value in values)
    if variable.evidence_required and not quote and not given.marks:
        raise UsageError(
            f"{variable.label}: evidence is required. Mark or quote the words of the page that "
            "show it, or a region of its picture, or a range of time in its film."
        )
    return Given(fit, None, *evidence)


def _value(variable: Variable, value: str) -> str:
    kind = variable.type
    if kind in {VariableType.NOMINAL, VariableType.ORDINAL, VariableType.MULTI}:
        if value not in {code.key for code in variable.options}:
            raise UsageError(f"{variable.label}: there is no code {value!r} to give.")
        return value
    if kind is VariableType.BOOLEAN:
        if value not in {YES, NO}:
            raise UsageError(f"{variable.label}: answer yes or no.")
        return value
    if kind in {VariableType.INTEGER, VariableType.DECIMAL}:
        return _number(variable, value)
    written = _WRITTEN.get(kind)
    if written is not None:
        return written(variable, value)
    if kind is VariableType.URL and urlsplit(value).scheme not in {"http", "https"}:
        raise UsageError(f"{variable.label}: {value!r} is no web address.")
    if kind in NAMED:
        value = " ".join(value.split())
    if len(value) > _LONGEST:
        raise UsageError(f"{variable.label}: at most {_LONGEST} characters.")
    return value


def _number(variable: Variable, value: str) -> str:
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise UsageError(f"{variable.label}: {value!r} is no number.") from error
    if not number.is_finite():
        raise UsageError(f"{variable.label}: {value!r} is no number.")
    if variable.type is VariableType.INTEGER and number != number.to_integral_value():
        raise UsageError(f"{variable.label}: {value!r} is no whole number.")
    low, high = variable.minimum, variable.maximum
    if (low and number < Decimal(low)) or (high and number > Decimal(high)):
        raise UsageError(f"{variable.label}: {value} is not from {low or '…'} to {high or '…'}.")
    return str(number)


def _date(variable: Variable, value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise UsageError(f"{variable.label}: {value!r} is no date such as 2020-05-31.") from error


def _datetime(variable: Variable, value: str) -> str:
    """Bring an instant to UTC; without its offset it is none."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise UsageError(
            f"{variable.label}: {value!r} is no time such as 2020-05-31T12:00+08:00."
        ) from error
    if moment.tzinfo is None:
        raise UsageError(
            f"{variable.label}: {value!r} lacks its offset from UTC, as in 2020-05-31T12:00+08:00."
        )
    return moment.astimezone(UTC).isoformat()


def _time_range(variable: Variable, value: str) -> str:
    """Bring a stretch of a film to "start,end" in seconds (W3C Media Fragments 1.0, §4.2.1)."""
    parts = _RANGE.split(value.removeprefix("t=").removeprefix("npt:"))
    try:
        start, end = (_seconds(part) for part in parts)
    except (ValueError, InvalidOperation) as error:
        raise UsageError(
            f"{variable.label}: {value!r} is no stretch of time such as 1:02-1:30 or 62,90."
        ) from error
    if start >= end:
        raise UsageError(f"{variable.label}: {value!r} ends before it begins.")
    return f"{start.normalize():f},{end.normalize():f}"


def _seconds(written: str) -> Decimal:
    """Read seconds, minutes and seconds, or hours, minutes and seconds.

    :raises ValueError: it is none of these
    """
    found = _CLOCK.fullmatch(written.strip())
    if found is None:
        raise ValueError(written)
    hours, minutes, seconds = (Decimal(part or "0") for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


_RANGE: Final = re.compile(r"\s*[-–,]\s*")
_CLOCK: Final = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)")
_WRITTEN: Final[Mapping[VariableType, Callable[[Variable, str], str]]] = {
    VariableType.DATE: _date,
    VariableType.DATETIME: _datetime,
    VariableType.TIME_RANGE: _time_range,
}

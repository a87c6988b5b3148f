"""Reading JSON of a known shape: every fault names the file, the entry and the field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from annotate.errors import UsageError

Choice = TypeVar("Choice", bound=StrEnum)


class StudyError(UsageError):
    """Base of every reason why a study folder cannot be used."""


class MissingStudyFileError(StudyError):
    """A file that the study needs is not in its folder."""


class MalformedStudyError(StudyError):
    """A file of the study does not say what it should; the message names file and field."""


def read_json(path: Path) -> object:
    """Return the JSON document in `path`.

    :raises MissingStudyFileError: there is no such file
    :raises MalformedStudyError: it is no UTF-8 JSON
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise MissingStudyFileError(
            f"{path.name} is missing in {path.parent}; a study folder needs it"
        ) from error
    except UnicodeDecodeError as error:
        raise MalformedStudyError(f"{path.name} is not UTF-8: {error}") from error
    try:
        document: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise MalformedStudyError(f"{path.name} is not JSON: {error}") from error
    return document


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object of a file, and where it stands there."""

    where: str
    values: dict[str, object]

    @classmethod
    def of(cls, value: object, where: str) -> Fields:
        """Take `value`, which must be an object.

        :raises MalformedStudyError: it is something else
        """
        if not isinstance(value, dict):
            raise MalformedStudyError(f"{where}: an object was expected, found {_kind(value)}")
        return cls(where, value)

    def fault(self, name: str, expected: str) -> MalformedStudyError:
        """Return the error that says what field `name` should have been."""
        if name not in self.values:
            return MalformedStudyError(f"{self.where}: the field {name!r} is missing")
        shown = json.dumps(self.values[name], ensure_ascii=False)[:60]
        return MalformedStudyError(
            f"{self.where}: the field {name!r} should be {expected}, found {shown}"
        )

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self.fault(name, "a text that is not empty")
        return value

    def text_or_none(self, name: str) -> str | None:
        """Return a text, or None where the field is absent or null."""
        return None if self.values.get(name) is None else self.text(name)

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self.values.get(name)
        if not isinstance(value, bool):
            raise self.fault(name, "true or false")
        return value

    def count(self, name: str) -> int:
        """Return a whole number from 0 up."""
        value = self.values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.fault(name, "a whole number from 0 up")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.values.get(name)
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise self.fault(name, "a list of texts")
        return tuple(value)

    def instant(self, name: str) -> datetime:
        """Return an ISO 8601 time with its offset, kept in that offset."""
        try:
            instant = datetime.fromisoformat(self.text(name))
        except ValueError as error:
            raise self.fault(name, "an ISO 8601 time") from error
        if instant.tzinfo is None:
            raise self.fault(name, "a time with its offset, such as 2021-08-05T02:12:13+08:00")
        return instant

    def choice(self, name: str, choices: type[Choice]) -> Choice:
        """Return the member of `choices` that the field names."""
        try:
            return choices(self.text(name))
        except ValueError as error:
            raise self.fault(name, "one of " + ", ".join(choices)) from error

    def object(self, name: str) -> Fields:
        """Return the object in field `name`."""
        if name not in self.values:
            raise self.fault(name, "an object")
        return Fields.of(self.values[name], f"{self.where}, {name}")

    def objects(self, name: str) -> Iterator[Fields]:
        """Yield the objects of the list in field `name`."""
        if name not in self.values:
            raise self.fault(name, "a list")
        return each_object(self.values[name], f"{self.where}, {name}")


def each_object(value: object, where: str) -> Iterator[Fields]:
    """Yield the objects of the list `value`, each knowing its number from 1.

    :raises MalformedStudyError: no list, or an entry that is no object
    """
    if not isinstance(value, list):
        raise MalformedStudyError(f"{where}: a list was expected, found {_kind(value)}")
    for number, entry in enumerate(value, 1):
        yield Fields.of(entry, f"{where}, entry {number}")


def _kind(value: object) -> str:
    kinds = {list: "a list", dict: "an object", str: "a text", type(None): "null"}
    return kinds.get(type(value), "a number or a flag")

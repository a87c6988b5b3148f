"""A codebook: variables, their codes, and the one document form they are kept and digested in.

The document is canonical JSON (RFC 8785), version 1; `docs/codebook.md` describes it key by key.
Ids of variables and codes never change from version to version; labels may.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import rfc8785

from annotate.agreement.coefficients import Level
from annotate.errors import UsageError
from archive.identifiers import uuid7

DOCUMENT_VERSION: Final = 1
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
_CODE_KEY: Final = re.compile(r"[^\s\"/][^\s\"]{0,118}")


class VariableType(StrEnum):
    """What a variable's answers are."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    BOOLEAN = "boolean"
    MULTI = "multi"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    TEXT = "text"
    URL = "url"
    TIME_RANGE = "time range"
    ACCOUNT = "account"
    ENTITY = "entity"
    RELATION = "relation"


CODED: Final = frozenset({VariableType.NOMINAL, VariableType.ORDINAL, VariableType.MULTI})
NAMED: Final = frozenset({VariableType.ACCOUNT, VariableType.ENTITY, VariableType.RELATION})
"""Answered with names, each with the id it has in the registry (instrument/references.py)."""
SEVERAL: Final = frozenset({VariableType.MULTI, VariableType.RELATION})
"""Of these one answer may hold several values."""
LEVELS: Final = {
    VariableType.ORDINAL: Level.ORDINAL,
    VariableType.INTEGER: Level.INTERVAL,
    VariableType.DECIMAL: Level.INTERVAL,
}


class Missing(StrEnum):
    """Why there is no answer; each is an answer of its own kind."""

    NOT_APPLICABLE = "not applicable"
    CANNOT_ASSESS = "cannot assess"
    UNCLEAR = "unclear"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Code:
    """An answer category; `parent` nests it. A retired one keeps its uses and takes no new ones.

    What a retired one `became`: one other code, which its answers are carried to (a merge);
    several, among which people have to choose anew (a split); or none.
    """

    key: str
    label: str
    definition: str = ""
    include: str = ""
    exclude: str = ""
    example: str = ""
    keystroke: str = ""
    parent: str | None = None
    codable: bool = True
    retired: bool = False
    successor: str | None = None
    reason: str = ""
    became: tuple[str, ...] = ()
    id: str = field(default_factory=uuid7)


@dataclass(frozen=True, slots=True)
class Condition:
    """A variable is asked only where another was answered with one of these values."""

    variable: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A question of the instrument."""

    key: str
    label: str
    type: VariableType
    definition: str = ""
    required: bool = True
    missing: tuple[Missing, ...] = (Missing.CANNOT_ASSESS, Missing.UNCLEAR)
    condition: Condition | None = None
    evidence_required: bool = False
    minimum: str = ""
    maximum: str = ""
    codes: tuple[Code, ...] = ()
    id: str = field(default_factory=uuid7)

    @property
    def level(self) -> Level:
        """The level on which differences between answers are measured."""
        return LEVELS.get(self.type, Level.NOMINAL)

    @property
    def options(self) -> tuple[Code, ...]:
        """The codes that can be given now."""
        return tuple(code for code in self.codes if code.codable and not code.retired)

    def code(self, key: str) -> Code | None:
        """Return the code of that key, retired or not."""
        return next((code for code in self.codes if code.key == key), None)


@dataclass(frozen=True, slots=True)
class Codebook:
    """A whole version of an instrument."""

    name: str
    instructions: str = ""
    variables: tuple[Variable, ...] = ()

    def variable(self, key: str) -> Variable | None:
        """Return the variable of that key."""
        return next((one for one in self.variables if one.key == key), None)

    def by_id(self, variable_id: str) -> Variable | None:
        """Return the variable of that id, whatever it is called."""
        return next((one for one in self.variables if one.id == variable_id), None)

    def ids(self) -> frozenset[str]:
        """Return the ids of all variables and codes."""
        codes = {code.id for one in self.variables for code in one.codes}
        return frozenset(codes | {one.id for one in self.variables})

    def with_variable(self, changed: Variable) -> Codebook:
        """Return a copy in which the variable of that id is replaced, or added at the end."""
        kept = [changed if one.id == changed.id else one for one in self.variables]
        if changed.id not in {one.id for one in self.variables}:
            kept.append(changed)
        return replace(self, variables=tuple(kept))


def dump(codebook: Codebook) -> str:
    """Return the canonical document: one line of RFC 8785 JSON."""
    document: dict[str, Any] = {
        "v": DOCUMENT_VERSION,
        "name": codebook.name,
        "instructions": codebook.instructions,
        "variables": [_variable_document(one) for one in codebook.variables],
    }
    return rfc8785.dumps(document).decode()


def digest(document: str) -> str:
    """Return the SHA-256 of a document, in hex: what `sha256sum` prints for its exported file."""
    return hashlib.sha256(document.encode()).hexdigest()


@lru_cache(maxsize=64)  # versions are few, and read with every unit and every save
def load(document: str) -> Codebook:
    """Read a document.

    :raises UsageError: it is none of ours; says what is wrong with it
    """
    try:
        return read(json.loads(document))
    except json.JSONDecodeError as error:
        raise UsageError(f"This is no codebook as Holdfast writes it: {error}.") from error


def read(document: dict[str, Any]) -> Codebook:
    """Read a document that is parsed already.

    :raises UsageError: it is none of ours; says what is wrong with it
    """
    try:
        if document["v"] != DOCUMENT_VERSION:
            raise UsageError(
                f"This codebook is of document version {document['v']}; version "
                f"{DOCUMENT_VERSION} is read here."
            )
        return Codebook(
            name=str(document["name"]),
            instructions=str(document.get("instructions", "")),
            variables=tuple(_variable(one) for one in document["variables"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"This is no codebook as Holdfast writes it: {error!r}.") from error


def check(codebook: Codebook) -> None:
    """Refuse an instrument that cannot be coded with.

    :raises UsageError: names the variable or code and what to change
    """
    if not codebook.name.strip():
        raise UsageError("Give the codebook a name.")
    _refuse_repeats("variable", (one.key for one in codebook.variables))
    for variable in codebook.variables:
        _check_variable(codebook, variable)


def check_complete(codebook: Codebook) -> None:
    """Refuse to freeze what is not finished.

    :raises UsageError: there is nothing to code, or a coded variable with fewer than two codes
    """
    check(codebook)
    if not codebook.variables:
        raise UsageError("This codebook has no variables yet; add what is to be coded first.")
    for variable in codebook.variables:
        if variable.type in CODED and len(variable.options) < 2:
            raise UsageError(f"{variable.label}: give it at least two codes before freezing.")


def _check_variable(codebook: Codebook, variable: Variable) -> None:
    if not _KEY.fullmatch(variable.key):
        raise UsageError(
            f"A variable cannot be called {variable.key!r}: use small letters, digits and _, "
            "beginning with a letter."
        )
    if variable.codes and variable.type not in CODED:
        raise UsageError(f"{variable.label}: a {variable.type.value} variable has no codes.")
    _refuse_repeats(f"code of {variable.label}", (code.key for code in variable.codes))
    strokes = (code.keystroke for code in variable.options if code.keystroke)
    _refuse_repeats(f"keystroke of {variable.label}", strokes)
    keys = {code.key for code in variable.codes}
    for code in variable.codes:
        if not _CODE_KEY.fullmatch(code.key):
            raise UsageError(
                f"{variable.label}: a code cannot be called {code.key!r}: no spaces or quotes."
            )
        if len(code.keystroke) > 1:
            raise UsageError(f"{variable.label}, {code.label}: a keystroke is one character.")
        for other in filter(None, (code.parent, code.successor, *code.became)):
            if other not in keys or other == code.key:
                raise UsageError(f"{variable.label}, {code.label}: there is no code {other!r}.")
    _check_condition(codebook, variable)


def _check_condition(codebook: Codebook, variable: Variable) -> None:
    if variable.condition is None:
        return
    earlier = [one.key for one in codebook.variables]
    place = earlier.index(variable.key)
    if variable.condition.variable not in earlier[:place]:
        raise UsageError(
            f"{variable.label} depends on {variable.condition.variable!r}, which must stand "
            "before it in the codebook."
        )


def _refuse_repeats(what: str, keys: Iterable[str]) -> None:
    twice = [key for key, number in Counter(keys).items() if number > 1]
    if twice:
        raise UsageError(f"There are two of the same {what}: {', '.join(twice)}.")


def _variable_document(one: Variable) -> dict[str, Any]:
    return {
        "id": one.id,
        "key": one.key,
        "label": one.label,
        "type": one.type.value,
        "definition": one.definition,
        "required": one.required,
        "missing": [kind.value for kind in one.missing],
        "condition": None
        if one.condition is None
        else {"variable": one.condition.variable, "values": list(one.condition.values)},
        "evidence_required": one.evidence_required,
        "minimum": one.minimum,
        "maximum": one.maximum,
        "codes": [_code_document(code) for code in one.codes],
    }


def _code_document(code: Code) -> dict[str, Any]:
    return {name: getattr(code, name) for name in _CODE_FIELDS}


_CODE_FIELDS: Final = tuple(Code.__dataclass_fields__)


def _variable(given: dict[str, Any]) -> Variable:
    condition = given.get("condition")
    return Variable(
        id=str(given.get("id") or uuid7()),
        key=str(given["key"]),
        label=str(given["label"]),
        type=VariableType(given["type"]),
        definition=str(given.get("definition", "")),
        required=bool(given.get("required", True)),
        missing=tuple(Missing(kind) for kind in given.get("missing", ())),
        condition=Condition(str(condition["variable"]), tuple(map(str, condition["values"])))
        if condition
        else None,
        evidence_required=bool(given.get("evidence_required", False)),
        minimum=str(given.get("minimum", "")),
        maximum=str(given.get("maximum", "")),
        codes=tuple(_code(code) for code in given.get("codes", ())),
    )


def _code(given: dict[str, Any]) -> Code:
    """Read a code; its key is enough."""
    known = {name: given[name] for name in _CODE_FIELDS if given.get(name) is not None}
    if "became" in known:
        known["became"] = tuple(map(str, known["became"]))
    return Code(**{"label": given["key"]} | known)

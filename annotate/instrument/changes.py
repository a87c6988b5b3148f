"""What changed from one version of a codebook to the next, in words people can check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from annotate.instrument.codebook import Code, Codebook, Variable


class ChangeKind(StrEnum):
    """What was done to a variable or code."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    RETIRED = "retired"
    RETYPED = "retyped"
    REWORDED = "reworded"


# Changes after which an answer of the old version may no longer mean the same.
_RECODE: Final = frozenset({ChangeKind.REMOVED, ChangeKind.RETIRED, ChangeKind.RETYPED})


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions."""

    kind: ChangeKind
    variable: str
    """Key of the variable in the newer version, or in the older where it is gone."""
    code: str | None
    """Key of the code, where the change is about one."""
    before: str
    after: str

    @property
    def asks_recoding(self) -> bool:
        """Whether units that have the old answer need to be looked at again."""
        return self.kind in _RECODE


def changes(old: Codebook, new: Codebook) -> list[Change]:
    """Return what changed, variable by variable; things are the same by their id."""
    found: list[Change] = []
    before = {one.id: one for one in old.variables}
    after = {one.id: one for one in new.variables}
    for one in new.variables:
        if one.id not in before:
            found.append(Change(ChangeKind.ADDED, one.key, None, "", one.label))
        else:
            found += _of_variable(before[one.id], one)
    found += [
        Change(ChangeKind.REMOVED, one.key, None, one.label, "")
        for one in old.variables
        if one.id not in after
    ]
    return found


def _of_variable(old: Variable, new: Variable) -> list[Change]:
    found: list[Change] = []
    if (old.key, old.label) != (new.key, new.label):
        found.append(
            Change(
                ChangeKind.RENAMED,
                new.key,
                None,
                f"{old.label} ({old.key})",
                f"{new.label} ({new.key})",
            )
        )
    if old.type is not new.type:
        found.append(Change(ChangeKind.RETYPED, new.key, None, old.type.value, new.type.value))
    if old.definition != new.definition:
        found.append(Change(ChangeKind.REWORDED, new.key, None, old.definition, new.definition))
    before = {code.id: code for code in old.codes}
    after = {code.id for code in new.codes}
    for code in new.codes:
        if code.id not in before:
            found.append(Change(ChangeKind.ADDED, new.key, code.key, "", code.label))
        else:
            found += _of_code(new.key, before[code.id], code)
    found += [
        Change(ChangeKind.REMOVED, new.key, code.key, code.label, "")
        for code in old.codes
        if code.id not in after
    ]
    return found


def _of_code(variable: str, old: Code, new: Code) -> list[Change]:
    found: list[Change] = []
    if (old.key, old.label) != (new.key, new.label):
        found.append(
            Change(
                ChangeKind.RENAMED,
                variable,
                new.key,
                f"{old.label} ({old.key})",
                f"{new.label} ({new.key})",
            )
        )
    if new.retired and not old.retired:
        successor = f"successor: {new.successor}. " if new.successor else ""
        found.append(Change(ChangeKind.RETIRED, variable, new.key, "", successor + new.reason))
    old_words = (old.definition, old.include, old.exclude, old.example)
    new_words = (new.definition, new.include, new.exclude, new.example)
    if old_words != new_words:
        found.append(
            Change(
                ChangeKind.REWORDED,
                variable,
                new.key,
                " · ".join(filter(None, old_words)),
                " · ".join(filter(None, new_words)),
            )
        )
    return found


def _named(one: Variable | Code) -> str:
    return f"{one.label} ({one.key})"

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
    SPLIT = "split"
    MERGED = "merged"
    RETYPED = "retyped"
    REWORDED = "reworded"
    ASKED = "asked otherwise"


# Changes after which a person has to say what an answer of the old version means in the new one.
_RECODE: Final = frozenset({ChangeKind.SPLIT, ChangeKind.RETIRED, ChangeKind.RETYPED})


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
    if (old.condition, old.required) != (new.condition, new.required):
        found.append(Change(ChangeKind.ASKED, new.key, None, _asked(old), _asked(new)))
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
        found.append(_ended(variable, new))
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


def _ended(variable: str, code: Code) -> Change:
    if len(code.became) > 1:
        kind, where = ChangeKind.SPLIT, f"into {', '.join(code.became)}. "
    elif code.became:
        kind, where = ChangeKind.MERGED, f"into {code.became[0]}. "
    else:
        kind, where = ChangeKind.RETIRED, f"successor: {code.successor}. " if code.successor else ""
    return Change(kind, variable, code.key, code.label, where + code.reason)


def _asked(one: Variable) -> str:
    how = "must be answered" if one.required else "may be left out"
    if one.condition is None:
        return f"always, {how}"
    return f"only where {one.condition.variable} is {' or '.join(one.condition.values)}, {how}"

"""Carrying answers from one version of a codebook to a later one.

Nothing here changes an answer: it says what an old answer means in the newer words, and where
only a person can say. Things are the same by their id, whatever they are called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from annotate.instrument.answers import Answers, Given
from annotate.instrument.codebook import Code, Codebook, Variable


class Fate(StrEnum):
    """What became of a variable or code, as far as old answers are concerned."""

    MERGED = "merged"
    SPLIT = "split"
    RETIRED = "retired"
    RETYPED = "retyped"
    REMOVED = "removed"
    ADDED = "added"


ASKS: Final = frozenset({Fate.SPLIT, Fate.RETIRED, Fate.RETYPED})
"""After these a unit with the old answer is coded again, unless whoever manages says otherwise."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing old answers have to be carried over."""

    fate: Fate
    variable: str
    """The variable's key: the same in both versions."""
    code: str | None = None
    to: tuple[str, ...] = ()
    """Keys of the codes it became, or the advised successor."""

    @property
    def key(self) -> str:
        """A name of the step within its version, for forms and programs."""
        return ":".join(filter(None, (self.fate.value, self.variable, self.code)))


@dataclass(frozen=True, slots=True)
class Carried:
    """One coder's answers in the words of the newer version."""

    answers: Mapping[str, Given]
    """What stands, or can be carried without asking."""
    met: tuple[Step, ...]
    """The steps these answers met on the way."""


def steps(old: Codebook, new: Codebook) -> list[Step]:
    """Return what there is to carry over, variable by variable, in the newer order."""
    found: list[Step] = []
    for variable in new.variables:
        before = old.by_id(variable.id)
        if before is None:
            found.append(Step(Fate.ADDED, variable.key))
        elif before.type is not variable.type:
            found.append(Step(Fate.RETYPED, variable.key))
        else:
            found += _code_steps(before, variable)
    kept = {one.id for one in new.variables}
    found += [Step(Fate.REMOVED, one.key) for one in old.variables if one.id not in kept]
    return found


def carry(old: Codebook, new: Codebook, answers: Answers) -> Carried:
    """Return answers given with the old version in the words of the new one."""
    kept: dict[str, Given] = {}
    met: list[Step] = []
    for before in old.variables:
        given = answers.get(before.key)
        after = new.by_id(before.id)
        if given is None:
            continue
        if after is None:
            met.append(Step(Fate.REMOVED, before.key))
            continue
        values, on_the_way = carried_values(before, after, given.values)
        met += on_the_way
        if not any(step.fate in ASKS for step in on_the_way):
            kept[after.key] = replace(given, values=values)
    return Carried(kept, tuple(dict.fromkeys(met)))


def carried_values(
    before: Variable, after: Variable, values: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[Step, ...]]:
    """Return values in the words of the later variable, with the steps met.

    A value that needs a person stays as it was.
    """
    if before.type is not after.type:
        return values, (Step(Fate.RETYPED, after.key),) if values else ()
    found: list[str] = []
    met: list[Step] = []
    for value in values:
        code = before.code(value)
        step, to = _fate(after, code) if code is not None else (None, value)
        found.append(to)
        if step is not None:
            met.append(step)
    return tuple(dict.fromkeys(found)), tuple(dict.fromkeys(met))


def _code_steps(before: Variable, after: Variable) -> Iterator[Step]:
    for code in before.codes:
        step, _to = _fate(after, code)
        if step is not None:
            yield step


def _fate(after: Variable, code: Code) -> tuple[Step | None, str]:
    """Follow one code of the earlier variable; return the step met, and where it leads."""
    held = next((one for one in after.codes if one.id == code.id), None)
    if held is None:
        return Step(Fate.REMOVED, after.key, code.key), code.key
    if not held.retired or (code.retired and held.became == code.became):
        return None, held.key
    place, passed = held, {held.key}
    while place.retired and len(place.became) == 1:
        following = after.code(place.became[0])
        if following is None or following.key in passed:
            break
        place = following
        passed.add(place.key)
    if not place.retired:
        return Step(Fate.MERGED, after.key, code.key, (place.key,)), place.key
    if len(place.became) > 1:
        return Step(Fate.SPLIT, after.key, code.key, place.became), code.key
    advised = (place.successor,) if place.successor else ()
    return Step(Fate.RETIRED, after.key, code.key, advised), code.key

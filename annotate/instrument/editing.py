"""Changing an instrument so that what was answered with its earlier words keeps its meaning.

A code is renamed in its label only; its key and id stay. One that was used is never taken out:
it is retired, split or merged, and says what it became, so that old answers can be followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from annotate.errors import UsageError
from annotate.instrument.codebook import (
    CODED,
    Code,
    Codebook,
    Condition,
    Variable,
    VariableType,
)


def rename(content: Codebook, key: str, code: str | None, label: str) -> Codebook:
    """Give a variable, or one of its codes, another label.

    :raises UsageError: there is none of that key, or the label is empty
    """
    variable = variable_of(content, key)
    words = label.strip()
    if not words:
        raise UsageError("A label needs words.")
    if code is None:
        return content.with_variable(replace(variable, label=words))
    held = _standing(variable, code)
    return content.with_variable(_with_codes(variable, [replace(held, label=words)]))


def retire(content: Codebook, key: str, code: str, successor: str, reason: str) -> Codebook:
    """Retire a code: its uses stay, new ones are refused. A successor is advice to coders.

    :raises UsageError: there is no such code, or no reason
    """
    variable = variable_of(content, key)
    held = _standing(variable, code)
    retired = replace(
        held, retired=True, successor=successor or None, reason=_said(reason, "retired")
    )
    return content.with_variable(_with_codes(variable, [retired]))


def split(
    content: Codebook, key: str, code: str, into: Sequence[tuple[str, str]], reason: str
) -> Codebook:
    """Split a code into new ones: every unit that has it is to be coded again.

    :param into: key and label of each new code
    :raises UsageError: fewer than two codes to split into, one of them exists, or no reason
    """
    variable = variable_of(content, key)
    held = _standing(variable, code)
    wanted = [(new.strip(), label.strip()) for new, label in into if new.strip()]
    if len(wanted) < 2:
        raise UsageError("Name at least two codes to split this one into.")
    why = _said(reason, "split")
    for new, _label in wanted:
        if variable.code(new) is not None:
            raise UsageError(f"{variable.label} has a code {new!r} already; take another name.")
    fresh = [Code(key=new, label=label or new, parent=held.parent) for new, label in wanted]
    became = tuple(new for new, _label in wanted)
    retired = replace(held, retired=True, became=became, reason=why)
    at = variable.codes.index(held) + 1
    codes = (*variable.codes[:at], *fresh, *variable.codes[at:])
    changed = _with_codes(replace(variable, codes=codes), [retired])
    return _asked_instead(content.with_variable(changed), key, code, became)


def merge(
    content: Codebook, key: str, codes: Sequence[str], into: str, label: str, reason: str
) -> Codebook:
    """Merge codes into one, a new one or one there is: their answers are carried to it.

    :raises UsageError: nothing to merge, the target is retired, or no reason
    """
    variable = variable_of(content, key)
    target = into.strip()
    gone = [one for one in dict.fromkeys(codes) if one != target]
    if not target or not gone:
        raise UsageError("Say which codes are merged, and into which.")
    held = [_standing(variable, one) for one in gone]
    why = _said(reason, "merged")
    if variable.code(target) is None:
        fresh = Code(key=target, label=label.strip() or target, parent=held[0].parent)
        variable = replace(variable, codes=(*variable.codes, fresh))
    _standing(variable, target)
    retired = [
        replace(one, retired=True, successor=target, became=(target,), reason=why) for one in held
    ]
    content = content.with_variable(_with_codes(variable, retired))
    for one in gone:
        content = _asked_instead(content, key, one, (target,))
    return content


def retype(content: Codebook, key: str, kind: VariableType) -> Codebook:
    """Give a variable another type; codes stay where the new type has some.

    :raises UsageError: there is no such variable
    """
    variable = variable_of(content, key)
    codes = variable.codes if kind in CODED else ()
    return content.with_variable(replace(variable, type=kind, codes=codes))


def remove_code(content: Codebook, earlier: Codebook | None, key: str, code: str) -> Codebook:
    """Take a code out that no frozen version has.

    :raises UsageError: coders were offered it: it is retired instead
    """
    variable = variable_of(content, key)
    held = variable.code(code)
    if held is None:
        raise UsageError(f"{variable.label} has no code {code!r}.")
    before = earlier.by_id(variable.id) if earlier is not None else None
    if before is not None and held.id in {one.id for one in before.codes}:
        raise UsageError(f"“{held.label}” stands in a frozen version. Retire it instead.")
    for other in variable.codes:
        if code in (other.parent, other.successor, *other.became):
            raise UsageError(f"“{other.label}” depends on this code; change that first.")
    codes = tuple(one for one in variable.codes if one.id != held.id)
    return content.with_variable(replace(variable, codes=codes))


def remove_variable(content: Codebook, key: str) -> Codebook:
    """Return a draft without a variable; answers of earlier versions stay where they are.

    :raises UsageError: another variable depends on it
    """
    variable_of(content, key)
    for one in content.variables:
        if one.condition is not None and one.condition.variable == key:
            raise UsageError(f"{one.label} depends on this variable; change that first.")
    return replace(content, variables=tuple(one for one in content.variables if one.key != key))


def refuse_breaks(earlier: Codebook, new: Codebook) -> None:
    """Refuse what would make answers of a frozen version unreadable in the next.

    :raises UsageError: a key changed or was given to something else, or a code is gone
    """
    keys = {one.key: one for one in earlier.variables}
    for variable in new.variables:
        before = earlier.by_id(variable.id)
        if before is None:
            if variable.key in keys:
                raise UsageError(
                    f"Earlier answers stand under {variable.key!r}; give the new variable "
                    "another key."
                )
            continue
        if before.key != variable.key:
            raise UsageError(f"The key {before.key!r} stays: answers stand under it.")
        held = {code.id: code for code in variable.codes}
        for code in before.codes:
            if code.id not in held and before.type is variable.type:
                raise UsageError(f"“{code.label}” stands in a frozen version. Retire it instead.")
            if code.id in held and held[code.id].key != code.key:
                raise UsageError(f"The key {code.key!r} stays: answers stand under it.")


def variable_of(content: Codebook, key: str) -> Variable:
    """Return the variable of that key.

    :raises UsageError: there is none
    """
    found = content.variable(key)
    if found is None:
        raise UsageError(f"This codebook has no variable {key!r}.")
    return found


def _standing(variable: Variable, key: str) -> Code:
    held = variable.code(key)
    if held is None:
        raise UsageError(f"{variable.label} has no code {key!r}.")
    if held.retired:
        raise UsageError(f"“{held.label}” is retired already.")
    return held


def _with_codes(variable: Variable, changed: Sequence[Code]) -> Variable:
    by_id = {one.id: one for one in changed}
    return replace(variable, codes=tuple(by_id.get(one.id, one) for one in variable.codes))


def _asked_instead(content: Codebook, key: str, code: str, instead: Sequence[str]) -> Codebook:
    """Let conditions name what a code became."""

    def changed(one: Variable) -> Variable:
        asked = one.condition
        if asked is None or asked.variable != key or code not in asked.values:
            return one
        kept = [value for value in asked.values if value != code]
        values = tuple(dict.fromkeys([*kept, *instead]))
        return replace(one, condition=Condition(key, values))

    return replace(content, variables=tuple(changed(one) for one in content.variables))


def _said(reason: str, what: str) -> str:
    if not reason.strip():
        raise UsageError(f"Say why the code is {what}.")
    return reason.strip()

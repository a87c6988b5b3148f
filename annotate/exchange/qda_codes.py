"""A codebook as REFI-QDA codes, and back.

A variable with categories is a code that cannot be given, above its codes; other variables are
codes that can be given, their values in notes. REFI-QDA has a name and a description for each
code and nothing else, so the whole document goes along in a note of our own (`OWN_NOTE`): read
back, names and descriptions are taken from the codes, where another program may have changed
them, and the rest from the document.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from annotate.errors import UsageError
from annotate.exchange.names import derived
from annotate.instrument import codebook as instrument
from annotate.instrument.answers import NO, YES, Given
from annotate.instrument.codebook import CODED, Code, Codebook, Missing, Variable, VariableType
from archive.importing.refi import Code as ForeignCode

_UNFIT: Final = re.compile(r"[\s\"/]+")
_LONGEST_KEY: Final = 100
_TYPE: Final = "Type: "
_PARTS: Final = {"Include: ": "include", "Exclude: ": "exclude", "Example: ": "example",
                 "Retired: ": "reason"}  # fmt: skip


def to_code(guid: str, book: Codebook) -> ForeignCode:
    """Return a codebook as one code above its variables."""
    variables = tuple(_variable(one) for one in book.variables)
    return ForeignCode(guid, book.name, codable=False, description=book.instructions,
                       children=variables)  # fmt: skip


def codes_given(variable: Variable, given: Given) -> list[tuple[str, str]]:
    """Return the GUIDs of the codes an answer stands for, each with its value in words.

    The value is empty where the code says it all.
    """
    if given.missing is not None:
        return [(_missing_guid(variable.id, given.missing), "")]
    if variable.type in CODED:
        known = {code.key: code.id for code in variable.codes}
        return [(known[value], "") for value in given.values if value in known]
    if variable.type is VariableType.BOOLEAN:
        return [(derived(variable.id, value), "") for value in given.values]
    return [(variable.id, value) for value in given.values]


def from_codes(
    codes: Sequence[ForeignCode], own: Mapping[str, Any], name: str
) -> list[tuple[str, Codebook]]:
    """Return the codebooks in a file's codes, each with the GUID it has there.

    Those Holdfast wrote come back as they were, with what was renamed or added since. All other
    codes make one codebook: each code above others that cannot be given itself is a variable of
    several answers, and the rest are the codes of one more.
    """
    documents = _documents(own)
    found: list[tuple[str, Codebook]] = []
    others: list[ForeignCode] = []
    for code in codes:
        if code.guid in documents:
            found.append((code.guid, _restored(documents[code.guid], code)))
        else:
            others.append(code)
    if others:
        guid = derived("codebook", *(code.guid for code in others))
        found.append((guid, Codebook(name or "Codes", variables=tuple(_grouped(others)))))
    return found


def _documents(own: Mapping[str, Any]) -> dict[str, Codebook]:
    listed = own.get("codebooks")
    if not isinstance(listed, dict):
        return {}
    found = {}
    for guid, document in listed.items():
        try:
            found[str(guid)] = instrument.load(document if isinstance(document, str) else "")
        except UsageError:
            continue  # a document of ours that somebody broke: its codes are read as any other's
    return found


def own_documents(books: Iterable[tuple[str, Codebook]]) -> dict[str, str]:
    """Return the documents of codebooks by GUID, for the note of our own."""
    return {guid: instrument.dump(book) for guid, book in books}


def _variable(one: Variable) -> ForeignCode:
    coded = one.type in CODED
    children: list[ForeignCode] = []
    if coded:
        children = _nested(one, None, set())
    elif one.type is VariableType.BOOLEAN:
        children = [ForeignCode(derived(one.id, value), value, codable=True) for value in (YES, NO)]
    children += [
        ForeignCode(_missing_guid(one.id, kind), f"({kind.value})", codable=True)
        for kind in one.missing
    ]
    codable = not coded and one.type is not VariableType.BOOLEAN
    said = "\n\n".join(filter(None, (one.definition, f"{_TYPE}{one.type.value}")))
    return ForeignCode(one.id, one.label, codable, said, tuple(children))


def _nested(variable: Variable, parent: str | None, seen: set[str]) -> list[ForeignCode]:
    """Return the codes below a code; what hangs on a ring of parents stands at the top."""
    found = []
    for code in variable.codes:
        if code.parent == parent and code.id not in seen:
            seen.add(code.id)
            below = tuple(_nested(variable, code.key, seen))
            found.append(ForeignCode(code.id, code.label, code.codable, described(code), below))
    if parent is None:
        found += [
            ForeignCode(code.id, code.label, code.codable, described(code))
            for code in variable.codes
            if code.id not in seen
        ]
    return found


def described(code: Code) -> str:
    """Return all that a codebook says of a code, as one text."""
    parts = [
        code.definition,
        f"Include: {code.include}" if code.include else "",
        f"Exclude: {code.exclude}" if code.exclude else "",
        f"Example: {code.example}" if code.example else "",
        f"Retired: {code.reason}" if code.retired else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _undescribed(code: Code, text: str) -> Code:
    """Return the code with what a text in the form of `described` says of it."""
    said: dict[str, list[str]] = defaultdict(list)
    name = "definition"
    for paragraph in text.split("\n\n"):
        begun = next((prefix for prefix in _PARTS if paragraph.startswith(prefix)), "")
        name = _PARTS.get(begun, name)
        said[name].append(paragraph.removeprefix(begun))
    told = {key: "\n\n".join(parts) for key, parts in said.items()}
    return replace(
        code,
        definition=told.get("definition", ""),
        include=told.get("include", ""),
        exclude=told.get("exclude", ""),
        example=told.get("example", ""),
        reason=told.get("reason", ""),
        retired="reason" in told,
    )


def _untyped(text: str) -> tuple[str, VariableType | None]:
    """Return a variable's definition, and the type that stands below it."""
    definition, found, word = text.rpartition(_TYPE)
    kinds = {kind.value: kind for kind in VariableType}
    if not found or word.strip() not in kinds or (definition and definition[-1] != "\n"):
        return text, None
    return definition.strip(), kinds[word.strip()]


def _missing_guid(variable_id: str, kind: Missing) -> str:
    return derived(variable_id, "missing", kind.value)


def _restored(book: Codebook, code: ForeignCode) -> Codebook:
    """Return a codebook of ours with what its codes say now."""
    held = {one.id: one for one in book.variables}
    keys = {one.key for one in book.variables}
    variables = []
    for child in code.children:
        known = held.get(child.guid)
        if known is None:
            variables.append(_new_variable(child, keys))
        else:
            definition, _type = _untyped(child.description)
            kept = replace(known, label=child.name or known.label, definition=definition)
            variables.append(_with_codes(kept, child))
    asked = {one.key for one in variables}
    variables = [
        one if one.condition is None or one.condition.variable in asked
        else replace(one, condition=None)
        for one in variables
    ]  # fmt: skip
    return Codebook(code.name or book.name, code.description, tuple(_in_order(variables)))


def _in_order(variables: Sequence[Variable]) -> list[Variable]:
    """Put each variable after the one it depends on."""
    placed: list[Variable] = []
    waiting = list(variables)
    while waiting:
        done = {one.key for one in placed}
        ready = [one for one in waiting if one.condition is None or one.condition.variable in done]
        if not ready:
            return placed + [replace(one, condition=None) for one in waiting]
        placed.append(ready[0])
        waiting.remove(ready[0])
    return placed


def _with_codes(variable: Variable, tree: ForeignCode) -> Variable:
    if variable.type not in CODED:
        return variable
    own = {_missing_guid(variable.id, kind) for kind in Missing}
    held = {code.id: code for code in variable.codes}
    codes: list[Code] = []
    taken = {code.key for code in variable.codes}

    def gather(below: ForeignCode, parent: str | None) -> None:
        for child in below.children:
            if child.guid in own:
                continue
            known = held.get(child.guid)
            made = _new_code(child, taken) if known is None else _told(known, child)
            codes.append(replace(made, parent=parent))
            gather(child, made.key)

    gather(tree, None)
    kept = {code.key for code in codes}
    return replace(
        variable,
        codes=tuple(
            code if code.successor in kept or code.successor is None
            else replace(code, successor=None)
            for code in codes
        ),
    )  # fmt: skip


def _told(known: Code, child: ForeignCode) -> Code:
    renamed = replace(known, label=child.name or known.label)
    if child.description == described(known):
        return renamed
    told = _undescribed(renamed, child.description)
    return replace(told, retired=known.retired, reason=known.reason)


def _grouped(codes: Sequence[ForeignCode]) -> list[Variable]:
    taken: set[str] = set()
    groups = [code for code in codes if _is_variable(code)]
    rest = tuple(code for code in codes if not _is_variable(code))
    found = [_new_variable(group, taken) for group in groups]
    if rest:
        top = ForeignCode(derived("codes", *(code.guid for code in rest)), "Codes", codable=False,
                          children=rest)  # fmt: skip
        found.append(_new_variable(top, taken))
    return found


def _is_variable(code: ForeignCode) -> bool:
    return bool(code.children and not code.codable) or _untyped(code.description)[1] is not None


def _new_variable(code: ForeignCode, taken: set[str]) -> Variable:
    slug = re.sub(r"[^a-z0-9]+", "_", code.name.lower()).strip("_")[:40]
    key = _unused(slug if slug[:1].isalpha() else "codes", taken, "_")
    definition, kind = _untyped(code.description)
    below = {child.guid for child in code.children}
    made = Variable(
        key=key,
        label=code.name or key,
        type=kind or VariableType.MULTI,
        definition=definition,
        required=kind is not None,
        missing=tuple(one for one in Missing if _missing_guid(code.guid, one) in below),
        id=code.guid,
    )
    return _with_codes(made, code)


def _new_code(code: ForeignCode, taken: set[str]) -> Code:
    key = _unused(_UNFIT.sub("-", code.name).strip("-")[:_LONGEST_KEY] or "code", taken, "-")
    made = Code(key, code.name or key, codable=code.codable, id=code.guid)
    return _undescribed(made, code.description)


def _unused(key: str, taken: set[str], join: str) -> str:
    found, number = key, 2
    while found in taken:
        found, number = f"{key}{join}{number}", number + 1
    taken.add(found)
    return found


def dump_own(own: Mapping[str, Any]) -> str:
    """Write the note of our own."""
    return json.dumps({"v": 1, **own}, ensure_ascii=False, sort_keys=True, indent=1)

"""Answers that name accounts and entities: two coders who write one name in two scripts agree.

A name the registry knows is kept the way the registry writes it; one it does not know is kept as
it was given, so that a blind coder need not fill the registry before answering.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.instrument.answers import Given
from annotate.instrument.codebook import NAMED, Codebook, Variable, VariableType
from annotate.models import EntryKind, Project
from annotate.services.label_index import labels_of
from annotate.services.registry.known import Known

KINDS: Final[Mapping[VariableType, tuple[EntryKind, ...]]] = {
    VariableType.ACCOUNT: (EntryKind.ACCOUNT,),
    VariableType.ENTITY: (EntryKind.ENTITY,),
    VariableType.RELATION: (EntryKind.ACCOUNT, EntryKind.ENTITY),
}


def as_registered(
    session: Session, project: Project, codebook: Codebook, answers: Mapping[str, Given]
) -> dict[str, Given]:
    """Return the answers, names that the registry knows written as it writes them.

    :raises UsageError: several entries are called so; names them
    """
    named = {one.key: one for one in codebook.variables if one.type in NAMED}
    if not any(key in named and given.values for key, given in answers.items()):
        return dict(answers)
    known = labels_of(session, project.id).known
    return {
        key: replace(
            given, values=tuple(_written(known, named[key], value) for value in given.values)
        )
        if key in named
        else given
        for key, given in answers.items()
    }


def _written(known: Known, variable: Variable, value: str) -> str:
    found = [one for one in known.called(value.strip()) if _fits(known, variable, one)]
    if len(found) > 1:
        offer = ", ".join(sorted(known.references[one] for one in found))
        raise UsageError(f"{variable.label}: several are called {value!r}. Write one of: {offer}.")
    return known.references[found[0]] if found else value


def _fits(known: Known, variable: Variable, entry_id: str) -> bool:
    return known.entries[entry_id].kind in KINDS[variable.type]

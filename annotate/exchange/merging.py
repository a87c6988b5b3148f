"""Several versions of a codebook as one, for forms that know no versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from annotate.instrument.codebook import Codebook, Variable


def merged(versions: Sequence[Codebook]) -> Codebook:
    """Return the newest version, with what earlier ones asked and it no longer does.

    :param versions: newest first
    """
    newest, *earlier = versions
    for old in earlier:
        for variable in old.variables:
            held = next((one for one in newest.variables if one.id == variable.id), None)
            if held is None:
                newest = replace(newest, variables=(*newest.variables, _gone(variable, newest)))
                continue
            ids, keys = {code.id for code in held.codes}, {code.key for code in held.codes}
            added = tuple(
                replace(code, retired=True, parent=None, successor=None)
                for code in variable.codes
                if code.id not in ids and code.key not in keys
            )
            missing = tuple(dict.fromkeys((*held.missing, *variable.missing)))
            newest = newest.with_variable(
                replace(held, codes=(*held.codes, *added), missing=missing)
            )
    return newest


def _gone(variable: Variable, book: Codebook) -> Variable:
    keys = {one.key for one in book.variables}
    key = variable.key
    while key in keys:
        key += "_old"
    return replace(variable, key=key, condition=None)

"""The form of answers, read: one way for coders and for whoever settles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask import request

from annotate.errors import UsageError
from annotate.instrument.answers import Given
from annotate.instrument.codebook import Codebook, Missing, VariableType
from annotate.views.mark_form import read_media_marks

_MISSING: Final = "missing:"


def read_answers(codebook: Codebook, *, draft: bool = False) -> Mapping[str, Given]:
    """Read `v.KEY` (values, or "missing:KIND"), `q.KEY` (quote, which begins at `p.KEY`),
    `m.KEY` (memo), and the regions and ranges of time of mark_form.py.

    :param draft: a half given region or range of time is left out
    :raises UsageError: a missing kind is unknown, or a place is none
    """
    form = request.form
    found: dict[str, Given] = {}
    for variable in codebook.variables:
        values = [value for value in form.getlist(f"v.{variable.key}") if value.strip()]
        if variable.type is VariableType.RELATION:  # one name a line
            values = [line for value in values for line in value.splitlines() if line.strip()]
        kinds = [value.removeprefix(_MISSING) for value in values if value.startswith(_MISSING)]
        given = Given(
            values=() if kinds else tuple(values),
            missing=_kind(kinds[0]) if kinds else None,
            quote=form.get(f"q.{variable.key}", "").replace("\r\n", "\n"),
            memo=form.get(f"m.{variable.key}", "").replace("\r\n", "\n"),
            start=_start(form.get(f"p.{variable.key}", "")),
            marks=tuple(str(one) for one in read_media_marks(variable.key, draft=draft)),
        )
        if given != Given():
            found[variable.key] = given
    return found


def read_number(name: str) -> int:
    """Read a whole number that the page itself put into its form.

    :raises UsageError: it is missing
    """
    value = request.form.get(name, "")
    if not value.isdigit():
        raise UsageError(f"The form lacks “{name}”. Reload the page; your draft is kept.")
    return int(value)


def _start(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def _kind(word: str) -> Missing:
    try:
        return Missing(word)
    except ValueError as error:
        raise UsageError(f"{word!r} is no reason for a missing answer.") from error

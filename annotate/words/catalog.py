"""What is said in which language: the catalogs beside this module, read once each.

A catalog is a GNU gettext PO file (read by Babel) named by its BCP 47 tag. English needs none:
messages are English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po
from markupsafe import Markup, escape

FOLDER: Final = Path(__file__).parent
PLACE: Final = re.compile(r"\{(\d+)\}")


@dataclass(frozen=True, slots=True)
class Language:
    """A language the interface speaks."""

    tag: str  # BCP 47
    name: str
    """In itself."""
    direction: str = "ltr"


ENGLISH: Final = Language("en", "English")
LANGUAGES: Final = (ENGLISH, Language("ar", "العربية", "rtl"), Language("zh", "简体中文"))


def language(tag: str | None) -> Language:
    """Return the language of a tag; English for any we do not speak."""
    return next((one for one in LANGUAGES if one.tag == tag), ENGLISH)


@cache
def catalog(tag: str) -> Mapping[str, str]:
    """Return what a language says for each message; nothing for English."""
    path = FOLDER / f"{tag}.po"
    if tag == ENGLISH.tag or not path.is_file():
        return {}
    with path.open("rb") as file:
        held = read_po(file, locale=tag)
    return {
        one.id: one.string
        for one in held
        if isinstance(one.id, str) and isinstance(one.string, str) and one.id and one.string
    }


def say(message: str, *values: object, tag: str = ENGLISH.tag) -> Markup:
    """Say a message of a template, which is HTML text, with its values escaped into it."""
    words = catalog(tag).get(message, message)
    put_in = _isolated if language(tag).direction == "rtl" else escape
    said = PLACE.sub(lambda place: str(put_in(values[int(place[1]) - 1])), words)
    return Markup(said)  # noqa: S704 - our own words, and values that were escaped


def _isolated(value: object) -> Markup:
    """Keep a value from being turned about by right-to-left words beside it: a date above all.

    First strong isolate and its end, Unicode Standard Annex 9, section 2.2; what is markup
    already has elements for that.
    """
    return value if isinstance(value, Markup) else escape(f"\u2068{value}\u2069")


def translated(text: object, tag: str) -> str:
    """Return a sentence of the rules in a language, as plain text; as it is where none is known.

    The rules raise and flash whole English sentences with values in them; the message is
    recognised by its words, and the values are put where the other language wants them.
    """
    plain = str(text)
    words = catalog(tag)
    if not words or not plain:
        return plain
    if (exact := words.get(plain)) is not None:
        return exact
    for pattern, message in _patterns(tag):
        if (found := pattern.fullmatch(plain)) is not None:
            return PLACE.sub(lambda place: found[int(place[1])], words[message])
    return plain


@cache
def _patterns(tag: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return what recognises each message with values, the ones with most words first."""
    with_values = [one for one in catalog(tag) if PLACE.search(one) and _fixed(one) > _FEW]
    return tuple(
        (re.compile(_as_pattern(one), re.DOTALL), one)
        for one in sorted(with_values, key=_fixed, reverse=True)
    )


_FEW: Final = 8  # fewer letters than these recognise nothing for certain


def _fixed(message: str) -> int:
    return len(PLACE.sub("", message))


def _as_pattern(message: str) -> str:
    """Make a regular expression of a message; its values have no names but their order.

    A value may be empty, as the ending of a plural is where there is one.
    """
    parts = PLACE.split(message)[::2]
    return "(.*?)".join(re.escape(one) for one in parts)

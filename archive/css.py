"""Archived style sheets made harmless by a tokenizer (CSS Syntax 3), never by patterns.

What can name an address is a url token, the functions url(), src(), image() and image-set()
with strings, and @import. Each is led into the capture or to nothing; everything else stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urljoin

import tinycss2

Rewrite = Callable[[str], str | None]
"""Takes an absolute address; gives where to fetch it from in the capture, or None."""

NOTHING: Final = "data:,"
_DEEPEST: Final = 200  # blocks within one another
_OPENING: Final = frozenset("{([")
_CLOSING: Final = frozenset("})]")
_BRACKET: Final = re.compile(r"""[][(){}]|"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'""")
_LARGEST: Final = 8_000_000  # characters of one sheet; a larger one is not shown
_ADDRESS_FUNCTIONS: Final = frozenset({"url", "src", "image", "image-set", "-webkit-image-set"})
_DEAD: Final = {"expression": "none", "-moz-binding": "x-binding", "behavior": "x-behavior"}
# Without any of these, and without an escape, a sheet can name no address.
_TELLING: Final = ("url", "import", "src", "image", "expression", "binding", "behavior", "\\")
_SHOWN_DATA: Final = ("image/", "font/", "audio/", "video/", "application/font",
                      "application/x-font")  # fmt: skip


def sanitise_css(sheet: str, base: str, rewrite: Rewrite) -> str:
    """Return a style sheet whose every address leads into the capture or nowhere.

    :param base: what relative addresses are relative to
    """
    sheet = sheet.replace("\x00", "\ufffd")
    if len(sheet) > _LARGEST or _depth(sheet) > _DEEPEST:
        return "/* larger, or nested more deeply, than any real sheet */"
    small = sheet.lower()
    if not any(word in small for word in _TELLING):
        return sheet
    try:
        tokens = tinycss2.parse_component_value_list(sheet, skip_comments=True)
        _lead(tokens, base, rewrite)
        return str(tinycss2.serialize(tokens))
    except RecursionError:
        return "/* nested more deeply than any real sheet */"


def _depth(sheet: str) -> int:
    """Return how deeply blocks stand in one another; browsers have crashed on thousands."""
    depth = deepest = 0
    for match in _BRACKET.finditer(sheet):
        if match[0] in _OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in _CLOSING:
            depth = max(0, depth - 1)
    return deepest


def addresses_in(sheet: str, base: str) -> Iterator[str]:
    """Yield every absolute address a sheet names."""
    found: list[str] = []

    def note(address: str) -> None:
        found.append(address)

    sanitise_css(sheet, base, note)
    yield from found


def inline(sheet: str) -> str:
    """Return a sheet fit to stand inside a style element, in HTML or in SVG."""
    out = sheet.replace("</", "\\3c /").replace("<!", "\\3c !").replace("<?", "\\3c ?")
    return "".join(
        "\\3c " if letter == "<" and out[at + 1 : at + 2].isalpha() else letter
        for at, letter in enumerate(out)
    ) if "<" in out else out  # fmt: skip


def rewritten(reference: str, base: str, rewrite: Rewrite) -> str | None:
    """Lead one reference into the capture; None where it leads nowhere.

    `data:` pictures, sounds and fonts stay as they are: they are in the page itself.
    """
    reference = reference.strip()
    scheme = reference[:5].lower()
    if scheme == "data:":
        return reference if reference[5:40].lower().startswith(_SHOWN_DATA) else None
    if reference[:4].lower() == "cid:":
        return rewrite(reference)
    absolute = absolute_address(reference, base)
    return rewrite(absolute) if absolute is not None else None


def absolute_address(reference: str, base: str) -> str | None:
    """Return the http or https address a reference means; None where it means none."""
    try:
        absolute = urljoin(base, "".join(reference.split("\n")).strip())
    except ValueError:
        return None
    return absolute if absolute[:8].lower().startswith(("http://", "https://")) else None


def _lead(tokens: list[Any], base: str, rewrite: Rewrite) -> None:
    """Change every address in a list of component values, and in those within it."""
    importing = False
    for token in tokens:
        kind = token.type
        if kind == "url":
            _set_url(token, base, rewrite)
        elif kind == "function":
            _lead_function(token, base, rewrite)
        elif kind in {"{} block", "() block", "[] block"}:
            _lead(token.content, base, rewrite)
        elif kind == "ident" and token.lower_value in _DEAD:
            token.value = _DEAD[token.lower_value]
        elif kind == "string" and importing:
            _set_string(token, base, rewrite)
        importing = (kind == "at-keyword" and token.lower_value == "import") or (
            importing and kind == "whitespace"
        )


def _lead_function(token: Any, base: str, rewrite: Rewrite) -> None:
    if token.lower_name in _DEAD:
        token.name = _DEAD[token.lower_name]
        token.arguments = []
        return
    if token.lower_name not in _ADDRESS_FUNCTIONS:
        _lead(token.arguments, base, rewrite)
        return
    for argument in token.arguments:
        if argument.type == "string":
            _set_string(argument, base, rewrite)
        elif argument.type not in {"whitespace", "literal", "dimension", "number"}:
            _lead([argument], base, rewrite)


def _set_url(token: Any, base: str, rewrite: Rewrite) -> None:
    if token.value.startswith("#"):  # a part of this very document
        return
    address = rewritten(token.value, base, rewrite) or NOTHING
    token.value = address
    token.representation = f'url("{_escaped(address)}")'


def _set_string(token: Any, base: str, rewrite: Rewrite) -> None:
    if token.value.startswith("#"):
        return
    address = rewritten(token.value, base, rewrite) or NOTHING
    token.value = address
    token.representation = f'"{_escaped(address)}"'


def _escaped(address: str) -> str:
    """Write an address inside a CSS string (CSSOM, serialize a string)."""
    out = address.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(f"\\{ord(one):x} " if ord(one) < 32 or ord(one) == 127 else one for one in out)

"""All messages there are: out of templates, rules, kinds of things, and scripts.

`python -m annotate.words.messages` puts new ones into the catalogs and takes away what nobody
says any more; a test fails where a catalog lacks one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from annotate.words.catalog import ENGLISH, FOLDER, LANGUAGES
from annotate.words.runs import runs_of

_PACKAGE: Final = FOLDER.parent
_APART: Final = frozenset({"commands", "demo", "migrations", "words"})
_CONSTRUCT: Final = re.compile(r"\{\{(.*?)\}\}|\{%\s*(?:for|set)\b(.*?)%\}", re.DOTALL)
_LITERAL: Final = re.compile(r"'([^'\\]+)'|\"([^\"\\]+)\"")
_LABEL_AT: Final = {
    "_TableSpec": (1,), "_Source": (1,), "_answer": (1,), "FieldSpec": (1,), "TypeSpec": (1, 2),
    "_hold_back": (0,), "remark": (0,), "QuerySyntaxError": (0, 2),
}  # fmt: skip
"""Which arguments of a call are read by people, beside what is raised and flashed."""
_SAID_BELOW: Final = frozenset({"remark", "QuerySyntaxError"})
"""What of the packages below people read on pages: remarks of imports, faults of queries."""
_ARCHIVE_KINDS: Final = (
    "capture/outcome.py", "importing/found.py", "inspection.py", "lookup.py", "verdict.py",
)  # fmt: skip
_EVENT: Final = re.compile(r"[a-z-]+:[a-z-]+")
_LETTERS: Final = re.compile(r"[A-Za-z]{2}")


def messages() -> dict[str, list[str]]:
    """Return every message with the files it is said in, sorted."""
    found: dict[str, set[str]] = {}
    for message, place in (*_templates(), *_rules(), *_kinds(), *_scripts()):
        if _LETTERS.search(message):
            found.setdefault(message, set()).add(place)
    return {message: sorted(found[message]) for message in sorted(found)}


def update() -> None:
    """Bring every catalog up to date; what was translated stays."""
    current = messages()
    for one in LANGUAGES:
        if one is ENGLISH:
            continue
        path = FOLDER / f"{one.tag}.po"
        old = Catalog(locale=one.tag)
        if path.is_file():
            with path.open("rb") as file:
                old = read_po(file, locale=one.tag)
        new = Catalog(locale=one.tag)
        for message, places in current.items():
            known = old.get(message)
            new.add(
                message,
                string=known.string if known is not None else "",
                locations=[(place, 0) for place in places],
            )
        with path.open("wb") as out:
            write_po(out, new, omit_header=True, include_lineno=False, width=100)


def _templates() -> Iterator[tuple[str, str]]:
    for path in sorted((_PACKAGE / "templates").rglob("*.html")):
        source = path.read_text("utf-8")
        place = path.relative_to(_PACKAGE).as_posix()
        for run in runs_of(source):
            yield run.message, place
        for expression, statement in _CONSTRUCT.findall(source):
            # Literals that are translated, and those that stand in lists of words.
            for literal in _LITERAL.findall(
                expression if "translated" in expression else statement
            ):
                words = "".join(literal)
                if expression or words[:1].isupper():
                    yield words, place


def _rules() -> Iterator[tuple[str, str]]:
    """Sentences that are raised or flashed, with {1}, {2} … for what is formatted in."""
    root = _PACKAGE.parent
    below = [*(root / "archive" / "importing").glob("*.py"), *(root / "search").glob("*.py")]
    for path in (*sorted(_PACKAGE.rglob("*.py")), *sorted(below)):
        is_below = path in below
        place = path.relative_to(root if is_below else _PACKAGE)
        if _APART.intersection(place.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if is_below and name not in _SAID_BELOW:
                    continue
                for at in _LABEL_AT.get(name, (0,) if _tells(name) else ()):
                    told = _sentence(node.args[at]) if at < len(node.args) else None
                    if told is not None and (" " in told or name in _LABEL_AT):
                        yield told, place.as_posix()
            elif isinstance(node, ast.AnnAssign):
                for value in _labels_in(node):
                    if (label := _sentence(value)) is not None:
                        yield label, place.as_posix()


def _labels_in(node: ast.AnnAssign) -> list[ast.expr]:
    """Return what a name that ends in _LABEL or _LABELS stands for."""
    name = node.target.id if isinstance(node.target, ast.Name) else ""
    if name.endswith("_LABEL"):
        return [node.value] if node.value is not None else []
    if name.endswith("_LABELS") and isinstance(node.value, ast.Dict):
        return node.value.values
    return node.value.elts if name.endswith("_LABELS") and isinstance(node.value, ast.Tuple) else []


def _tells(name: str) -> bool:
    return name == "flash" or name.endswith("Error")


def _sentence(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    words, number = "", 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            words += str(part.value)
        else:
            number += 1
            words += f"{{{number}}}"
    return words


def _kinds() -> Iterator[tuple[str, str]]:
    """Words that stand for kinds of things: states, outcomes, roles."""
    told = (_PACKAGE.parent / "archive" / one for one in _ARCHIVE_KINDS)
    for path in (*sorted(_PACKAGE.rglob("*.py")), *told):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and any(
                isinstance(base, ast.Name) and base.id == "StrEnum" for base in node.bases
            ):
                for line in node.body:
                    if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant):
                        word = str(line.value.value)
                        if not _EVENT.fullmatch(word):  # a name in the log, no words
                            yield word, path.relative_to(_PACKAGE.parent).as_posix()


@cache
def script_messages() -> tuple[str, ...]:
    """Return what scripts say: the arguments of `say("…")` in static/*.js."""
    return tuple(message for message, _place in _scripts())


def _scripts() -> Iterator[tuple[str, str]]:
    for path in sorted((_PACKAGE / "static").glob("*.js")):
        for said in re.finditer(r'\bsay\("([^"]+)"', path.read_text("utf-8")):
            yield said[1], path.relative_to(_PACKAGE).as_posix()


if __name__ == "__main__":
    update()

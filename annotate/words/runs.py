"""Every run of words in a template is a message, found where the template is compiled.

Templates stay plain HTML in English. A *run* is text between two tags, with the expressions in
it as numbered places: `{{ n }} of {{ total }} units` is the message `{1} of {2} units`. Values
of attributes that people read are runs as well. What stands in `code`, `kbd`, `pre`, or under
`translate="no"` (HTML, 3.2.6.1) is left as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from jinja2.ext import Extension

SAY: Final = "say"
"""The template function that says a message in the language of the one who reads."""

_JINJA: Final = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][\w-]*)|<!")
_ATTRIBUTE: Final = re.compile(r"([\w:-]+)\s*=\s*([\"'])")
_WORDS: Final = re.compile(r"[A-Za-z]{2}")
_ENTITY: Final = re.compile(r"&#?\w+;")
_READ: Final = frozenset({"alt", "aria-label", "label", "placeholder", "title"})
_KEPT: Final = frozenset({"code", "kbd", "pre", "script", "style"})
_EMPTY: Final = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})


@dataclass(frozen=True, slots=True)
class Run:
    """Words of a template's source, and where they stand in it."""

    start: int
    end: int
    message: str
    """HTML text in English, with {1}, {2} … for what is put in."""
    values: tuple[str, ...]
    """The source of what is put in, in order."""

    @property
    def rewritten(self) -> str:
        """The expression that says this message."""
        values = "".join(f", ({value})" for value in self.values)
        return "{{ " + f"{SAY}({json.dumps(self.message, ensure_ascii=False)}{values})" + " }}"


@dataclass(slots=True)
class _Scan:
    """A walk through one source: outside of tags, and in their attributes."""

    source: str
    at: int = 0
    pieces: list[tuple[int, int, str | None]] = field(default_factory=list)
    """Of the run at hand: start, end, and the expression, or None for text."""
    kept: list[str] = field(default_factory=list)
    """The open elements whose words stay."""

    def walk(self) -> Iterator[Run]:
        while self.at < len(self.source):
            if (tag := _TAG.match(self.source, self.at)) is not None:
                yield from self.finished()
                yield from self.tag(tag)
            else:
                yield from self.piece()
        yield from self.finished()

    def piece(self) -> Iterator[Run]:
        """Take one expression, statement, comment or stretch of text."""
        jinja = _JINJA.match(self.source, self.at)
        if jinja is None:
            ends = min(
                (
                    at
                    for mark in ("<", "{{", "{%", "{#", '"', "'")
                    if (at := self.source.find(mark, self.at + 1)) >= 0
                ),
                default=len(self.source),
            )
            self.pieces.append((self.at, ends, None))
            self.at = ends
            return
        if jinja[0].startswith("{{"):
            inner = jinja[0][2:-2].strip("-+").strip()
            self.pieces.append((jinja.start(), jinja.end(), inner))
        elif jinja[0].startswith("{%"):
            yield from self.finished()
        self.at = jinja.end()

    def tag(self, tag: re.Match[str]) -> Iterator[Run]:
        """Walk through a tag; its readable attributes are runs."""
        self.at = tag.end()
        keeps = False
        while self.at < len(self.source) and self.source[self.at] != ">":
            if (jinja := _JINJA.match(self.source, self.at)) is not None:
                self.at = jinja.end()
            elif (attribute := _ATTRIBUTE.match(self.source, self.at)) is not None:
                name, quote = attribute[1].lower(), attribute[2]
                self.at = attribute.end()
                begun = self.at
                readable = name in _READ and not self.kept
                while self.at < len(self.source) and self.source[self.at] != quote:
                    yield from self.piece()
                if not readable:
                    self.pieces.clear()
                keeps = keeps or (name == "translate" and self.source[begun : self.at] == "no")
                yield from self.finished()
                self.at += 1
            else:
                self.at += 1
        self.at += 1
        name = (tag[2] or "").lower()
        if self.kept and tag[1] and name == self.kept[-1]:
            self.kept.pop()
        elif (
            name
            and not tag[1]
            and name not in _EMPTY
            and (keeps or name in _KEPT or (self.kept and name == self.kept[-1]))
        ):
            self.kept.append(name)

    def finished(self) -> Iterator[Run]:
        """End the run at hand and yield it, if there are words in it."""
        pieces, self.pieces = self.pieces, []
        while pieces and pieces[0][2] is None and not self.source[slice(*pieces[0][:2])].strip():
            pieces.pop(0)
        while pieces and pieces[-1][2] is None and not self.source[slice(*pieces[-1][:2])].strip():
            pieces.pop()
        texts = [self.source[start:end] for start, end, value in pieces if value is None]
        if self.kept or not _WORDS.search(_ENTITY.sub(" ", "\n".join(texts))):
            return
        start, end = pieces[0][0], pieces[-1][1]
        start += len(self.source[start:end]) - len(self.source[start:end].lstrip())
        end -= len(self.source[start:end]) - len(self.source[start:end].rstrip())
        message, values = "", []
        for begins, ends, value in pieces:
            if value is None:
                message += self.source[begins:ends]
            else:
                values.append(value)
                message += f"{{{len(values)}}}"
        yield Run(start, end, " ".join(message.split()), tuple(values))


def runs_of(source: str) -> Iterator[Run]:
    """Yield the runs of words of a template, in order."""
    yield from _Scan(source).walk()


def rewritten(source: str) -> str:
    """Return a template's source with each run said through `say`."""
    out, done = [], 0
    for run in sorted(runs_of(source), key=lambda run: run.start):
        out += [source[done : run.start], run.rewritten]
        done = run.end
    return "".join([*out, source[done:]])


class SaidExtension(Extension):
    """Makes templates say their words in the language of the one who reads."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Rewrite HTML templates; others, as feeds, keep their words."""
        del filename
        return rewritten(source) if name is not None and name.endswith(".html") else source

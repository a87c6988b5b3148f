"""The query language people type, read into a tree; errors point at the column.

Grammar, loosest first: `a OR b`, `a b` or `a AND b`, `NOT a` or `-a`, then parentheses,
`"a phrase"`, `"near words"~5`, `pre*`, `~related`, `wrod~1`, `field:value`. docs/query-language.md
is its manual.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from search.errors import QuerySyntaxError

LONGEST: Final = 2000  # characters of a query
_DEEPEST: Final = 50  # nested parentheses


class TextField(StrEnum):
    """The fields that hold words; every other name before a colon is a label."""

    TITLE = "title"
    TEXT = "text"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or several that stand together as in a hyphenated one."""

    text: str
    field: TextField | None = None
    related: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words one after the other; with `slop`, at most that many words in between."""

    text: str
    field: TextField | None = None
    slop: int = 0


@dataclass(frozen=True, slots=True)
class Prefix:
    """Words that begin so."""

    text: str
    field: TextField | None = None


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """Words within `distance` edits (1 or 2)."""

    text: str
    distance: int
    field: TextField | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A name and a value that are looked up outside the text: tags, fields, dates, states."""

    field: str
    value: str
    column: int


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Everything but this."""

    part: Node


@dataclass(frozen=True, slots=True)
class Everything:
    """The empty query."""


Node = Term | Phrase | Prefix | Fuzzy | Label | And | Or | Not | Everything

_LEXEMES: Final = re.compile(
    r"""\s*(?:
      (?P<open>\()
    | (?P<close>\))
    | (?P<minus>-)(?=[^\s)])
    | (?P<label>[^\W\d][\w-]*):(?=[^\s)])
    | (?P<phrase>"(?:[^"\\]|\\.)*")(?:~(?P<slop>\d{1,3}))?
    | (?P<broken>")
    | (?P<word>[^\s()"]+)
    )""",
    re.VERBOSE,
)
_FUZZY: Final = re.compile(r"(.{3,})~([12])")
_TEXT_FIELDS: Final = {
    "title": TextField.TITLE,
    "text": TextField.TEXT,
    "note": TextField.NOTE,
    "notes": TextField.NOTE,
}
_QUOTES: Final = str.maketrans("“”„«»", '"""""')


@dataclass(frozen=True, slots=True)
class _Lexeme:
    kind: str
    text: str
    column: int
    slop: int = 0


def parse_query(text: str) -> Node:
    """Read a query.

    :raises QuerySyntaxError: it cannot be read; `column` says where
    """
    if len(text) > LONGEST:
        raise QuerySyntaxError(f"A query may have {LONGEST} characters", LONGEST + 1)
    lexemes = _lex(text.translate(_QUOTES))
    if not lexemes:
        return Everything()
    parser = _Parser(lexemes)
    node = parser.any_of(0)
    if parser.next is not None:
        raise QuerySyntaxError(
            "There is a ) too many", parser.next.column, "Take it out, or open it before"
        )
    return node


def _lex(text: str) -> list[_Lexeme]:
    found: list[_Lexeme] = []
    at = 0
    while text[at:].strip():
        match = _LEXEMES.match(text, at)
        if match is None or match.lastgroup is None:
            raise QuerySyntaxError("This cannot be read", at + 1)
        kind = next(name for name in _KINDS if match[name] is not None)
        column = match.start(kind) + 1
        if kind == "broken":
            raise QuerySyntaxError('A " is never closed', column, 'Write a second "')
        slop = int(match["slop"]) if match["slop"] else 0
        found.append(_Lexeme(kind, match[kind], column, slop))
        at = match.end()
    return found


_KINDS: Final = ("open", "close", "minus", "label", "phrase", "broken", "word")


class _Parser:
    """Recursive descent over the lexemes."""

    def __init__(self, lexemes: list[_Lexeme]) -> None:
        self._lexemes = lexemes
        self._at = 0

    @property
    def next(self) -> _Lexeme | None:
        """The lexeme that comes, or None at the end."""
        return self._lexemes[self._at] if self._at < len(self._lexemes) else None

    def take(self) -> _Lexeme:
        """Go on by one lexeme."""
        self._at += 1
        return self._lexemes[self._at - 1]

    def _is_word(self, word: str) -> bool:
        return self.next is not None and self.next.kind == "word" and self.next.text == word

    def any_of(self, depth: int) -> Node:
        """Read `a OR b OR c`."""
        if depth > _DEEPEST:
            raise QuerySyntaxError("Too many parentheses inside one another", 1)
        parts = [self.all_of(depth)]
        while self._is_word("OR"):
            operator = self.take()
            self._operand_after(operator)
            parts.append(self.all_of(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def all_of(self, depth: int) -> Node:
        """Read `a b AND c`."""
        parts = [self.one(depth)]
        while self.next is not None and self.next.kind != "close" and not self._is_word("OR"):
            if self._is_word("AND"):
                self._operand_after(self.take())
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _operand_after(self, operator: _Lexeme) -> None:
        coming = self.next
        if coming is None or coming.kind == "close" or coming.text in {"AND", "OR"}:
            raise QuerySyntaxError(
                f"Nothing follows {operator.text}",
                operator.column,
                f'To search the word itself write "{operator.text.lower()}"',
            )

    def one(self, depth: int) -> Node:
        """Read one operand."""
        lexeme = self.take()
        if lexeme.kind == "minus" or (lexeme.kind == "word" and lexeme.text == "NOT"):
            self._operand_after(lexeme)
            return Not(self.one(depth))
        if lexeme.kind == "word" and lexeme.text in {"AND", "OR"}:
            raise QuerySyntaxError(
                f"Nothing stands before {lexeme.text}",
                lexeme.column,
                f'To search the word itself write "{lexeme.text.lower()}"',
            )
        if lexeme.kind == "close":
            raise QuerySyntaxError("There is nothing to search before this )", lexeme.column)
        if lexeme.kind == "open":
            return self._group(lexeme, depth)
        if lexeme.kind == "label":
            return self._labelled(lexeme, depth)
        return _text(lexeme, None)

    def _group(self, opening: _Lexeme, depth: int) -> Node:
        if self.next is None:
            raise QuerySyntaxError("A ( is never closed", opening.column, "Write a )")
        node = self.any_of(depth + 1)
        if self.next is None:
            raise QuerySyntaxError("A ( is never closed", opening.column, "Write a )")
        self.take()
        return node

    def _labelled(self, label: _Lexeme, depth: int) -> Node:
        field = _TEXT_FIELDS.get(label.text.lower())
        value = self.take()
        if field is not None and value.kind == "open":
            return _within(self._group(value, depth), field)
        if value.kind not in {"word", "phrase", "minus", "label"}:
            raise QuerySyntaxError(f"{label.text}: has no value", label.column)
        if value.kind in {"minus", "label"}:  # as in after:-5 or url:http://…
            value = self._rejoined(value)
        if field is not None:
            return _text(value, field)
        return Label(label.text.lower(), _unquoted(value), label.column)

    def _rejoined(self, first: _Lexeme) -> _Lexeme:
        text = first.text + (":" if first.kind == "label" else "")
        follows = self.next
        if follows is not None and follows.kind == "word":
            text += self.take().text
        return _Lexeme("word", text, first.column)


def _unquoted(lexeme: _Lexeme) -> str:
    if lexeme.kind != "phrase":
        return lexeme.text
    return re.sub(r"\\(.)", r"\1", lexeme.text[1:-1])


def _text(lexeme: _Lexeme, field: TextField | None) -> Node:
    text = _unquoted(lexeme)
    if lexeme.kind == "phrase":
        return Phrase(text, field, lexeme.slop)
    if text.startswith("~") and len(text) > 1:
        return Term(text[1:], field, related=True)
    if text.endswith("*"):
        if not text.strip("*"):
            raise QuerySyntaxError(
                "A * needs letters before it", lexeme.column, "As in cotton* for cottons"
            )
        return Prefix(text.rstrip("*"), field)
    fuzzy = _FUZZY.fullmatch(text)
    if fuzzy is not None:
        return Fuzzy(fuzzy[1], int(fuzzy[2]), field)
    return Term(text, field)


def _within(node: Node, field: TextField) -> Node:
    """Put a text field over everything in parentheses."""
    if isinstance(node, And | Or):
        return type(node)(tuple(_within(part, field) for part in node.parts))
    if isinstance(node, Not):
        return Not(_within(node.part, field))
    if isinstance(node, Term):
        return Term(node.text, field, node.related)
    if isinstance(node, Phrase):
        return Phrase(node.text, field, node.slop)
    if isinstance(node, Prefix):
        return Prefix(node.text, field)
    if isinstance(node, Fuzzy):
        return Fuzzy(node.text, node.distance, field)
    return node

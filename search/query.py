"""The query language people type, read into a tree; errors point at the column.

Grammar, loosest first: `a OR b`, `a b` or `a AND b`, `NOT a` or `-a`, then parentheses,
`"a phrase"`, `"near words"~5`, `pre*`, `~related`, `wrod~1`, `field:value`. docs/query-language.md
is its manual.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from search.analysis import Token, is_unspaced, tokens, words
from search.errors import QuerySyntaxError
from search.tree import (
    And,
    Everything,
    Fuzzy,
    Label,
    Node,
    Not,
    Or,
    Phrase,
    Prefix,
    Term,
    TextField,
    TextNode,
    leaves,
    with_related,
    within,
)

__all__ = [
    "LONGEST",
    "And",
    "Everything",
    "Fuzzy",
    "Label",
    "Node",
    "Not",
    "Or",
    "Phrase",
    "Prefix",
    "Term",
    "TextField",
    "TextNode",
    "any_words",
    "leaves",
    "parse_query",
    "with_related",
]

LONGEST: Final = 2000  # characters of a query
_DEEPEST: Final = 50  # nested parentheses, and NOTs before one another
_MOST_WORDS: Final = 200  # words, phrases and labels of a query
_MOST_OPEN: Final = 20  # words with a * or ~1 among them: each stands for many


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
# As keyboards of other scripts write them; each stands for one character, so columns hold.
_TYPED: Final = str.maketrans("“”„«»＂（）＊", '""""""()*')
# What is quoted after a label is a value as it stands, "新华社（英文）": there the signs stay.
_VALUE: Final = re.compile(
    r"""(?<=\w:)"(?:[^"\\]|\\.)*" | (?<=\w:)[“”„«»＂"](?P<held>[^“”„«»＂"]*)[“”„«»＂"]""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Lexeme:
    kind: str
    text: str
    column: int
    slop: int = 0


# A page asks for each value of its facets what the query would be with it and without it.
@lru_cache(maxsize=1024)
def parse_query(text: str) -> Node:
    """Read a query; the tree never changes.

    :raises QuerySyntaxError: it cannot be read; `column` says where
    """
    if len(text) > LONGEST:
        raise QuerySyntaxError(f"A query may have {LONGEST} characters", LONGEST + 1)
    lexemes = _lex(_as_typed(text))
    if not lexemes:
        return Everything()
    _refuse_too_many(lexemes)
    parser = _Parser(lexemes)
    node = parser.any_of(0)
    if parser.next is not None:
        raise QuerySyntaxError(
            "There is a ) too many", parser.next.column, "Take it out, or open it before"
        )
    return node


def _as_typed(text: str) -> str:
    """Return a query with the signs of every keyboard as one, character for character."""
    at = 0
    pieces: list[str] = []
    for value in _VALUE.finditer(text):
        held = value["held"]
        pieces += [text[at : value.start()].translate(_TYPED)]
        pieces += [value[0] if held is None else f'"{held}"']
        at = value.end()
    return "".join([*pieces, text[at:].translate(_TYPED)])


def any_words(text: str, *, related: bool = True) -> Node:
    """Return a query for items like a text: any of its words, best match first.

    A word that stands twice in it counts twice.
    Of scripts without spaces every two neighbouring characters are a word.
    """
    found = _pieces(text)
    if not found:
        return Everything()
    return Or(tuple(Term(word, related=related) for word in found))


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    last: Token | None = None
    alone = False
    for token in tokens(text):
        unspaced = is_unspaced(token.word)
        if alone and not (unspaced and last is not None and last.end == token.start):
            pieces.append(last.word if last else "")
        joined = unspaced and last is not None and is_unspaced(last.word)
        if joined and last is not None and last.end == token.start:
            pieces.append(last.word + token.word)
            alone = False
        elif unspaced:
            alone = True
        else:
            pieces.append(token.word)
            alone = False
        last = token
    if alone and last is not None:
        pieces.append(last.word)
    return pieces


def _refuse_too_many(lexemes: list[_Lexeme]) -> None:
    asked = [one for one in lexemes if one.kind in {"word", "phrase"}]
    if len(asked) > _MOST_WORDS:
        raise QuerySyntaxError(
            f"A query may ask for {_MOST_WORDS} words", asked[_MOST_WORDS].column, "Ask in parts"
        )
    costly = [one for one in asked if one.text.endswith("*") or _FUZZY.fullmatch(one.text)]
    if len(costly) > _MOST_OPEN:
        raise QuerySyntaxError(
            f"A query may have {_MOST_OPEN} words with * or ~", costly[_MOST_OPEN].column
        )


def _is_punctuation(node: Node) -> bool:
    return isinstance(node, Term) and not words(node.text)


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
        # A dash or an ellipsis between words asks for nothing.
        parts = [part for part in parts if not _is_punctuation(part)] or parts[:1]
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
            self._no_deeper(depth, lexeme)
            return Not(self.one(depth + 1))
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

    @staticmethod
    def _no_deeper(depth: int, lexeme: _Lexeme) -> None:
        if depth >= _DEEPEST:
            raise QuerySyntaxError(
                f"More than {_DEEPEST} parentheses or NOTs stand inside one another", lexeme.column
            )

    def _group(self, opening: _Lexeme, depth: int) -> Node:
        if self.next is None:
            raise QuerySyntaxError("A ( is never closed", opening.column, "Write a )")
        self._no_deeper(depth, opening)
        node = self.any_of(depth + 1)
        if self.next is None:
            raise QuerySyntaxError("A ( is never closed", opening.column, "Write a )")
        self.take()
        return node

    def _labelled(self, label: _Lexeme, depth: int) -> Node:
        field = _TEXT_FIELDS.get(label.text.lower())
        if self.next is None:
            raise QuerySyntaxError(f"{label.text}: has no value", label.column)
        value = self.take()
        if field is not None and value.kind == "open":
            return within(self._group(value, depth), field)
        if value.kind not in {"word", "phrase", "minus", "label"}:
            raise QuerySyntaxError(f"{label.text}: has no value", label.column)
        if value.kind in {"minus", "label"}:  # as in after:-5 or url:http://…
            value = self._rejoined(value)
        if field is not None:
            return _text(value, field)
        quoted = value.kind == "phrase"
        return Label(label.text.lower(), _unquoted(value), label.column, quoted)

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
        if not words(text):
            raise QuerySyntaxError(
                "A * needs letters before it", lexeme.column, "As in cotton* for cottons"
            )
        return Prefix(text.rstrip("*"), field)
    star = text.find("*")
    if star >= 0 and words(text):
        raise QuerySyntaxError(
            "A * stands only at the end of a word",
            lexeme.column + star,
            f"As in {words(text)[0]}*; to search the signs themselves put them in quotes",
        )
    fuzzy = _FUZZY.fullmatch(text)
    if fuzzy is not None:
        return Fuzzy(fuzzy[1], int(fuzzy[2]), field)
    return Term(text, field)

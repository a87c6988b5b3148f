"""Snippets: a stretch of the stored text around the words found, with the words marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from search.analysis import Token, related, tokens, words
from search.query import And, Fuzzy, Node, Not, Or, Phrase, Prefix, Term

_SCAN: Final = 200_000  # characters of a text looked through for a snippet


@dataclass(frozen=True, slots=True)
class Snippet:
    """Pieces of text; True where a piece is a word found."""

    parts: tuple[tuple[str, bool], ...]


def snippet(text: str, query: Node, *, width: int = 240) -> Snippet:
    """Cut about `width` characters around the first words found, else the beginning."""
    text = text[:_SCAN]
    leaves = list(_leaves(query))
    marked = [token for token in tokens(text) if _matches(token, leaves)] if leaves else []
    first = marked[0].start if marked else 0
    start = max(0, first - width // 3)
    end = min(len(text), start + width)
    while start > 0 and text[start - 1].isalnum() and first - start < width // 2:
        start -= 1
    parts: list[tuple[str, bool]] = [("… ", False)] if start else []
    at = start
    for token in marked:
        if token.start < at:
            continue
        if token.end > end:
            break
        parts += [(text[at : token.start], False), (text[token.start : token.end], True)]
        at = token.end
    parts.append((text[at:end] + (" …" if end < len(text) else ""), False))
    return Snippet(tuple((piece, found) for piece, found in parts if piece))


def _leaves(node: Node) -> Iterator[Term | Phrase | Prefix | Fuzzy]:
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from _leaves(part)
    elif isinstance(node, Term | Phrase | Prefix | Fuzzy) and not isinstance(node, Not):
        yield node


def _matches(token: Token, leaves: list[Term | Phrase | Prefix | Fuzzy]) -> bool:
    for leaf in leaves:
        wanted = words(leaf.text)
        if isinstance(leaf, Prefix) and wanted:
            if token.word in wanted[:-1] or token.word.startswith(wanted[-1]):
                return True
        elif isinstance(leaf, Term) and leaf.related:
            if related(token.word) in {related(word) for word in wanted}:
                return True
        elif token.word in wanted:
            return True
    return False

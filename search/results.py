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
    marked = _marked(list(tokens(text)), leaves) if leaves else []
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


def _marked(found: list[Token], leaves: list[Term | Phrase | Prefix | Fuzzy]) -> list[Token]:
    """Return the words to mark: of several that belong together, only where they stand so."""
    positions: set[int] = set()
    for leaf in leaves:
        wanted = words(leaf.text)
        together = len(wanted) if isinstance(leaf, Term | Prefix) or not _slop(leaf) else 1
        for at in range(len(found) - together + 1):
            run = found[at : at + together]
            if together == 1:
                fits = any(_same(run[0].word, word, leaf) for word in wanted)
            else:
                fits = all(
                    _same(one.word, word, leaf) for one, word in zip(run, wanted, strict=True)
                )
            if fits and wanted:
                positions.update(range(at, at + together))
    return [found[at] for at in sorted(positions)]


def _slop(leaf: Term | Phrase | Prefix | Fuzzy) -> int:
    return leaf.slop if isinstance(leaf, Phrase) else 0


def _same(word: str, wanted: str, leaf: Term | Phrase | Prefix | Fuzzy) -> bool:
    if isinstance(leaf, Prefix):
        return word.startswith(wanted)
    if isinstance(leaf, Term) and leaf.related:
        return related(word) == related(wanted)
    return word == wanted

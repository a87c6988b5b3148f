"""A tiny engine that reads every text on every question: slow, and easy to see right."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from search.analysis import is_unspaced, normalise, runs
from search.documents import Document
from search.engine import Found, Health, IndexState, NearWord
from search.forms import forms_everywhere, forms_of, related_characters
from search.query import Fuzzy, Phrase, Prefix, Term, TextNode

NAMES = {
    "title": ("title",),
    "text": ("text",),
    "note": ("notes",),
    None: ("title", "text", "notes"),
}


def laid_out(text: str, *, related: bool, language: str | None = None, query: bool = False):
    """Return for each place the words it may be, its run, and whether it is a lone character."""
    places = []
    for number, run in enumerate(runs(text)):
        for word in run:
            characters = related_characters(word) if related else []
            if characters:
                places += [({one}, number, True) for one in characters]
            elif related:
                forms = forms_everywhere(word) if query else forms_of(word, language)
                places.append((set(forms), number, False))
            else:
                places.append(({word}, number, is_unspaced(word)))
    return places


def edits(one: str, other: str) -> int:
    """Return the optimal string alignment distance."""
    rows = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, j in product(range(len(one) + 1), range(len(other) + 1)):
        if not i or not j:
            rows[i][j] = i or j
            continue
        cost = one[i - 1] != other[j - 1]
        rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + cost)
        if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
            rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


class ReferenceEngine:
    """Holds documents in a dictionary."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.at = 0

    def position(self) -> int:
        return self.at

    def apply(self, documents: Sequence[Document], removed: Sequence[str], position: int) -> None:
        kept = {key: one for key, one in self.documents.items() if key not in removed}
        self.documents = kept | {one.item_id: one for one in documents}
        self.at = position

    def find(self, node: TextNode) -> Found:
        scores = {}
        for item_id, one in list(self.documents.items()):
            score = sum(
                (3 if name == "title" else 1) * self._count(node, one, name)
                for name in NAMES[node.field]
            )
            if score:
                exact = 0.0
                if isinstance(node, Term) and node.related:
                    exact = self._count(Term(node.text), one, "text") / 10
                scores[item_id] = score + exact
        return Found(scores)

    def _count(self, node: TextNode, one: Document, name: str) -> int:
        text = getattr(one, name)
        related = isinstance(node, Term | Phrase) and node.related
        language = one.language
        if related and (language is None or name == "notes"):
            from search.language import detect_language

            told = detect_language(one.text) if language is None else language
            language = (detect_language(text) or told) if name == "notes" else told
        places = laid_out(text, related=related, language=language)
        if isinstance(node, Fuzzy):
            wanted = "".join(normalise(node.text))
            if not wanted:
                return 0
            words = [next(iter(words)) for words, _run, _alone in places]
            pairs = [
                words[at] + words[at + 1]
                for at in range(len(places) - 1)
                if places[at][2] and places[at + 1][2] and places[at][1] == places[at + 1][1]
            ]
            return sum(edits(word, wanted) <= node.distance for word in [*words, *pairs])
        asked = laid_out(node.text, related=related, query=True)
        if not asked:
            return 0
        if isinstance(node, Phrase) and node.slop:
            return int(self._near(asked, places, node.slop))
        starts = range(len(places) - len(asked) + 1)
        return sum(
            self._stands(asked, places, at, prefix=isinstance(node, Prefix)) for at in starts
        )

    @staticmethod
    def _stands(asked, places, at: int, *, prefix: bool) -> bool:
        for number, (words, run, alone) in enumerate(asked):
            found, found_run, found_alone = places[at + number]
            last = number == len(asked) - 1
            if prefix and last and not alone:
                if not any(word.startswith(next(iter(words))) for word in found):
                    return False
            elif not words & found:
                return False
            if number and alone and asked[number - 1][2] and asked[number - 1][1] == run:
                before = places[at + number - 1]
                if not (found_alone and before[2] and before[1] == found_run):
                    return False
        return True

    @staticmethod
    def _near(asked, places, slop: int) -> bool:
        """Try every way to lay the query's units onto the text."""
        units = []
        for number, (words, run, alone) in enumerate(asked):
            joined = number and alone and asked[number - 1][2] and asked[number - 1][1] == run
            after = (
                number + 1 < len(asked)
                and alone
                and asked[number + 1][2]
                and asked[number + 1][1] == run
            )
            if after:
                units.append((words, asked[number + 1][0]))
            elif not joined:
                units.append((words,))

        def where(unit) -> list[int]:
            found = []
            for at in range(len(places) - len(unit) + 1):
                some = places[at : at + len(unit)]
                same_run = len({run for _words, run, _alone in some}) == 1
                if all(words & here[0] for words, here in zip(unit, some, strict=True)) and (
                    len(unit) == 1 or (same_run and all(alone for _w, _r, alone in some))
                ):
                    found.append(at)
            return found

        for chosen in product(*(where(unit) for unit in units)):
            twins = {}
            for at, unit in zip(chosen, units, strict=True):
                twins.setdefault(str([sorted(one) for one in unit]), []).append(at)
            if any(len(set(some)) < len(some) for some in twins.values()):
                continue
            end = max(at + len(unit) for at, unit in zip(chosen, units, strict=True))
            if end - min(chosen) - len(asked) <= slop:
                return True
        return False

    def words_near(self, word: str, limit: int) -> Sequence[NearWord]:
        held: dict[str, set[str]] = {}
        for item_id, one in self.documents.items():
            for words, _run, _alone in laid_out(f"{one.title}\n{one.text}", related=False):
                held.setdefault(next(iter(words)), set()).add(item_id)
        near = [
            NearWord(one, edits(one, word), len(ids)) for one, ids in held.items() if one != word
        ]
        near = [one for one in near if one.distance <= 2]
        return sorted(near, key=lambda one: (one.distance, -one.items, one.word))[:limit]

    def health(self) -> Health:
        return Health(IndexState.READY, 0, self.at, len(self.documents))

    def close(self) -> None:
        """Nothing is held."""

"""The embedded engine: Whoosh keeps the books, our segments hold the words."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from whoosh import index

from search.building import build_segment, merge_segments
from search.documents import Document
from search.engine import Found, Health, IndexState, NearWord
from search.errors import IndexDamagedError
from search.matching import EXACT_BONUS, Matcher, wanted
from search.merging import MOST_SEGMENTS, to_merge
from search.query import Phrase, Term, TextNode
from search.segments import Array, SegmentFile
from search.shelf import Shelf
from search.spelling import near
from search.whoosh_codec import (
    Segment,
    change,
    file_of,
    listed,
    newest_generation,
    open_catalogue,
)

_READING_AGAIN: Final = 5  # a commit may clear files away while they are being opened
# What reading something that is not what was written raises.
_UNREADABLE: Final = (
    index.IndexError, IndexDamagedError, pickle.UnpicklingError, AttributeError, ImportError,
    EOFError, ValueError, KeyError, TypeError, IndexError, AssertionError, OverflowError,
    MemoryError,
)  # fmt: skip
_DAMAGED_LABEL: Final = (
    "A part of the search index is damaged and is being made again. "
    "Until then items may be missing here."
)
_NOT_YET_LABEL: Final = (
    "The search index is being made. Until it is done, words are not found; labels are."
)


@dataclass(frozen=True, slots=True)
class _View:
    """One generation of one index, as it was opened; it never changes."""

    folder: Path | None
    generation: int
    position: int
    matcher: Matcher
    fault: str = ""


_NOTHING: Final = _View(None, -1, 0, Matcher([], []))


BuildSegments = Callable[[Sequence[Path], Sequence[Sequence[Document]]], None]


class WhooshEngine:
    """The index of a home. Any number of readers; one writer at a time, by the caller's care."""

    def __init__(self, root: Path, *, folder: Path | None = None) -> None:
        """Look at the index under `root`; nothing is made before the first `apply`.

        :param folder: an index that is not in use yet, of a rebuild
        """
        self.shelf = Shelf(root)
        self._fixed = folder
        self._lock = threading.RLock()
        self._view = _NOTHING
        self._open: dict[Path, SegmentFile] = {}
        self._numbers: dict[str, tuple[str, int]] | None = None

    @property
    def folder(self) -> Path:
        """Where this index lies, or will."""
        return self._fixed or self.shelf.current() or self.shelf.beside()

    def position(self) -> int:
        """Return how far along the feed the index stands; 0 where that cannot be read."""
        return self._fresh().position

    def find(self, node: TextNode) -> Found:
        """Return the items in which the words stand, with scores."""
        view = self._fresh()
        notes = (_DAMAGED_LABEL,) if view.fault else () if view.folder else (_NOT_YET_LABEL,)
        asked = wanted(node)
        if asked is None or not view.matcher.segments:
            return Found({}, notes, whole=not notes)
        try:
            scores = view.matcher.find(asked)
            if isinstance(node, Term | Phrase) and node.related:
                exact = wanted(replace(node, related=False))
                for item_id, score in (view.matcher.find(exact) if exact else {}).items():
                    scores[item_id] = scores.get(item_id, 0.0) + EXACT_BONUS * score
        except _UNREADABLE as error:
            return self._without_the_damaged(view, node, error)
        return Found(scores, notes, whole=not notes)

    def words_near(self, word: str, limit: int) -> Sequence[NearWord]:
        """Return indexed words at most two edits away, nearest and most frequent first."""
        for distance in (1, 2):  # two edits are dearer, and rarely what was meant
            found = self._spelt_like(word, distance)
            if found:
                break
        ordered = sorted(found.values(), key=lambda one: (one.distance, -one.items, one.word))
        return ordered[:limit]

    def _spelt_like(self, word: str, distance: int) -> dict[str, NearWord]:
        found: dict[str, NearWord] = {}
        for segment in self._fresh().matcher.segments:
            for name in ("title", "text"):
                field = segment.field(name)
                for number, edits in near(field, word, distance):
                    items = int(field.first[number + 1]) - int(field.first[number])
                    spelt = field.word(number).decode()
                    before = found.get(spelt)
                    if edits:
                        total = items + (before.items if before else 0)
                        found[spelt] = NearWord(spelt, edits, total)
        return found

    def health(self) -> Health:
        """Return how the index stands."""
        view = self._fresh()
        progress = self.shelf.progress()
        reason = self.shelf.damage() or view.fault
        if view.folder is None:
            state = IndexState.MISSING
        elif reason:
            state = IndexState.DAMAGED
        else:
            state = IndexState.REBUILDING if progress else IndexState.READY
        matcher = view.matcher
        items = matcher.live_items
        number = self.shelf.generation(view.folder)
        return Health(state, number, view.position, items, progress, reason, len(matcher.segments))

    def verify(self) -> None:
        """Read every byte and compare the checksums.

        :raises IndexDamagedError: something is not what was written
        """
        view = self._fresh()
        if view.fault:
            raise IndexDamagedError(view.fault)
        for segment in view.matcher.segments:
            segment.verify()

    def apply(self, documents: Sequence[Document], removed: Sequence[str], position: int) -> None:
        """Index, remove and store the position, in one commit."""
        fresh = list({document.item_id: document for document in documents}.values())
        self.apply_built([fresh] if fresh else [], build_segments, removed, position)

    def apply_built(
        self,
        groups: Sequence[Sequence[Document]],
        build: BuildSegments,
        removed: Sequence[str],
        position: int,
    ) -> None:
        """Like `apply`, one segment for each group; `build` writes them, perhaps side by side."""
        with self._lock:
            folder = self._folder_to_write()
            catalogue = open_catalogue(folder, make=True)
            numbers = self._known()
            leaving = {*removed, *(one.item_id for group in groups for one in group)}

            def decide(segments: list[Segment], first: Segment) -> list[Segment]:
                by_name = {segment.segment_id(): segment for segment in segments}
                for item_id in leaving & numbers.keys():
                    name, number = numbers[item_id]
                    by_name[name].delete_document(number)
                fresh = [first, *(Segment(first.codec(), first.indexname) for _ in groups[1:])]
                if not groups:
                    fresh = [] if segments else [first]
                build([file_of(folder, one) for one in fresh], groups or [[] for _ in fresh])
                for segment, group in zip(fresh, groups or [[] for _ in fresh], strict=True):
                    segment.set_doc_count(len(group))
                    for number, document in enumerate(group):
                        numbers[document.item_id] = (segment.segment_id(), number)
                for item_id in removed:
                    if item_id not in {one.item_id for group in groups for one in group}:
                        numbers.pop(item_id, None)
                final = [*segments, *fresh]
                final[-1].position = position
                return final

            try:
                change(catalogue, decide)
            except BaseException:
                self._numbers = None  # what was noted may not have come to be
                raise
            self._fresh()
            if len(self._view.matcher.segments) > MOST_SEGMENTS:
                self.tidy()

    def tidy(self) -> bool:
        """Merge segments of like size, and those that are mostly deleted; False if none need it."""
        with self._lock:
            view = self._fresh()
            if view.folder is None or view.fault:
                return False
            folder = view.folder
            chosen = to_merge(listed(folder)[1])
            if not chosen:
                return False
            catalogue = open_catalogue(folder, make=False)

            def decide(segments: list[Segment], fresh: Segment) -> list[Segment]:
                old = [segment for segment in segments if segment.segment_id() in chosen]
                files = [self._opened(file_of(folder, segment)) for segment in old]
                gone = [frozenset(segment.deleted_docs()) for segment in old]
                merge_segments(file_of(folder, fresh), files, gone)
                fresh.set_doc_count(sum(segment.doc_count() for segment in old))
                fresh.position = max(segment.position for segment in segments)
                return [segment for segment in segments if segment not in old] + [fresh]

            change(catalogue, decide)
            self._numbers = None
            self._fresh()
            return True

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            self._view = _NOTHING
            self._open.clear()
            self._numbers = None

    def _folder_to_write(self) -> Path:
        folder = self._fixed or self.shelf.current()
        if folder is None:
            folder = self.shelf.beside()
            open_catalogue(folder, make=True)
            self.shelf.use(folder)
        return folder

    def _known(self) -> dict[str, tuple[str, int]]:
        """Return where each item stands: segment and number. The writer alone keeps this."""
        if self._numbers is None:
            self._numbers = {}
            view = self._fresh()
            if view.fault:
                raise IndexDamagedError(view.fault)
            for segment, live in zip(view.matcher.segments, view.matcher.live, strict=True):
                name = segment.path.stem
                ids = segment.ids
                for number in np.flatnonzero(live).tolist():
                    self._numbers[ids[number]] = (name, number)
        return self._numbers

    def _fresh(self) -> _View:
        """Return the newest generation, opening what is new in it."""
        folder = self._fixed or self.shelf.current()
        if folder is None or (self._fixed is not None and not folder.exists()):
            return _NOTHING
        view = self._view
        try:
            newest = newest_generation(folder)
        except OSError:
            newest = -2
        if view.folder == folder and view.generation == newest:
            return self._without_the_cut(view)
        with self._lock:
            view = self._view = self._opened_view(folder)
        if view.fault and self._fixed is None:
            self.shelf.report_damage(view.fault)
        return view

    def _without_the_cut(self, view: _View) -> _View:
        """Leave out segments whose files were cut short since they were mapped."""
        matcher = view.matcher
        if all(segment.is_whole() for segment in matcher.segments):
            return view
        whole = [
            (segment, live)
            for segment, live in zip(matcher.segments, matcher.live, strict=True)
            if segment.is_whole()
        ]
        fault = "a file of it was cut short while it was in use"
        fresh = replace(
            view, matcher=Matcher([one for one, _ in whole], [one for _, one in whole]), fault=fault
        )
        with self._lock:
            if self._view is view:
                self._view = fresh
        if self._fixed is None:
            self.shelf.report_damage(fault)
        return fresh

    def _opened_view(self, folder: Path) -> _View:
        fault = ""
        for _attempt in range(_READING_AGAIN):
            try:
                generation, segments = listed(folder)
                files, live, fault = self._opened_segments(folder, segments)
            except (*_UNREADABLE, OSError) as error:
                fault = f"its table of contents cannot be read ({type(error).__name__}: {error})"
                continue
            if fault and _changed_meanwhile(folder, generation):
                continue
            position = max((segment.position for segment in segments), default=0)
            self._open = {file.path: file for file in files}
            return _View(folder, generation, position, Matcher(files, live), fault)
        try:
            newest = newest_generation(folder)
        except OSError:
            newest = -2
        return _View(folder, newest, 0, Matcher([], []), fault)

    def _opened_segments(
        self, folder: Path, segments: Sequence[Segment]
    ) -> tuple[list[SegmentFile], list[Array], str]:
        files: list[SegmentFile] = []
        masks: list[Array] = []
        fault = ""
        for segment in segments:
            path = file_of(folder, segment)
            try:
                file = self._opened(path)
                if file.items != segment.doc_count_all():
                    raise IndexDamagedError(f"{path.name} is not the segment that was committed")
            except (IndexDamagedError, OSError, *_UNREADABLE) as error:
                fault = str(error) or type(error).__name__
                continue
            mask = np.ones(file.items, bool)
            mask[list(segment.deleted_docs())] = False
            files.append(file)
            masks.append(mask)
        return files, masks, fault

    def _opened(self, path: Path) -> SegmentFile:
        """Return a segment, mapped once.

        :raises IndexDamagedError: it was cut short, before or since
        """
        held = self._open.get(path)
        if held is not None and not held.is_whole():
            raise IndexDamagedError(f"{path.name} was cut short")
        return held or SegmentFile(path)

    def _without_the_damaged(self, view: _View, node: TextNode, error: Exception) -> Found:
        """Leave out the segments whose bytes are not what was written, and answer from the rest.

        :raises Exception: `error` itself, where all bytes are right: then it is our mistake
        """
        whole: list[SegmentFile] = []
        masks: list[Array] = []
        fault = ""
        for segment, live in zip(view.matcher.segments, view.matcher.live, strict=True):
            try:
                segment.verify()
            except _UNREADABLE as found:
                fault = str(found)
                continue
            whole.append(segment)
            masks.append(live)
        if not fault:
            raise error
        if self._fixed is None:
            self.shelf.report_damage(fault)
        with self._lock:
            if self._view is view:
                self._view = replace(view, matcher=Matcher(whole, masks), fault=fault)
        return self.find(node)


def build_segments(paths: Sequence[Path], groups: Sequence[Sequence[Document]]) -> None:
    """Write one segment for each group, one after the other."""
    for path, group in zip(paths, groups, strict=True):
        build_segment(path, group)


def _changed_meanwhile(folder: Path, generation: int) -> bool:
    return newest_generation(folder) != generation

"""Segments built side by side in processes of their own, for loads of many documents."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final, Self

from search.building import build_segment
from search.documents import Document

_SPLIT_FROM: Final = 200  # documents below which one process is faster
_LOOK: Final = 0.5  # seconds between two looks whether the parent lives


class Builders:
    """Two processes that write segments; a context manager. They end when their parent does."""

    def __init__(self, processes: int = 2) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        self._pool = ProcessPoolExecutor(
            self._processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_end_with_parent,
            initargs=(os.getpid(),),
        )
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def build(self, paths: Sequence[Path], groups: Sequence[Sequence[Document]]) -> None:
        """Write one segment for each group; return when all are on disk.

        :raises concurrent.futures.BrokenExecutor: a process was killed
        """
        if self._pool is None:
            raise RuntimeError("the builders are not at work")
        for done in [
            self._pool.submit(build_segment, path, group)
            for path, group in zip(paths, groups, strict=True)
        ]:
            done.result()


def split(documents: Sequence[Document], parts: int) -> list[list[Document]]:
    """Divide documents into groups of like size in characters; fewer where there are few."""
    if not documents:
        return []
    if len(documents) < _SPLIT_FROM:
        parts = 1
    groups: list[list[Document]] = [[] for _ in range(parts)]
    sizes = [0] * parts
    for document in documents:
        least = sizes.index(min(sizes))
        groups[least].append(document)
        sizes[least] += len(document.text) + 200
    return groups


def _end_with_parent(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()

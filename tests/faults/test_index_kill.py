"""kill -9 while the index is added to, merged, rebuilt: it opens, and answers for what it has seen."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest

from search import indexer
from search.documents import ChangeBatch, Document
from search.engine import IndexState
from search.indexer import catch_up, open_for_writing, rebuild
from search.query import Phrase, Prefix, Term
from search.whoosh_engine import WhooshEngine

KILLS = 20 if os.environ.get("HOLDFAST_BOUNDED") else 200
ITEMS = 400
GONE = 10  # every tenth item was erased: its events remain, its words are not there
WORDS = "cotton rail kashgar 棉花 喀什 القطن پاختا хлопок factory factories".split()
ASKED = [Term("cotton"), Term("棉花"), Term("القطن"), Phrase("cotton rail"), Prefix("fact"),
         Term("factory", related=True)]  # fmt: skip


def words_of(item: int) -> str:
    return " ".join(random.Random(item).choices(WORDS, k=6))


class Feed:
    """Events that touch items round and round; how many there are stands in a file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "head"

    def head(self) -> int:
        return int(self.file.read_text("ascii"))

    def changed_since(self, position: int, limit: int) -> ChangeBatch:
        last = min(self.head(), position + min(limit, 20))
        return ChangeBatch(
            last, tuple(dict.fromkeys(str(at % ITEMS) for at in range(position + 1, last + 1)))
        )

    def documents(self, item_ids: Sequence[str]) -> list[Document]:
        return [Document(one, "p", "", words_of(int(one)), "", "", "en")
                for one in item_ids if int(one) % GONE]  # fmt: skip


def work(root: Path, act: str) -> None:
    """What a child does until it is shot."""
    feed = Feed(root.parent)
    indexer._COMMIT_ITEMS = 60
    while True:
        if act == "rebuild":
            rebuild(root, feed)
            continue
        engine = open_for_writing(root, feed)
        catch_up(engine, feed)
        while act == "merge" and engine.tidy():
            pass


def seen(position: int) -> set[int]:
    return {at % ITEMS for at in range(max(1, position - ITEMS + 1), position + 1)}


def check(root: Path, fresh: Path) -> int:
    """Compare with a fresh build of the events the index says it has seen."""
    engine = WhooshEngine(root)
    if engine.health().state is IndexState.MISSING:
        return 0
    assert engine.health().state is not IndexState.DAMAGED, engine.health().reason
    engine.verify()
    position = engine.position()
    expected = WhooshEngine(fresh)
    expected.apply(
        Feed(root.parent).documents([str(at) for at in seen(position)]),
        [],
        position,
    )
    for node in ASKED:
        assert set(engine.find(node).scores) == set(expected.find(node).scores), (node, position)
    assert engine.health().items == expected.health().items
    engine.close()
    expected.close()
    return position


@pytest.mark.slow
def test_killed_again_and_again_it_answers_for_the_events_it_has_seen(tmp_path: Path) -> None:
    chance = random.Random(9)
    root = tmp_path / "index"
    head = tmp_path / "head"
    head.write_text("300", "ascii")
    context = multiprocessing.get_context("fork")
    reached = 0
    for number in range(KILLS):
        act = ("add", "merge", "rebuild")[number % 3]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # forking beside numpy's threads
            child = context.Process(target=work, args=(root, act), daemon=True)
            child.start()
        time.sleep(chance.uniform(0.01, 0.6))
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        position = check(root, tmp_path / f"fresh{number}")
        assert position >= reached, "what was acknowledged was lost"
        reached = position
        if position == int(head.read_text("ascii")):
            head.write_text(str(position + chance.randint(1, 150)), "ascii")
    engine = open_for_writing(root, Feed(tmp_path))
    catch_up(engine, Feed(tmp_path))
    assert engine.position() == int(head.read_text("ascii"))
    engine.close()
    assert len([path for path in root.iterdir() if path.is_dir()]) <= 2, "leavings pile up"

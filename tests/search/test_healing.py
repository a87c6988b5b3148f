"""A damaged, missing or outdated index: said, never a fault of the page, and made anew beside."""

from __future__ import annotations

import errno
import random
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from search import building, indexer
from search.documents import ChangeBatch, Document
from search.engine import IndexState
from search.errors import IndexDamagedError
from search.indexer import catch_up, follow, open_for_writing, rebuild
from search.query import Phrase, Prefix, Term
from search.shelf import Shelf
from search.whoosh_engine import WhooshEngine

ASKED = [
    Term("cotton"),
    Term("factory", related=True),
    Phrase("cotton rail"),
    Prefix("cot"),
    Term("棉花"),
]


ROOT = Path(__file__).resolve().parents[2]


class Feed:
    """As many events as asked for, each about an item of its own."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.read: list[str] = []

    def head(self) -> int:
        return self.count

    def changed_since(self, position: int, limit: int) -> ChangeBatch:
        last = min(self.count, position + limit)
        return ChangeBatch(last, tuple(str(at) for at in range(position + 1, last + 1)))

    def documents(self, item_ids: Sequence[str]) -> list[Document]:
        self.read += item_ids
        return [
            Document(one, "p", f"page {one}", "cotton rail factories 棉花", "", "", "en")
            for one in item_ids
        ]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    root = tmp_path / "index"
    engine = open_for_writing(root, Feed(30))
    for head in (10, 20, 30):
        catch_up(engine, Feed(head))
    engine.close()
    return root


def files_of(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and path.name != "current"
                  and "LOCK" not in path.name)  # fmt: skip


@pytest.mark.parametrize("how", ["gone", "empty", "half", "rubbish"])
@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_a_damaged_file_is_said_and_healed(built: Path, how: str, which: int) -> None:
    path = files_of(built)[which]
    content = path.read_bytes()
    path.unlink()
    if how != "gone":
        path.write_bytes({"empty": b"", "half": content[: len(content) // 2],
                          "rubbish": bytes(reversed(content))}[how])  # fmt: skip
    reader = WhooshEngine(built)
    for node in ASKED:
        found = reader.find(node)
        assert not found.whole
        assert "being made again" in found.notes[0]
    assert reader.health().state is IndexState.DAMAGED
    healed = open_for_writing(built, Feed(30))
    assert len(healed.find(Term("cotton")).scores) == 30
    assert (healed.health().state, healed.health().generation) == (IndexState.READY, 2)
    assert len(reader.find(Term("cotton")).scores) == 30, "a reader goes over to the new one"


def test_every_flipped_bit_is_found_by_the_check(built: Path) -> None:
    chance = random.Random(3)
    segments = [path for path in files_of(built) if path.suffix == ".hfx"]
    for _ in range(120):
        path = chance.choice(segments)
        content = path.read_bytes()
        at = chance.randrange(len(content))
        path.write_bytes(
            content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]
        )
        engine = WhooshEngine(built)
        for node in ASKED:
            engine.find(node)  # answers or says what is missing; never fails
        padding = False
        try:
            engine.verify()
            padding = content[at] == 0
        except IndexDamagedError:
            pass
        else:
            assert padding, f"byte {at} of {len(content)} is not covered"
        path.write_bytes(content)
        (built / "damaged").unlink(missing_ok=True)


def test_an_index_ahead_of_the_events_is_made_anew(built: Path) -> None:
    engine = open_for_writing(built, Feed(12))
    assert (engine.position(), engine.health().items) == (12, 12)


def test_an_index_of_an_older_analysis_is_made_anew(built: Path) -> None:
    folder = Shelf(built).current()
    assert folder
    for path in folder.iterdir():
        path.rename(path.with_name(path.name.replace("holdfast", "older")))
    engine = open_for_writing(built, Feed(30))
    assert len(engine.find(Term("cotton")).scores) == 30


def test_a_rebuild_broken_off_is_gone_on_with(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexer, "_COMMIT_ITEMS", 500)
    stop, feed = threading.Event(), Feed(2500)
    said = []

    def report(progress: object) -> None:
        said.append(progress)
        stop.set()

    assert rebuild(built, feed, stop=stop, report=report) is None
    engine = WhooshEngine(built)
    assert len(engine.find(Term("cotton")).scores) == 30, "the old one answers meanwhile"
    health = engine.health()
    assert health.state is IndexState.REBUILDING
    assert health.progress
    assert 0 < health.progress.position < 2500
    feed.read.clear()
    assert rebuild(built, feed) == 2500
    assert "1" not in feed.read, "what was done is not done again"
    assert len(engine.find(Term("cotton")).scores) == 2500
    assert engine.health().progress is None
    assert not [
        path for path in built.iterdir() if path.is_dir() and path != Shelf(built).current()
    ]


def test_the_index_in_use_is_kept_up_to_date_during_a_rebuild(built: Path) -> None:
    engine = WhooshEngine(built)
    stop = threading.Event()
    rebuild(built, Feed(700), stop=stop, report=lambda _progress: stop.set(), in_use=engine)
    assert engine.position() == 700


def test_the_indexer_heals_by_itself_while_it_runs(built: Path) -> None:
    engine, stop, feed = open_for_writing(built, Feed(30)), threading.Event(), Feed(30)
    thread = threading.Thread(target=follow, args=(built, engine, feed, stop, 0.02))
    thread.start()
    Shelf(built).report_damage("somebody saw it")
    reader = WhooshEngine(built)
    deadline = threading.Event()
    for _ in range(500):
        if reader.health().generation == 2:
            break
        deadline.wait(0.05)
    feed.count = 40
    for _ in range(500):
        if reader.position() == 40:
            break
        deadline.wait(0.05)
    stop.set()
    thread.join()
    assert (reader.health().generation, reader.position()) == (2, 40)
    assert reader.health().state is IndexState.READY


def test_a_full_disk_loses_nothing_and_needs_no_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = WhooshEngine(tmp_path / "index")
    engine.apply(Feed(5).documents(["1"]), [], 1)
    write = building.write_segment

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(building, "write_segment", full)
    with pytest.raises(OSError, match="No space"):
        engine.apply(Feed(5).documents(["2"]), ["1"], 2)
    assert (engine.position(), set(engine.find(Term("cotton")).scores)) == (1, {"1"})
    monkeypatch.setattr(building, "write_segment", write)
    engine.apply(Feed(5).documents(["2"]), ["1"], 2)
    assert (engine.position(), set(engine.find(Term("cotton")).scores)) == (2, {"2"})


@pytest.mark.parametrize("left", [0, 1, 4096])
def test_a_file_cut_short_while_it_is_mapped_ends_nobody(built: Path, left: int) -> None:
    """In a process of its own: what fails here is killed by the system, and says nothing."""
    script = f"""
import os, sys
from pathlib import Path
from search.query import Term
from search.whoosh_engine import WhooshEngine
engine = WhooshEngine(Path({str(built)!r}))
assert len(engine.find(Term("cotton")).scores) == 30
largest = max(Path({str(built)!r}).rglob("*.hfx"), key=lambda path: path.stat().st_size)
os.truncate(largest, min({left}, largest.stat().st_size - 1))
found = engine.find(Term("cotton"))
assert not found.whole and len(found.scores) < 30, found
assert engine.words_near("coton", 3) is not None
try:
    engine.verify()
except Exception as error:
    print(type(error).__name__)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert done.stdout == "IndexDamagedError\n"
    assert Shelf(built).damage() is not None
    healed = open_for_writing(built, Feed(30))
    assert len(healed.find(Term("cotton")).scores) == 30

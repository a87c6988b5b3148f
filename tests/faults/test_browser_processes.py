"""No browser process and no profile folder is left, however a capture ends."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archive.capture.browser.engine import BrowserEngine
from archive.capture.browser.process import PREFIX, sweep
from archive.capture.browsers import find_browser
from archive.capture.job import CaptureJob, CaptureOptions
from archive.capture.outcome import Outcome
from archive.urlkey import Address
from archive.verify import VerdictWord, verify_file
from tests.site.running import Site

ROOT = Path(__file__).resolve().parents[2]
KILLS = 3 if os.environ.get("HOLDFAST_BOUNDED") else 25
pytestmark = pytest.mark.browser
PROGRAM = """
import sys
from pathlib import Path
from archive.capture.browser.engine import BrowserEngine
from archive.capture.browsers import find_browser
from archive.capture.job import CaptureJob
from archive.capture.network import GuardPolicy
from archive.urlkey import Address
url, port, place = sys.argv[1:4]
engine = BrowserEngine(find_browser(None))
for number in range(int(sys.argv[4]) if len(sys.argv) > 4 else 1000):
    folder = Path(place) / str(number)
    folder.mkdir()
    policy = GuardPolicy(frozenset({("127.0.0.1", int(port))}))
    engine.capture(CaptureJob("id", Address.parse(url), folder, policy, "op", "inst", "t"))
    print(number, flush=True)
"""


class Place:
    """A folder for temporary files, and the processes that have to do with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def processes(self) -> dict[int, str]:
        """Processes that name the folder, and those of the same groups."""
        named: dict[int, tuple[int, str]] = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                )
                after = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if after[0] != "Z":
                named[int(entry.name)] = (int(after[2]), command)
        groups = {group for group, command in named.values() if str(self.folder) in command}
        groups -= {os.getpgrp()}
        return {pid: command for pid, (group, command) in named.items() if group in groups}

    def folders(self) -> list[str]:
        return [one.name for one in self.folder.glob(PREFIX + "*")]

    def of(self, mark: str) -> list[int]:
        return [pid for pid, command in self.processes().items() if mark in command]

    def leftovers(self) -> list[str]:
        return [one.name for one in self.folder.iterdir()]

    def assert_empty(self, seconds: float = 15.0) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and (self.processes() or self.folders()):
            time.sleep(0.05)
        assert self.processes() == {}
        assert self.leftovers() == []


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="hf-") as folder:  # short: a socket comes into it
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Place(Path(folder))


@pytest.fixture
def engine(place: Place) -> Iterator[BrowserEngine]:
    binary = find_browser(None)
    assert binary is not None
    with BrowserEngine(binary) as made:
        yield made
    place.assert_empty()


@pytest.fixture
def job(site: Site, tmp_path: Path) -> Callable[..., CaptureJob]:
    def make(url: str, seconds: float = 60.0) -> CaptureJob:
        folder = tmp_path / f"capture-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        options = CaptureOptions(time_limit=seconds)
        return CaptureJob("id", Address.parse(url), folder, site.policy, "op", "i", "t", options)

    return make


def test_nothing_is_left_after_success_failure_and_time_out(
    engine: BrowserEngine, place: Place, job: Callable[..., CaptureJob], site: Site
) -> None:
    assert engine.capture(job(f"{site.here}/light")).outcome is Outcome.COMPLETE
    assert place.processes()
    assert len(place.folders()) == 1
    assert engine.capture(job(f"{site.closed}/")).outcome is Outcome.FAILED
    assert engine.capture(job(f"{site.here}/endless", seconds=3.0)).outcome is Outcome.PARTIAL
    engine.close()
    place.assert_empty()


def test_a_browser_killed_while_capturing_is_said_and_replaced(
    engine: BrowserEngine, place: Place, job: Callable[..., CaptureJob], site: Site
) -> None:
    def kill(*_: object) -> None:
        for pid in place.of("--remote-debugging-pipe"):
            os.kill(pid, signal.SIGKILL)

    assert engine.capture(job(f"{site.here}/light")).outcome is Outcome.COMPLETE
    before = signal.signal(signal.SIGALRM, kill)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.5)
        broken = engine.capture(job(f"{site.here}/never"))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert broken.outcome is Outcome.INTERRUPTED, broken.reason
    again = engine.capture(job(f"{site.here}/light"))
    assert (again.outcome, again.reason) == (Outcome.COMPLETE, "")
    assert len(place.folders()) == 1


def _begin(site: Site, place: Place, tmp_path: Path, *captures: str) -> subprocess.Popen[str]:
    store = tmp_path / "store"
    store.mkdir(exist_ok=True)
    for old in store.iterdir():
        old.rename(tmp_path / f"old-{len(list(tmp_path.iterdir()))}")
    port = site.here.rpartition(":")[2]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, f"{site.here}/light", port, str(store), *captures],
        env={**os.environ, "TMPDIR": str(place.folder), "PYTHONPATH": "."}, cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_killed_worker_leaves_no_browser_and_no_profile(
    site: Site, place: Place, tmp_path: Path
) -> None:
    worker = _begin(site, place, tmp_path)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "0\n"
    time.sleep(0.3)
    assert place.of("--remote-debugging-pipe")
    worker.kill()
    worker.communicate()
    place.assert_empty()


def test_an_engine_that_nobody_closed_ends_with_its_process(
    site: Site, place: Place, tmp_path: Path
) -> None:
    worker = _begin(site, place, tmp_path, "1")
    said, complaints = worker.communicate(timeout=60)
    assert (worker.returncode, said, complaints) == (0, "0\n", "")
    place.assert_empty()


@pytest.mark.slow
def test_worker_and_keeper_killed_together_leave_a_folder_for_the_next_start(
    site: Site, place: Place, tmp_path: Path
) -> None:
    worker = _begin(site, place, tmp_path)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "0\n"
    assert place.processes()
    (keeper,) = place.of("keeper.py")
    assert sweep() == 0  # a living browser's folder is not touched
    os.kill(worker.pid, signal.SIGKILL)
    os.kill(keeper, signal.SIGKILL)
    worker.communicate()
    ends = time.monotonic() + 15
    while place.processes() and time.monotonic() < ends:
        time.sleep(0.05)
    assert place.processes() == {}
    assert sweep() == 1
    assert place.folders() == []


@pytest.mark.slow
def test_killed_at_random_moments(site: Site, place: Place, tmp_path: Path) -> None:
    chance = random.Random(3)
    for number in range(KILLS):
        worker = _begin(site, place, tmp_path)
        time.sleep(chance.uniform(0.3, 5.0))
        victim = chance.choice(["worker", "browser", "keeper"])
        marks = {"browser": "--remote-debugging-pipe", "keeper": "keeper.py"}
        for pid in [worker.pid] if victim == "worker" else place.of(marks[victim])[:1]:
            with contextlib.suppress(ProcessLookupError):  # it ended of itself in between
                os.kill(pid, signal.SIGKILL)
        time.sleep(chance.uniform(0.0, 1.0))
        worker.kill()
        worker.communicate()
        ends = time.monotonic() + 15
        while place.processes() and time.monotonic() < ends:
            time.sleep(0.05)
        assert place.processes() == {}, (number, victim)
        sweep()
        assert place.folders() == [], (number, victim)
        for warc in (tmp_path / "store").rglob("*.warc.gz"):
            assert verify_file(warc).verdict is VerdictWord.INTACT, (number, victim)

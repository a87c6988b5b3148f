"""kill -9 of worker, browser or guard while a browser captures: nothing torn is stored or lost.

The guard is a part of the worker's process; what is killed as "guard" is the process that holds
the guard's listening socket, found by that socket, at a moment when a capture is under way.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from annotate.commands.demo import site_running
from annotate.demo.study import PACKAGED_STUDY, load_study
from annotate.models import (
    Capture,
    CaptureRequest,
    Project,
    RequestAttempt,
    RequestLease,
    RequestState,
    WarcFile,
)
from annotate.services import claiming, people, projects, requests
from annotate.wiring import Wiring, make_home
from archive.capture.browsers import find_browser
from archive.urlkey import Address
from archive.verify import VerdictWord, verify_file
from config import Config

ROOT = Path(__file__).resolve().parents[2]
KILLS = 6 if os.environ.get("HOLDFAST_BOUNDED") else 100
POSTS = 12 if os.environ.get("HOLDFAST_BOUNDED") else 60
TARGETS = ("worker", "browser", "guard")
DRAIN = 300.0  # seconds the queue may take to end when the shooting is over


class Workers:
    """Two capture workers, begun again when they die."""

    def __init__(self, wiring: Wiring, temporary: Path) -> None:
        self._env = {
            **os.environ, "HOLDFAST_HOME": str(wiring.home), "HOLDFAST_ENGINE": "browser",
            "HOLDFAST_GUARD_ALLOW": wiring.config.guard_allow, "HOLDFAST_ATTEMPTS": "20",
            "HOLDFAST_RETRY_PAUSE": "0", "TMPDIR": str(temporary),
        }  # fmt: skip
        self.processes: list[subprocess.Popen[bytes]] = []

    def keep(self) -> None:
        """Begin what is not running."""
        self.processes = [one for one in self.processes if one.poll() is None]
        while len(self.processes) < 2:
            command = [sys.executable, "-c", "from annotate.cli import main; main()", "work"]
            self.processes.append(
                subprocess.Popen(
                    command, cwd=ROOT, env=self._env, start_new_session=True,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )
            )  # fmt: skip

    def end(self) -> None:
        """Let them end by themselves."""
        for one in self.processes:
            one.terminate()
        for one in self.processes:
            one.wait(60)

    def target(self, kind: str) -> int | None:
        """Return the process to kill, if there is one of the kind just now."""
        alive = [one.pid for one in self.processes if one.poll() is None]
        if kind == "worker":
            return chance.choice(alive) if alive else None
        if kind == "guard":
            at_work = listening(alive)
            return chance.choice(at_work) if at_work else None
        below = [pid for worker in alive for pid in descendants(worker)]
        browsers = [pid for pid in below if "chrom" in command_of(pid).partition("\0")[0]]
        return chance.choice(browsers) if browsers else None


chance = random.Random(2026)


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace")
    except OSError:
        return ""


def parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text("utf-8", "replace")
            except OSError:
                continue
            yield int(folder.name), int(stat.rpartition(")")[2].split()[1])


def descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for child, parent in parents():
        children.setdefault(parent, []).append(child)
    found, below = [], [pid]
    while below:
        below = [child for one in below for child in children.get(one, [])]
        found += below
    return found


def listening(pids: list[int]) -> list[int]:
    """Return which of the processes hold a listening socket: a guard is at work in them."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inodes = {line.split()[9] for line in lines if line.split()[3] == "0A"}
    found = []
    for pid in pids:
        try:
            held = {os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir()}
        except OSError:
            continue
        if any(f"socket:[{inode}]" in held for inode in inodes):
            found.append(pid)
    return found


def shoot(workers: Workers, kind: str) -> bool:
    """Kill one process of the kind at a random moment; False where none was there for long."""
    ends = time.monotonic() + 90  # a worker that was shot has to begin, and its browser too
    time.sleep(chance.uniform(0.0, 2.0))
    while time.monotonic() < ends:
        pid = workers.target(kind)
        if pid is not None:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            return True
        time.sleep(0.05)
        workers.keep()
    return False


def ask(wiring: Wiring, site: str, posts: list[str]) -> None:
    """Ask for captures, again for what has ended: the queue never runs dry while we shoot."""
    with wiring.database.write() as session:
        actor = people.actor_of(people.find_user(session, "owner"))
        project = projects.find_project(session, "s")
        requests.ask(session, actor, project, [Address.parse(site + url) for url in posts])


def states_hold(wiring: Wiring) -> None:
    with wiring.database.read() as session:
        project = session.scalars(select(Project)).one()
        counted = requests.counts(session, project.id)
        running = set(
            session.scalars(
                select(CaptureRequest.id).where(CaptureRequest.state == RequestState.RUNNING)
            )
        )
        leased = set(session.scalars(select(RequestLease.request_id)))
    assert counted.waiting + counted.running + counted.done + counted.cancelled == counted.total
    assert running == leased, "a running request without a lease, or the other way round"


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder with a short name: Chromium puts sockets below it, whose paths are limited."""
    folder = Path(tempfile.mkdtemp(prefix="hk-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.browser
def test_killed_while_a_browser_captures(tmp_path: Path, temporary: Path) -> None:
    if find_browser(None) is None:
        pytest.skip("no browser that starts")
    posts = [post.url for post in load_study(PACKAGED_STUDY).posts[:POSTS]]
    with site_running(PACKAGED_STUDY, 0) as port:
        site = f"http://127.0.0.1:{port}"
        wiring = make_home(
            Config().replaced({"home": tmp_path / "home", "guard_allow": f"127.0.0.1:{port}"})
        )
        with wiring.database.write() as session:
            owner = people.create_user(session, people.SYSTEM, login="owner")
            projects.create_project(session, people.actor_of(owner), owner, slug="s", name="s")
        workers = Workers(wiring, temporary)
        killed: Counter[str] = Counter()
        verified: set[str] = set()
        try:
            for number in range(KILLS):
                ask(wiring, site, posts)
                workers.keep()
                kind = TARGETS[number % len(TARGETS)]
                killed[kind] += shoot(workers, kind)
                states_hold(wiring)
                intact(wiring, verified)
            drain(wiring, workers)
        finally:
            workers.end()
    assert sum(killed.values()) == KILLS, killed
    check(wiring, verified)
    nothing_left(temporary)


def intact(wiring: Wiring, verified: set[str]) -> None:
    """Every stored WARC that was not read yet is whole."""
    with wiring.database.read() as session:
        stored = session.scalars(select(WarcFile)).all()
    for warc in stored:
        if warc.id not in verified:
            verdict = verify_file(wiring.store.path(warc.path))
            assert (verdict.verdict, verdict.records) == (VerdictWord.INTACT, warc.records)
            verified.add(warc.id)


def drain(wiring: Wiring, workers: Workers) -> None:
    """Let the queue end, with workers that nobody kills."""
    ends = time.monotonic() + DRAIN
    while time.monotonic() < ends:
        workers.keep()
        with wiring.database.read() as session:
            still = session.scalar(
                select(func.count())
                .select_from(CaptureRequest)
                .where(CaptureRequest.state.in_([RequestState.WAITING, RequestState.RUNNING]))
            )
        if not still:
            return
        time.sleep(0.5)
    raise AssertionError(f"{still} requests never ended")


def check(wiring: Wiring, verified: set[str]) -> None:
    states_hold(wiring)
    intact(wiring, verified)
    with wiring.database.read() as session:
        for one in session.scalars(select(CaptureRequest)):
            assert one.outcome is not None
            assert one.outcome == "complete" or one.reason
        assert claiming.lapsed(session) == []
        unended = select(RequestAttempt).where(RequestAttempt.finished_at.is_(None))
        assert session.scalars(unended).all() == []
        rows = {warc.path for warc in session.scalars(select(WarcFile))}
        captures = session.scalar(select(func.count()).select_from(Capture))
    on_disk = {
        path.relative_to(wiring.home).as_posix()
        for path in wiring.home.glob("captures/*/*/*/capture.warc.gz")
    }
    assert on_disk == rows, "a WARC without a row, or a row without its WARC"
    assert captures == len(rows) >= POSTS / 2
    assert not list(wiring.home.glob("captures/**/*.open"))
    for folder in wiring.home.glob("quarantine/*"):
        assert (folder / "REASON.txt").is_file()


def nothing_left(temporary: Path) -> None:
    """No browser of ours runs on, and no profile of one is left."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        running = [pid for pid, _parent in parents() if str(temporary) in command_of(pid)]
        profiles = list(temporary.glob("holdfast-browser-*"))
        if not running and not profiles:
            return
        time.sleep(0.5)
    raise AssertionError(f"left: {[command_of(pid)[:80] for pid in running]} {profiles}")

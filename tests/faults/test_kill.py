"""kill -9 of server and workers at random moments: nothing is lost, nothing half-written believed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from annotate.commands.demo import site_running
from annotate.demo.study import PACKAGED_STUDY, load_study
from annotate.jobs.indexing import index_now
from annotate.models import Capture, CaptureRequest, RequestState, WarcFile
from annotate.services import people, projects, requests
from annotate.wiring import Wiring, make_home
from archive.urlkey import Address
from archive.verify import VerdictWord, verify_file
from config import Config
from search.query import parse_query
from search.whoosh_engine import WhooshEngine

ROOT = Path(__file__).resolve().parents[2]
POSTS = 60
KILLS = 5 if os.environ.get("HOLDFAST_BOUNDED") else 50


def start(wiring: Wiring) -> subprocess.Popen[bytes]:
    config = wiring.config
    return subprocess.Popen(
        [sys.executable, "-c", "from annotate.cli import main; main()", "serve", "--port", "0"],
        cwd=ROOT,
        env={**os.environ, "HOLDFAST_HOME": str(wiring.home), "HOLDFAST_GUARD_ALLOW": config.guard_allow,
             "HOLDFAST_HOST_DELAY": "0", "HOLDFAST_ATTEMPTS": "20", "HOLDFAST_ENGINE": "http"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def open_requests(wiring: Wiring, project_id: str) -> int:
    with wiring.database.read() as session:
        queue = requests.counts(session, project_id)
    assert queue.waiting + queue.running + queue.done + queue.cancelled == queue.total
    return queue.waiting + queue.running


@pytest.mark.slow
def test_killed_again_and_again(tmp_path: Path) -> None:
    chance = random.Random(2021)
    posts = load_study(PACKAGED_STUDY).posts[:POSTS]
    with site_running(PACKAGED_STUDY, 0) as port:
        site = f"http://127.0.0.1:{port}"
        wiring = make_home(
            Config().replaced({"home": tmp_path / "home", "guard_allow": f"127.0.0.1:{port}"})
        )
        with wiring.database.write() as session:
            owner = people.create_user(session, people.SYSTEM, login="owner")
            actor = people.actor_of(owner)
            project = projects.create_project(session, actor, owner, slug="s", name="s")
        asked = 0
        for _round in range(KILLS):
            with wiring.database.write() as session:
                held = projects.find_project(session, "s")
                if asked < POSTS:
                    batch = posts[asked : asked + 12]
                    asked += len(batch)
                    requests.ask(session, actor, held, [Address.parse(site + p.url) for p in batch])
                else:  # the queue never runs dry while we shoot
                    done = session.scalars(
                        select(CaptureRequest)
                        .where(CaptureRequest.state == RequestState.DONE)
                        .limit(12)
                    ).all()
                    for one in done:
                        requests.retry(session, actor, one)
            process = start(wiring)
            time.sleep(chance.uniform(1.0, 3.0))
            kill(process)
            open_requests(wiring, project.id)
        process = start(wiring)
        ends = time.monotonic() + 120
        while open_requests(wiring, project.id) and time.monotonic() < ends:
            time.sleep(0.5)
        time.sleep(2)
        kill(process)
    check(wiring, project.id)


def check(wiring: Wiring, project_id: str) -> None:
    assert open_requests(wiring, project_id) == 0
    with wiring.database.read() as session:
        for one in session.scalars(select(CaptureRequest)):
            assert one.outcome is not None
            assert one.outcome == "complete" or one.reason
        stored = session.scalars(select(WarcFile)).all()
        captures = session.scalar(select(func.count()).select_from(Capture))
    assert captures == len(stored) >= POSTS
    for warc in stored:
        verdict = verify_file(wiring.store.path(warc.path))
        assert (verdict.verdict, verdict.records) == (VerdictWord.INTACT, warc.records)
    on_disk = {path.parent.name for path in wiring.home.glob("captures/*/*/*/capture.warc.gz")}
    assert len(on_disk) == len(stored), "a WARC without a row was left among the captures"
    assert not list(wiring.home.glob("captures/**/*.open"))
    index_now(wiring)
    engine = WhooshEngine(wiring.index)
    assert len(engine.find(parse_query("traveller*")).scores) > POSTS / 2
    engine.close()

"""The whole study by browser with two workers; posts deleted later are seen, and no count moves.

Whole: all 816 posts and 40 variant addresses. With HOLDFAST_BOUNDED: 60 of them.
"""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from annotate.commands.demo import site_running
from annotate.demo.seeding import SLUG, seed
from annotate.demo.study import Study, load_study
from annotate.jobs.indexing import index_now
from annotate.models import Capture, Item, Observation, ObservedState, Project, WarcFile
from annotate.services import counted_tables, library, people, projects, requests
from annotate.services.fields import fields_of
from annotate.services.lists import guess_mapping, import_list, read_list
from annotate.services.zones import parse_zone
from annotate.wiring import Wiring, make_home
from archive.capture.browsers import find_browser
from archive.verify import VerdictWord, verify_file
from config import Config
from search.whoosh_engine import WhooshEngine

ROOT = Path(__file__).resolve().parents[2]
BOUNDED = bool(os.environ.get("HOLDFAST_BOUNDED"))
POSTS, VARIANTS, LOOKED_AT = (55, 5, 12) if BOUNDED else (816, 40, 856)
MINUTES = 10 if BOUNDED else 90


def chosen(study: Study, folder: Path) -> tuple[Study, Path, Path | None]:
    """Return the part of the study that is captured, its list, and its late list if it has rows."""
    deleted = [post for post in study.posts if post.deleted_later]
    others = [post for post in study.posts if not post.deleted_later]
    wanted = {post.url for post in [*deleted[: POSTS // 5 if BOUNDED else None], *others][:POSTS]}
    kept = [one for one in study.duplicates if one.same_as in wanted][:VARIANTS]
    lists: list[Path | None] = []
    for name in ("seed.csv", "seed_late.csv"):
        header, *rows = csv.reader(io.StringIO(study.file(name).read_text("utf-8")))
        rows = [row for row in rows if row[0] in wanted]
        path = folder / name
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        lists.append(path if rows else None)
    posts = tuple(post for post in study.posts if post.url in wanted)
    first, late = lists
    assert first is not None
    return replace(study, duplicates=tuple(kept), posts=posts), first, late


@contextmanager
def serving(wiring: Wiring) -> Iterator[None]:
    """Serve the home with two capture workers, as `holdfast serve` does."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from annotate.cli import main; main()", "serve", "--port", "0",
         "--workers", "2"],
        cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "HOLDFAST_HOME": str(wiring.home), "HOLDFAST_ENGINE": "browser",
             "HOLDFAST_GUARD_ALLOW": wiring.config.guard_allow},
    )  # fmt: skip
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def command(wiring: Wiring, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from annotate.cli import main; main()", "--json",
         "--home", str(wiring.home), *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_until_empty(wiring: Wiring) -> dict[str, int]:
    ends = time.monotonic() + MINUTES * 60
    while time.monotonic() < ends:
        stands = json.loads(command(wiring, "queue", "status"))
        states = [stands[name] for name in ("waiting", "running", "done", "cancelled")]
        assert sum(states) == stands["total"]
        if not stands["waiting"] and not stands["running"]:
            return stands
        time.sleep(2)
    raise AssertionError(f"the queue did not end: {stands}")


def numbers(wiring: Wiring, project_id: str) -> dict[str, dict[str, int]]:
    """Return every number of the results, and check that each opens a list of that many."""
    index_now(wiring)
    engine = WhooshEngine(wiring.index)
    with wiring.database.read() as session:
        project = session.get_one(Project, project_id)
        zone = parse_zone(project.reporting_zone)
        found = counted_tables.count(session, project, zone=zone)
        for cell in [*found.scope, *(cell for table in found.tables for cell in table.cells)]:
            rows = library.ids_for(session, project, cell.query, engine, zone)
            assert len(rows) == cell.number, cell.query
    engine.close()
    tables = {table.key: table.cells for table in found.tables}
    tables["scope"] = found.scope
    return {key: {cell.label: cell.number for cell in cells} for key, cells in tables.items()}


def post_to(url: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=30):
        pass


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.study
def test_the_study_is_captured_watched_and_counted_the_same(shared: Path, tmp_path: Path) -> None:
    if find_browser(None) is None:
        pytest.skip("no browser that starts")
    study, first, late = chosen(load_study(shared / "study"), tmp_path)
    with site_running(shared / "study", 0) as port:
        site = f"http://127.0.0.1:{port}"
        wiring = make_home(
            Config().replaced({"home": tmp_path / "home", "guard_allow": f"127.0.0.1:{port}"})
        )
        with wiring.database.write() as session:
            owner = people.create_user(session, people.SYSTEM, login="owner", is_admin=True)
            project, _report = seed(session, owner, study, site, seed_list=first)
            if late is not None:
                table = read_list(late.name, late)
                mapping = guess_mapping(table, fields_of(session, project.id))
                actor = people.actor_of(owner)
                import_list(session, actor, project, table, mapping, base_address=site)
        with serving(wiring):
            stands = wait_until_empty(wiring)
            asked = len(study.posts) + len(study.duplicates)
            assert (stands["total"], stands["outcomes"]) == (asked, {"complete": asked})
            before = numbers(wiring, project.id)
            post_to(f"{site}/__demo/delete")
            gone = {site + post.url for post in study.posts if post.deleted_later}
            looked_at = sorted(address(wiring, project.id) - gone)[: LOOKED_AT - min(len(gone), 8)]
            if BOUNDED:
                command(wiring, "observe", *sorted(gone)[:8], *looked_at)
            else:
                command(wiring, "observe", "--query", "")
            stands = wait_until_empty(wiring)
    after = numbers(wiring, project.id)
    seen = after.pop("seen_after_capture")
    assert after == before, "a deletion moved a count"
    check(wiring, project.id, gone, seen)


def address(wiring: Wiring, project_id: str) -> set[str]:
    with wiring.database.read() as session:
        query = select(Item.address).where(Item.project_id == project_id, Item.same_as_id.is_(None))
        return set(session.scalars(query))


def check(wiring: Wiring, project_id: str, gone: set[str], seen: dict[str, int]) -> None:
    """What is gone was seen to be gone, with evidence; what is there was seen to be there."""
    with wiring.database.read() as session:
        held = projects.find_project(session, SLUG)
        queue = requests.counts(session, held.id)
        rows = session.execute(
            select(Observation, Item).join(Item, Item.id == Observation.item_id)
        ).all()
        warcs = session.scalars(select(WarcFile)).all()
        captures = session.scalar(select(func.count()).select_from(Capture)) or 0
    assert queue.waiting + queue.running + queue.done + queue.cancelled == queue.total
    assert len(rows) >= min(LOOKED_AT, 12)
    for observation, item in rows:
        is_gone = item.address.partition("?")[0].partition("#")[0] in gone
        assert (observation.state is ObservedState.DELETED) is is_gone, (
            item.address, observation.state, observation.reason,
        )  # fmt: skip
        assert item.latest_outcome == "complete"
        if is_gone:
            assert observation.http_status in {404, 410}
            assert observation.phrases_version
            assert observation.capture_id is not None
        else:
            assert (observation.state, observation.capture_id) == (ObservedState.LIVE, None)
    assert seen["deleted"] >= 1
    assert captures == len(warcs)
    for warc in warcs:
        assert verify_file(wiring.store.path(warc.path)).verdict is VerdictWord.INTACT

"""`holdfast demo` carries the invented study through the chain; `run-demo` opens it to look at."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from annotate.cli import NOT_GOOD, Invocation
from annotate.commands.serving import run_server
from annotate.demo.coding import agreement_of, code_study, settle_by_truth
from annotate.demo.results import study_results, unlisted_numbers
from annotate.demo.seeding import seed
from annotate.demo.study import PACKAGED_STUDY, Study, load_study
from annotate.errors import EnvironmentMissingError
from annotate.jobs.worker import Worker
from annotate.models import CodingRound, Project
from annotate.services import requests
from annotate.services.feed import EventFeed
from annotate.services.people import SYSTEM, create_user, find_user, make_link
from annotate.services.projects import find_project
from annotate.wiring import INSTANCE_FILE, Wiring, make_home, open_home
from config import Config
from search.indexer import catch_up, open_for_writing

SITE_HOST: Final = "127.0.0.1"
DEMO_SITE_PORT: Final = 5055
DEMO_LOGIN: Final = "demo"
_START_SECONDS: Final = 20


@click.command()
@click.option(
    "--study", "folder", type=click.Path(path_type=Path, exists=True), default=PACKAGED_STUDY
)
@click.option("--captures", default="24", help="How many captures: a number, or all.")
@click.option("--engine", default="http", type=click.Choice(["auto", "browser", "http"]))
@click.option(
    "--seed-list", help="Another list of the study folder, such as seed_with_mistakes.csv."
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo-out"))
@click.pass_obj
def demo(
    invocation: Invocation,
    folder: Path,
    captures: str,
    engine: str,
    seed_list: str | None,
    out: Path,
) -> int:
    """Carry a study through the chain and write results.json.

    Serves the study's sites on loopback, seeds a project from its list, captures, indexes,
    checks the list against the pages, and counts.
    """
    study = load_study(folder)
    limit = None if captures == "all" else int(captures)
    out.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="home-", dir=out))
    home.rmdir()
    with site_running(folder, 0) as port:
        site = f"http://{SITE_HOST}:{port}"
        config = invocation.config.replaced(
            {"home": home, "guard_allow": f"{SITE_HOST}:{port}", "engine": engine}
        )
        wiring = make_home(config)
        with wiring.database.write() as session:
            owner = create_user(
                session, SYSTEM, login=DEMO_LOGIN, display_name="Demo", is_admin=True
            )
            project, report = seed(
                session,
                owner,
                study,
                site,
                seed_list=study.file(seed_list) if seed_list else None,
                engine=engine,
            )
        click.echo(
            f"{report.rows} rows, {report.new_items} items, {report.queued} queued", err=True
        )
        capture_all(wiring, project, limit)
    coded, settled = _coded(wiring, project.slug, study)
    engine_index = open_for_writing(wiring.index, EventFeed(wiring.database))
    catch_up(engine_index, EventFeed(wiring.database))
    with wiring.database.read() as session:
        project = find_project(session, project.slug)
        results = study_results(session, project, study, engine_index)
        if coded is not None:
            results["agreement"] = agreement_of(session, session.get_one(CodingRound, coded))
        opened, wrong = unlisted_numbers(session, project, engine_index)
        queue = requests.counts(session, project.id)
    text = json.dumps(results, ensure_ascii=False, indent=1)
    (out / "results.json").write_text(text + "\n", "utf-8")
    outcomes = ", ".join(f"{number} {outcome}" for outcome, number in queue.by_outcome.items())
    click.echo(
        f"{queue.total} requests: {outcomes or 'none done'}, {queue.waiting} waiting", err=True
    )
    click.echo(f"{settled} disagreements of the coders settled by the truth", err=True)
    click.echo(f"{opened} numbers opened, {len(wrong)} disagree with their list", err=True)
    for line in wrong:
        click.echo(line, err=True)
    click.echo(text if invocation.as_json else str(out / "results.json"))
    bad = queue.done - sum(
        number for outcome, number in queue.by_outcome.items() if outcome == "complete"
    )
    return NOT_GOOD if wrong or bad else 0


def _coded(wiring: Wiring, slug: str, study: Study) -> tuple[str | None, int]:
    """Let the study's coders code, and settle what they disagree on; return round and number."""
    with wiring.database.write() as session:
        owner, project = find_user(session, DEMO_LOGIN), find_project(session, slug)
        one = code_study(session, owner, project, study)
        if one is None:
            return None, 0
        return one.id, settle_by_truth(session, owner, project, study, one)


def capture_all(wiring: Wiring, project: Project, limit: int | None) -> None:
    """Work the queue off with two workers, at most `limit` captures; say how far it is."""
    stop = threading.Event()
    workers = [Worker(wiring, f"demo-{number}") for number in range(2)]
    threads = [
        threading.Thread(target=worker.run, args=(stop,), kwargs={"until_empty": True})
        for worker in workers
    ]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    last = 0.0
    while any(thread.is_alive() for thread in threads):
        threads[0].join(0.2)
        with wiring.database.read() as session:
            queue = requests.counts(session, project.id)
        if limit is not None and queue.done >= limit:
            stop.set()
        if time.monotonic() - last > 5:
            last = time.monotonic()
            rate = queue.done / max(0.001, last - began)
            click.echo(f"captured {queue.done} of {queue.total}, {rate:.1f} a second", err=True)
    for thread in threads:
        thread.join()


@contextmanager
def site_running(folder: Path, port: int) -> Iterator[int]:
    """Serve a study's sites from a process of its own; yield the port once they answer.

    :raises EnvironmentMissingError: they do not, as when the port is taken
    """
    command = [sys.executable, "-m", "annotate.demo.serving", str(folder), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line.strip().isdigit():
            raise EnvironmentMissingError(
                f"The study's sites could not be served on port {port}; is it in use?"
            )
        _wait_for(f"http://{SITE_HOST}:{int(line)}/")
        yield int(line)
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout:
            process.stdout.close()


def _wait_for(url: str) -> None:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise EnvironmentMissingError(f"{url} does not answer.")


@click.command("run-demo")
@click.pass_obj
def run_demo(invocation: Invocation) -> None:
    """Make the demo home if need be, serve its sites and Holdfast, print a sign-in link."""
    home = invocation.config.home
    default = Config().home
    config = invocation.config.replaced(
        {
            "home": Path("demo-home") if home == default else home,
            "guard_allow": f"{SITE_HOST}:{DEMO_SITE_PORT}",
        }
    )
    with site_running(PACKAGED_STUDY, DEMO_SITE_PORT) as port:
        if (config.home / INSTANCE_FILE).is_file():
            wiring = open_home(config)
        else:
            wiring = _make_demo_home(config, f"http://{SITE_HOST}:{port}")
        with wiring.database.write() as session:
            token = make_link(
                session, find_user(session, DEMO_LOGIN), minutes=config.sign_in_minutes
            )
        told = f"Sign in, once, at http://{config.host}:{config.port}/sign-in/link/{token}"
        run_server(wiring, announce=told)


def _make_demo_home(config: Config, site: str) -> Wiring:
    """Make the demo home beside its final place, so that a broken-off one is never believed."""
    study = load_study(PACKAGED_STUDY)
    building = config.home.with_name(f"{config.home.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    wiring = make_home(config.replaced({"home": building}))
    with wiring.database.write() as session:
        owner = create_user(
            session, SYSTEM, login=DEMO_LOGIN, display_name="Demo admin", is_admin=True
        )
        project, _report = seed(session, owner, study, site)
        code_study(session, owner, project, study)
    wiring.database.close()
    building.rename(config.home)
    return open_home(config)

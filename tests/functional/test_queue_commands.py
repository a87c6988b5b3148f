"""`holdfast queue` and `holdfast observe`, as typed, against a site on this machine."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from annotate.cli import holdfast as command_line
from annotate.commands.demo import site_running
from annotate.demo.study import PACKAGED_STUDY, load_study
from annotate.errors import UsageError


@dataclass(frozen=True)
class Done:
    """What a command said, and its exit code."""

    returncode: int
    stdout: str


Holdfast = Callable[..., Done]
POSTS = load_study(PACKAGED_STUDY).posts
GONE = next(post.url for post in POSTS if post.deleted_later)
STAYS = next(post.url for post in POSTS if not post.deleted_later)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with site_running(PACKAGED_STUDY, 0) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def holdfast(tmp_path: Path, site: str, monkeypatch: pytest.MonkeyPatch) -> Holdfast:
    """The command line in this process: starting Python anew costs seconds each time."""
    monkeypatch.setenv("HOLDFAST_GUARD_ALLOW", site.removeprefix("http://"))
    monkeypatch.setenv("HOLDFAST_ENGINE", "http")

    def run(*arguments: str) -> Done:
        given = ["--json", "--home", str(tmp_path / "home"), *arguments]
        done = CliRunner().invoke(command_line, given, standalone_mode=False, catch_exceptions=True)
        if isinstance(done.exception, UsageError):
            return Done(2, done.stdout)
        assert done.exception is None, done.exception
        return Done(done.return_value or 0, done.stdout)

    assert run("init").returncode == 0
    assert run("project", "add", "study", "--owner", "admin").returncode == 0
    return run


def test_a_deleted_post_is_observed_and_one_that_stays_is_live(
    holdfast: Holdfast, site: str
) -> None:
    gone, stays = site + GONE, site + STAYS
    assert holdfast("capture", gone, stays, "--wait").returncode == 0
    with urllib.request.urlopen(
        urllib.request.Request(f"{site}/__demo/delete", method="POST"), timeout=10
    ):
        pass
    done = holdfast("observe", "--query", "", "--wait")
    assert done.returncode == 0
    seen = {one["address"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert (seen[gone]["state"], seen[gone]["status"] in {404, 410}) == ("deleted", True)
    assert (seen[stays]["state"], seen[stays]["capture"]) == ("live", None)
    assert seen[gone]["capture"] is not None
    assert seen[gone]["phrases_version"]
    listed = json.loads(holdfast("search", "observed:deleted").stdout)
    assert listed["total"] == 1
    assert holdfast("observe", f"{site}/nowhere").returncode == 2
    assert holdfast("observe").returncode == 2


def test_the_queue_is_steered(holdfast: Holdfast, site: str, tmp_path: Path) -> None:
    addresses = tmp_path / "addresses.txt"
    addresses.write_text("\n".join(site + post.url for post in POSTS[:20]), "utf-8")
    assert (
        "20 queued" in holdfast("capture", "--list", str(addresses), "--priority", "later").stdout
    )
    assert holdfast("queue", "pause", "--reason", "later").stdout.strip() == "paused"
    assert holdfast("work", "--until-empty").returncode == 0
    stands = json.loads(holdfast("queue", "status").stdout)
    assert (stands["waiting"], stands["done"], stands["paused"]) == (20, 0, True)
    assert holdfast("queue", "resume").stdout.strip() == "it goes on"
    assert "20 of 20" in holdfast("queue", "change", "first").stdout
    assert "20 of 20" in holdfast("queue", "change", "cancel", "--site", "127.0.0.1").stdout
    lines = holdfast("queue", "list", "--state", "cancelled").stdout.splitlines()
    assert len(lines) == 20
    assert json.loads(lines[0])["state"] == "cancelled"
    assert holdfast("queue", "list", "--state", "nonsense").returncode == 2
    assert "20 of 20" in holdfast("queue", "change", "retry", "--state", "cancelled").stdout
    stands = json.loads(holdfast("queue", "status").stdout)
    assert (stands["waiting"], stands["total"]) == (20, 20)

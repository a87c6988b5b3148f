"""The chain, through the command line, on the study with planted truth."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.study, pytest.mark.timeout(900)]


def run_demo(out: Path, *arguments: str) -> dict[str, Any]:
    command = [
        sys.executable,
        "-c",
        "from annotate.cli import main; main()",
        "demo",
        "--engine",
        "http",
    ]
    done = subprocess.run(
        [*command, "--captures", "all", "--out", str(out), *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "0 disagree with their list" in done.stderr
    return json.loads((out / "results.json").read_text("utf-8"))


def test_the_study_counts_to_its_planted_truth(shared: Path, tmp_path: Path) -> None:
    found = run_demo(tmp_path / "out", "--study", str(shared / "study"))
    expected = json.loads((shared / "study/expected.json").read_text("utf-8"))
    assert found["first_round"] == expected["first_round"]
    for key in ("by_sharer_top10", "by_month_utc"):
        assert list(found["first_round"][key]) == list(expected["first_round"][key])
    zones = "first_round_posts_by_reporting_zone"
    assert found[zones] == expected[zones]
    assert found["search"] == expected["search"]
    assert found["agreement"] == expected["agreement"]
    assert found["differences"] == {}
    home = next((tmp_path / "out").glob("home-*"))
    oracle = Path(sys.executable).with_name("warcio")
    warcs = sorted(str(path) for path in home.glob("captures/*/*/*/capture.warc.gz"))
    assert len(warcs) == 846
    for command in ([str(oracle), "check"], ["gzip", "-t"]):
        subprocess.run([*command, *warcs], check=True, capture_output=True)


def test_exactly_the_planted_mistakes_are_found(shared: Path, tmp_path: Path) -> None:
    found = run_demo(
        tmp_path / "out", "--study", str(shared / "study"), "--seed-list", "seed_with_mistakes.csv"
    )
    planted = json.loads((shared / "study/seed_mistakes.json").read_text("utf-8"))
    assert {path: one["field"] for path, one in found["differences"].items()} == {
        path: one["field"] for path, one in planted.items()
    }
    for path, one in planted.items():
        assert found["differences"][path]["listed"] == one["listed"]


def test_another_study_counts_to_its_own_truth(shared: Path, tmp_path: Path) -> None:
    """Half of the posts, under other handles and languages: the truth is recomputed here."""
    folder = tmp_path / "study"
    shutil.copytree(shared / "study", folder)
    for path in folder.iterdir():
        path.chmod(0o644)
        text = (
            path.read_text("utf-8")
            .replace("traveller_", "voyager_")
            .replace("state_account_", "organ_")
        )
        path.write_text(
            text.replace('"lang": "tr"', '"lang": "az"').replace(",tr,", ",az,"), "utf-8"
        )
    posts = [
        post for number, post in enumerate(json.loads((folder / "posts.json").read_text("utf-8")))
        if number % 2
    ]  # fmt: skip
    kept = {post["url"] for post in posts}
    (folder / "posts.json").write_text(json.dumps(posts, ensure_ascii=False), "utf-8")
    lines = (folder / "seed.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "seed.csv").write_text(
        lines[0] + "".join(line for line in lines[1:] if line.partition(",")[0] in kept), "utf-8"
    )
    for name in ("duplicates.json", "decisions.json"):
        rows = json.loads((folder / name).read_text("utf-8"))
        of = [row for row in rows if row.get("same_as", row.get("post", row.get("url"))) in kept]
        (folder / name).write_text(json.dumps(of), "utf-8")
    (folder / "expected.json").unlink()
    counted = [post for post in posts if post["round"] == "first" and post["include"]]
    found = run_demo(tmp_path / "out", "--study", str(folder))["first_round"]
    assert found["posts"] == len(counted)
    assert found["by_language"] == Counter(post["lang"] for post in counted)
    assert found["by_influencer"] == Counter(name for post in counted for name in post["promotes"])
    months = Counter(
        f"{datetime.fromisoformat(post['posted_at']).astimezone(UTC):%Y-%m}" for post in counted
    )
    assert found["by_month_utc"] == months

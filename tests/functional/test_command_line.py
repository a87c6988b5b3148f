"""The command line: its answers, its exit codes, and what it says when something is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def holdfast(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from annotate.cli import main; main()", "--home", str(home)]
    return subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    assert "/sign-in/link/" in holdfast(made, "init").stdout
    assert holdfast(made, "project", "add", "study", "--owner", "admin").returncode == 0
    return made


def test_a_home_is_made_once(home: Path) -> None:
    again = holdfast(home, "init")
    assert (again.returncode, "not empty" in again.stderr) == (2, True)


def test_without_a_home_it_says_what_to_do(tmp_path: Path) -> None:
    done = holdfast(tmp_path / "none", "search", "x")
    assert (done.returncode, "init" in done.stderr) == (3, True)


def test_a_refused_address_is_an_outcome(home: Path) -> None:
    done = holdfast(home, "--json", "capture", "http://10.0.0.1/", "--engine", "http", "--wait")
    assert done.returncode == 1
    assert json.loads(done.stdout)["outcome"] == "refused"


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("search", "a OR"), 2, "character 3"),
        (("capture", "nonsense"), 2, "http://"),
        (("nosuch",), 2, "No such command"),
        (("search", "x", "--project", "other"), 2, "no project"),
    ],
)
def test_wrong_use(home: Path, arguments: tuple[str, ...], code: int, word: str) -> None:
    done = holdfast(home, *arguments)
    assert (done.returncode, word in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_import_verify_search_export(home: Path, shared: Path) -> None:
    warc = shared / "corpora/warc/warcio/example.warc.gz"
    done = holdfast(home, "import", "--yes", str(warc))
    assert "6 records, 2 found, 2 ticked, 2 taken" in done.stdout
    assert json.loads(holdfast(home, "--json", "search", "illustrative").stdout)["total"] == 1
    assert "http://example.com/" in holdfast(home, "export", "csv").stdout
    assert holdfast(home, "verify", str(home)).stdout
    text = holdfast(home, "--json", "verify", str(warc)).stdout
    assert json.loads(text)["records"] == 6


def test_verify_loads_neither_flask_nor_database(tmp_path: Path) -> None:
    code = (
        "import sys, annotate.commands.verifying; "
        "sys.exit(bool({'flask', 'sqlalchemy', 'whoosh'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_agreement_of_a_table(tmp_path: Path) -> None:
    table = tmp_path / "codings.csv"
    table.write_text("unit,a,b\n1,yes,yes\n2,no,no\n3,yes,no\n4,,no\n", "utf-8")
    done = holdfast(tmp_path / "none", "--json", "agreement", str(table))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["units"], round(found["percent"], 4)) == (3, 0.6667)
    table.write_text("unit,a,b\n1,yes\n", "utf-8")
    wrong = holdfast(tmp_path / "none", "agreement", str(table))
    assert wrong.returncode == 2
    assert "row 2" in wrong.stderr


def test_rules_of_pages_are_shown_and_a_wrong_file_is_named(home: Path) -> None:
    own = home / "sites.toml"
    own.write_text('version = "ours"\n[[site]]\nhosts = ["example.org"]\nscroll_steps = 40\n')
    done = holdfast(home, "--json", "sites", "www.example.org")
    told = json.loads(done.stdout)
    assert (done.returncode, told["scroll_steps"], told["rule"]) == (0, 40, "example.org")
    own.write_text('version = "ours"\n[default]\nscrolls = 1\n')
    done = holdfast(home, "sites")
    assert (done.returncode, "there is no 'scrolls'" in done.stderr) == (1, True)

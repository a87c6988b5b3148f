"""What of a home's events can be changed without being found: nothing but all of it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from annotate.cli import NOT_GOOD, holdfast
from annotate.ledger_check import LedgerFaultKind, check_ledgers
from annotate.models import Project
from annotate.wiring import Wiring

HALF = "FROM event WHERE ledger != 'instance'"


def verify(home: Path) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(holdfast, ["--json", "verify", str(home)], standalone_mode=False)
    assert done.exception is None, done.exception
    lines = [json.loads(line) for line in done.output.splitlines()]
    return done.return_value, next(one for one in lines if one["ledger"] is not None)


def change(wiring: Wiring, statement: str, *values: object) -> None:
    wiring.database.close()
    with closing(sqlite3.connect(wiring.home / "holdfast.sqlite3")) as connection, connection:
        assert connection.execute(statement, values).rowcount > 0


def test_a_home_as_it_was_written_is_intact(wiring: Wiring, project: Project) -> None:
    _code, found = verify(wiring.home)
    assert (found["verdict"], found["faults"]) == ("intact", [])
    assert {one["name"] for one in found["ledger"]} == {"instance", project.id}
    assert found["records"] == sum(one["events"] for one in found["ledger"]) > 5
    assert all(len(one["last"]) == 64 for one in found["ledger"])


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (f"DELETE FROM event WHERE id = (SELECT min(id) {HALF})", LedgerFaultKind.MISSING),
        (f"DELETE FROM event WHERE id = (SELECT max(id) {HALF})", LedgerFaultKind.MISSING),
        ("DELETE FROM event WHERE ledger != 'instance'", LedgerFaultKind.MISSING),
        ("UPDATE event SET document = replace(document, 'op-', 'oq-') WHERE n = 1", LedgerFaultKind.DIGEST),
        ("UPDATE event SET document = '{}' WHERE n = 1", LedgerFaultKind.UNREADABLE),
        ("UPDATE event SET digest = replace(digest, substr(digest, 1, 1), 'x') WHERE n = 1", LedgerFaultKind.LEAF),
        ("UPDATE event SET leaf = replace(leaf, '\"n\":1', '\"n\":2') WHERE n = 1", LedgerFaultKind.LEAF),
        ("UPDATE event SET kind = 'member:remove' WHERE kind = 'member:add'", LedgerFaultKind.NUMBER),
        ("UPDATE event SET n = n + 1000 WHERE n = 2", LedgerFaultKind.NUMBER),
    ],
)  # fmt: skip
def test_what_was_taken_out_or_edited_is_named(
    wiring: Wiring, project: Project, statement: str, kind: LedgerFaultKind
) -> None:
    change(wiring, statement)
    code, found = verify(wiring.home)
    assert code == NOT_GOOD
    assert found["verdict"] == "damaged"
    assert kind.value in {one["kind"] for one in found["faults"]}


def test_a_database_that_is_none_is_said_to_be_unreadable(tmp_path: Path) -> None:
    (tmp_path / "holdfast.sqlite3").write_bytes(b"no database" * 100)
    verdict = check_ledgers(tmp_path)
    assert [one.kind for one in verdict.faults] == [LedgerFaultKind.UNREADABLE]


def test_a_fault_is_told_to_people_too(wiring: Wiring, project: Project) -> None:
    change(wiring, "UPDATE event SET document = document || ' ' WHERE n = 1")
    done = CliRunner().invoke(holdfast, ["verify", str(wiring.home)], standalone_mode=False)
    assert "damaged" in done.output
    assert "event digest differs" in done.output

"""`holdfast fixity` finds what was lost, changed or slipped in, keeps it, and moves nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

from click.testing import CliRunner
from sqlalchemy import select

from annotate.cli import holdfast
from annotate.models import Event, EventKind, Project, WarcFile
from annotate.wiring import Wiring
from archive.clock import utc_now

PAGES = {f"http://example.org/{name}": f"<h1>{name} 棉花</h1>" for name in ("a", "b", "c")}


def fixity(wiring: Wiring, *options: str) -> tuple[int, dict[str, Any] | None]:
    done = CliRunner().invoke(
        holdfast,
        ["--home", str(wiring.home), "--json", "-q", "fixity", *options],
        standalone_mode=False,
    )
    assert done.exception is None, done.exception
    return done.return_value, json.loads(done.output.splitlines()[-1])


def runs(wiring: Wiring) -> int:
    with wiring.database.read() as session:
        return len(session.scalars(select(Event).where(Event.kind == EventKind.FIXITY_RUN)).all())


def test_what_is_as_stored_is_good_and_each_run_is_kept(
    wiring: Wiring, project: Project, capture: Callable[[dict[str, str]], None]
) -> None:
    assert fixity(wiring, "--last") == (1, None)
    capture(PAGES)
    code, found = fixity(wiring)
    assert found is not None
    assert (code, found["files"], found["bad"]) == (0, 3, 0)
    assert fixity(wiring, "--last") == (0, found)
    assert runs(wiring) == 1


def test_what_is_lost_changed_or_slipped_in_is_named_and_stays_where_it_is(
    wiring: Wiring, project: Project, capture: Callable[[dict[str, str]], None]
) -> None:
    capture(PAGES)
    with wiring.database.read() as session:
        lost, changed, sound = [
            wiring.store.path(row.path)
            for row in session.scalars(select(WarcFile).order_by(WarcFile.path))
        ]
    lost.unlink()
    data = bytearray(changed.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(bytes(data))
    slipped = wiring.store.capture_folder("slipped-in", utc_now()) / sound.name
    shutil.copy(sound, slipped)
    code, found = fixity(wiring)
    assert found is not None
    assert code == 1
    assert {one["finding"]: wiring.home / one["path"] for one in found["findings"]} == {
        "missing": lost,
        "changed": changed,
        "not in the database": slipped,
    }
    assert changed.read_bytes() == bytes(data)
    assert slipped.exists()
    assert fixity(wiring, "--last")[0] == 1

"""Files of the corpora through the import: imported or refused by name, never a traceback."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import func, select

from annotate.errors import TooLargeError
from annotate.events import Actor
from annotate.models import Capture, ImportFile, ImportState, Item, Project, Record, WarcFile
from annotate.services import imports, people
from annotate.wiring import Wiring

# Read differently on purpose, each with its fault named: see tests/archive/test_corpora.py.
_OTHER_COUNT = re.compile(
    r"redirect\.warc$|clipped|slyrz/test\.warc\.gz|example-bad|invalid-warcfile|badexample|invalid-arc"
)


def owner(wiring: Wiring) -> Actor:
    with wiring.database.read() as session:
        return people.actor_of(people.find_user(session, "owner"))


def bring(wiring: Wiring, project: Project, path: Path) -> ImportFile:
    with path.open("rb") as source:
        return imports.import_file(
            wiring.database, wiring.store, owner(wiring), project.id, path.name, source, limit=10**9
        )


def test_every_archive_of_the_corpora(shared: Path, wiring: Wiring, project: Project) -> None:
    root = shared / "corpora"
    with (root / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    imported = 0
    for row in rows:
        if not row["file"].startswith(("warc/", "wacz/")):
            continue
        made = bring(wiring, project, root / row["file"])
        expected = re.match(r"warcio (\d+)", row["records"])
        if made.state is ImportState.REFUSED:
            assert made.reason, row["file"]
            continue
        imported += 1
        if expected and not _OTHER_COUNT.search(row["file"]):
            assert made.records == int(expected[1]), (row["file"], made.reason)
    assert imported > 90
    with wiring.database.read() as session:
        said = session.scalar(select(func.sum(WarcFile.records)))
        assert session.scalar(select(func.count()).select_from(Record)) == said
        assert session.scalar(select(func.count()).select_from(Capture)) > 50


def test_the_same_file_is_not_imported_twice(
    shared: Path, wiring: Wiring, project: Project
) -> None:
    path = shared / "corpora/warc/warcio/example.warc.gz"
    first, second = bring(wiring, project, path), bring(wiring, project, path)
    assert first.id == second.id
    with wiring.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Item)) == 1


def package(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members:
            made.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"%PDF-1.7", "begins with"),
        (b"", "begins with"),
        (b"\x1f\x8b\x08broken", "damaged"),
        (package(("../../evil", b"x")), "leads outside"),
        (package(("/etc/passwd", b"x")), "leads outside"),
        (package(("archive/a.warc", bytes(9_000_000))), "bomb"),
        (package(("datapackage.json", b"{}")), "no WARC"),
        (package(("archive/a.warc", b"nothing"))[:60], "cannot be unpacked"),
    ],
)  # fmt: skip
def test_what_is_no_archive_is_refused_and_leaves_nothing(
    wiring: Wiring, project: Project, tmp_path: Path, data: bytes, fault: str
) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(data)
    made = bring(wiring, project, path)
    assert (made.state, fault in made.reason) == (ImportState.REFUSED, True), made.reason
    assert not list((wiring.home / "imports").iterdir())
    assert not list((wiring.home / "tmp").iterdir())


def test_a_file_too_large_is_refused(wiring: Wiring, project: Project) -> None:
    with pytest.raises(TooLargeError, match="larger than 10 bytes"):
        imports.import_file(
            wiring.database,
            wiring.store,
            owner(wiring),
            project.id,
            "x",
            io.BytesIO(bytes(11)),
            limit=10,
        )
    assert not list((wiring.home / "tmp").iterdir())

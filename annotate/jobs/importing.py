"""Reading what was brought in and carrying out what was confirmed, apart from the server.

A process begun when there is something to do, and gone when there is not; one at a time holds
`import.lock`. What waits is a row in the database: killed at any point, the next one goes on.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from annotate.errors import NotFoundError, TooLargeError
from annotate.events import Actor
from annotate.jobs.revisits import complete_page, complete_waiting
from annotate.models import ImportFile, ImportState, Project, User, WarcFile
from annotate.services import foreign_marks, imports, interchange_in, taking
from annotate.services.people import actor_of
from annotate.services.viewing import Viewing
from annotate.wiring import Wiring, open_home
from archive.durable import make_folder, seal
from archive.errors import StoreError
from archive.importing.bounded import Limits, Progress, read_bounded
from archive.importing.derive import Original
from archive.importing.found import (
    FOUND_NAME,
    FoundPage,
    load_pages,
    load_records,
    load_summary,
    member_path,
)
from archive.importing.refi import read_project
from config import load_config

_BATCH: Final = 25  # pages of one transaction
_LOCK: Final = "import.lock"


def bring(
    wiring: Wiring,
    actor: Actor,
    project_id: str,
    name: str,
    source: IO[bytes],
    *,
    limit: int,
    note: str = "",
    container: ImportFile | None = None,
) -> ImportFile:
    """Keep a file byte for byte and let it wait to be read.

    :param limit: most bytes taken
    :raises TooLargeError: it is larger; nothing of it is kept
    """
    try:
        original = wiring.store.keep_original(source, limit=limit)
    except StoreError as error:
        raise TooLargeError(f"{name}: {error}. Nothing of it was kept.") from error
    with wiring.database.write() as session:
        project = session.get(Project, project_id)
        if project is None:
            raise NotFoundError("The project is gone.")
        return imports.receive(
            session, actor, project, name, original, note=note, container=container
        )


def work_off(wiring: Wiring) -> None:
    """Read and carry out everything that waits, after whoever is at it already."""
    descriptor = _open_lock(wiring)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _everything(wiring)
    finally:
        os.close(descriptor)


def kick(wiring: Wiring) -> None:
    """Begin a process that works off what waits, unless one is at it.

    The lock is taken here and goes to the child with its open file, so that no second one
    begins while the first is still starting.
    """
    descriptor = _open_lock(wiring)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        config = wiring.config
        told = {
            "HOLDFAST_HOME": str(wiring.home),
            "HOLDFAST_IMPORT_MEMORY": str(config.import_memory),
            "HOLDFAST_IMPORT_SECONDS": str(config.import_seconds),
            "HOLDFAST_LOG_LEVEL": config.log_level,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "annotate.jobs.importing"],
            env={**os.environ, **told},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(descriptor,),
            start_new_session=True,
        )
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)
    threading.Thread(target=process.wait, name="import", daemon=True).start()


def resume(wiring: Wiring) -> None:
    """Go on with what a killed process left, if there is any."""
    with wiring.database.read() as session:
        waits = [
            imports.next_in(session, state) for state in (ImportState.WAITING, ImportState.TAKING)
        ]
    if any(waits):
        kick(wiring)


def _open_lock(wiring: Wiring) -> int:
    return os.open(wiring.home / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _everything(wiring: Wiring) -> None:
    while _one(wiring):
        pass


def work_folder(wiring: Wiring, file: ImportFile) -> Path:
    """Return where what was found in a file lies until it is carried out (derived)."""
    return wiring.home / "cache" / "imports" / file.id


def progress_of(wiring: Wiring, file: ImportFile) -> Progress | None:
    """Return how far the reading of a file is; None where it is not being read."""
    try:
        return Progress(**json.loads(_progress_path(wiring, file).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def drop_files(wiring: Wiring, file: ImportFile) -> None:
    """Remove what lies on disk of an import that ended in nothing, unless others hold it."""
    shutil.rmtree(work_folder(wiring, file), ignore_errors=True)
    with wiring.database.read() as session:
        if imports.is_held(session, file.sha256):
            return
    shutil.rmtree(wiring.home / "imports" / file.sha256, ignore_errors=True)


def _one(wiring: Wiring) -> bool:
    """Carry out one thing; False where nothing waits."""
    with wiring.database.read() as session:
        taken = imports.next_in(session, ImportState.TAKING)
        file = taken or imports.next_in(session, ImportState.WAITING)
        if file is None:
            return False
        user = session.get(User, file.imported_by)
        if user is None:
            raise NotFoundError("The person who imported the file is gone.")
        actor = actor_of(user)
    if taken is not None:
        _take(wiring, actor, taken)
    else:
        _read(wiring, actor, file)
    return True


def _read(wiring: Wiring, actor: Actor, file: ImportFile) -> None:
    work = work_folder(wiring, file)
    original = Original(original_of(wiring, file), file.name, file.sha256)
    if not original.path.is_file():
        with wiring.database.write() as session:
            row = imports.get_import(session, file.project_id, file.id)
            imports.refuse(session, actor, row, "The kept file is no longer in the archive home.")
        return
    _read_into(wiring, file, original, work)
    summary = load_summary(work)
    refused = _refused_text(work)
    with wiring.database.write() as session:
        row = imports.get_import(session, file.project_id, file.id)
        if row.state is not ImportState.WAITING:
            return  # discarded meanwhile
        if refused:
            imports.refuse(session, actor, row, refused, summary.kind)
        elif summary.members:
            imports.unpacked(session, actor, row, summary)
        else:
            pages = (page for _at, page in load_pages(work))
            imports.set_found(session, actor, row, summary, pages)
            if row.kind == interchange_in.CODED_KIND:
                interchange_in.untick_known(session, row, read_project(original.path))
    if refused:
        drop_files(wiring, file)
    elif summary.members:
        _bring_members(wiring, actor, file, work)


def _read_into(wiring: Wiring, file: ImportFile, original: Original, work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    make_folder(work)
    config = wiring.config
    limits = Limits(memory=config.import_memory, seconds=config.import_seconds)
    told = _progress_path(wiring, file)

    def tell(progress: Progress) -> None:
        told.write_text(
            json.dumps(
                {
                    "records": progress.records,
                    "pages": progress.pages,
                    "seconds": progress.seconds,
                }
            ),
            "utf-8",
        )

    try:
        summary = read_bounded(original, work, limits, tell)
    finally:
        told.unlink(missing_ok=True)
    (work / "refused.txt").write_text(summary.refused, "utf-8")


def _refused_text(work: Path) -> str:
    return (work / "refused.txt").read_text("utf-8")


def _bring_members(wiring: Wiring, actor: Actor, file: ImportFile, work: Path) -> None:
    for member in load_summary(work).members:
        path = member_path(work, member.path)
        with path.open("rb") as source:
            bring(
                wiring, actor, file.project_id, f"{file.name}/{member.name}", source,
                limit=path.stat().st_size, note=file.note, container=file,
            )  # fmt: skip
    shutil.rmtree(work, ignore_errors=True)


def _take(wiring: Wiring, actor: Actor, file: ImportFile) -> None:
    work = work_folder(wiring, file)
    if not (work / FOUND_NAME).is_file():  # the cache was emptied: it is made again
        _read_into(wiring, file, Original(original_of(wiring, file), file.name, file.sha256), work)
    warcs = _catalog(wiring, actor, file, work)
    wanted: list[tuple[int, FoundPage]] = []
    with wiring.database.read() as session:
        ticked = {page.position for page in imports.pages_to_take(session, file)}
    for position, (_at, page) in enumerate(load_pages(work)):
        if position in ticked:
            wanted.append((position, complete_page(wiring, file.project_id, page)))
        if len(wanted) >= _BATCH:
            _take_batch(wiring, actor, file, wanted, warcs, work)
            wanted = []
    _take_batch(wiring, actor, file, wanted, warcs, work)
    if file.kind == interchange_in.CODED_KIND:
        _apply_codings(wiring, actor, file)
    if file.kind == foreign_marks.KIND:
        _apply_marks(wiring, actor, file)
    with wiring.database.write() as session:
        taking.finish(session, actor, imports.get_import(session, file.project_id, file.id))
    complete_waiting(wiring, actor, file.project_id)
    shutil.rmtree(work, ignore_errors=True)


def _apply_codings(wiring: Wiring, actor: Actor, file: ImportFile) -> None:
    """Add what a REFI-QDA project holds besides its texts, all of it or nothing."""
    foreign = read_project(original_of(wiring, file))
    with wiring.database.write() as session:
        row = imports.get_import(session, file.project_id, file.id)
        project = session.get_one(Project, file.project_id)
        brought = interchange_in.apply(session, Viewing(wiring.store), actor, project, row, foreign)
        row.remarks = json.dumps([*imports.remarks_of(row), *brought.words()], ensure_ascii=False)
        interchange_in.record_import(session, actor, row, brought)


def _apply_marks(wiring: Wiring, actor: Actor, file: ImportFile) -> None:
    """Put annotations of another program on their items, all that have a place or none."""
    marks, _faults = foreign_marks.read_file(original_of(wiring, file))
    with wiring.database.write() as session:
        row = imports.get_import(session, file.project_id, file.id)
        project = session.get_one(Project, file.project_id)
        foreign_marks.apply(session, Viewing(wiring.store), actor, project, row, marks)


def _catalog(wiring: Wiring, actor: Actor, file: ImportFile, work: Path) -> dict[int, WarcFile]:
    """Place the WARCs of a reading and write their rows, once; return them by their number."""
    summary = load_summary(work)
    with wiring.database.read() as session:
        held = {row.path: row for row in imports.warcs_of(session, file)}
    rows: dict[int, WarcFile] = {}
    for number, warc in enumerate(summary.warcs):
        path = original_of(wiring, file)
        if warc.derived:
            path = path.parent / "derived" / file.id / Path(warc.path).name
        known = held.get(wiring.store.relative(path))
        if known is not None:
            rows[number] = known
            continue
        if warc.derived:
            make_folder(path.parent)
            if not path.exists():
                seal(member_path(work, warc.path), path)
        with wiring.database.write() as session:
            row = imports.get_import(session, file.project_id, file.id)
            made = taking.catalog_warc(
                session, actor, row, taking.PlacedWarc(warc, path), wiring.store
            )
            records = taking.records_by_warc(load_records(work), number)
            taking.catalog_records(session, actor, made, records)
            rows[number] = made
    return rows


def _take_batch(
    wiring: Wiring,
    actor: Actor,
    file: ImportFile,
    wanted: list[tuple[int, FoundPage]],
    warcs: Mapping[int, WarcFile],
    work: Path,
) -> None:
    if not wanted:
        return
    thumbnails: list[tuple[Path, str]] = []
    with wiring.database.write() as session:
        row = imports.get_import(session, file.project_id, file.id)
        project = session.get_one(Project, file.project_id)
        pages = {page.position: page for page in imports.pages_to_take(session, row)}
        for position, found in wanted:
            if position not in pages:
                continue
            warc = session.get_one(WarcFile, warcs[found.warc].id)
            capture = taking.take_page(session, actor, project, row, pages[position], found, warc)
            if found.thumbnail:
                thumbnails.append((member_path(work, found.thumbnail), capture.id))
    for picture, capture_id in thumbnails:
        folder = wiring.home / "cache" / "thumbnails"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(picture, folder / f"{capture_id}.png")


def original_of(wiring: Wiring, file: ImportFile) -> Path:
    """Return where the bytes of a file lie, as they were brought."""
    return wiring.home / "imports" / file.sha256 / "original"


def _progress_path(wiring: Wiring, file: ImportFile) -> Path:
    return wiring.temporary / f"reading-{file.id}.json"


def wait_for(wiring: Wiring, files: list[ImportFile], seconds: float) -> None:
    """Wait until none of the files is being read or carried out, at most so long."""
    busy = {ImportState.WAITING, ImportState.TAKING}
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        with wiring.database.read() as session:
            rows = [session.get(ImportFile, file.id) for file in files]
        if not any(row is not None and row.state in busy for row in rows):
            return
        time.sleep(0.1)


def main() -> None:
    """Work off what waits in the home the environment names; the lock came with an open file."""
    config = load_config(os.environ)
    logging.basicConfig(stream=sys.stderr, level=config.log_level.upper())
    _everything(open_home(config))


if __name__ == "__main__":
    main()

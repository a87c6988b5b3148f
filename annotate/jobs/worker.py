"""A capture worker: claims a request, carries it out, writes down what came of it.

Order of a visit: claim (committed), WARC durable under its name, then one transaction with its
rows and the request's end. Killed before that transaction, the request is taken back and the
WARC set aside; a worker whose lease was taken back meanwhile writes nothing.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from annotate.errors import NotFoundError
from annotate.jobs.heartbeat import Heartbeat
from annotate.jobs.likening import liken_some
from annotate.jobs.preparing import NotReadyError, prepare
from annotate.jobs.watching import begin_rounds
from annotate.models import CaptureRequest, Project, User
from annotate.services import captures, claiming, observations, replay_checks
from annotate.services.backoff import Backoff
from annotate.services.people import actor_of
from annotate.services.processes import ProcessIdentity, this_process
from annotate.wiring import Wiring
from archive.capture.engines import make_engine
from archive.capture.job import CaptureEngine, CaptureResult, ReplayChecker
from archive.capture.outcome import Outcome
from archive.capture.stopping import Stop
from archive.clock import utc_now
from archive.errors import StoreError
from archive.extraction.found import FoundDocument, documents_in

IDLE: Final = 0.3  # seconds between two looks at an empty queue
ROUND: Final = 10.0  # seconds between two looks for what other workers left behind
BY_HAND_SECONDS: Final = 8 * 3600.0  # a person may be called away
_log = logging.getLogger(__name__)


class Worker:
    """Works a home's queue off, one capture at a time."""

    def __init__(self, wiring: Wiring, name: str) -> None:
        self._wiring = wiring
        self._me: ProcessIdentity = this_process(name)
        self._engines: dict[str, CaptureEngine] = {}
        self._impolite = frozenset(address for address, _port in wiring.policy.allowed)
        self._backoff = Backoff(wiring.config.attempts, wiring.config.retry_pause)
        self._longest = 300 + 4 * wiring.config.capture_seconds
        self._next_round = 0.0
        self._next_likening = 0.0

    def run(self, stop: threading.Event, *, until_empty: bool = False) -> int:
        """Carry out requests until told to stop; return how many."""
        try:
            return self._work_off(stop, until_empty=until_empty)
        finally:
            for engine in self._engines.values():
                engine.close()

    def _work_off(self, stop: threading.Event, *, until_empty: bool) -> int:
        done = 0
        while not stop.is_set():
            try:
                self._look_round()
                worked = self.step()
                busy = worked or (not until_empty and self._liken_some())
            except Exception:  # the worker's edge: one bad request must not end the others
                _log.exception("a capture failed in a way nobody foresaw")
                worked = busy = False
                self._give_up()
            done += worked
            if not busy:
                if until_empty and not self._any_ready():
                    return done
                stop.wait(IDLE)
        return done

    def _liken_some(self) -> bool:
        """While nothing waits, work out what stored captures look like; False if all is done."""
        if time.monotonic() < self._next_likening:
            return False
        self._next_likening = time.monotonic() + ROUND  # also where this fails
        done = liken_some(self._wiring)
        if done:
            self._next_likening = 0.0
        return bool(done)

    def step(self) -> bool:
        """Carry out one request; False if there was none to take."""
        with self._wiring.database.write() as session:
            claimed = claiming.claim(
                session,
                self._me,
                host_delay=self._wiring.config.host_delay,
                impolite_hosts=self._impolite,
            )
            if claimed is None:
                return False
            request, capture_id = claimed
        self._carry_out(request, capture_id, longest=self._longest)
        return True

    def by_hand(self, request: CaptureRequest, capture_id: str, engine: CaptureEngine) -> None:
        """Carry out a request that was taken with `claiming.take`, however long a person needs."""
        self._engines[request.engine] = engine
        self._carry_out(request, capture_id, longest=BY_HAND_SECONDS)

    def _carry_out(self, request: CaptureRequest, capture_id: str, *, longest: float) -> None:
        with self._wiring.database.read() as session:
            project = session.get(Project, request.project_id)
            operator = session.get(User, request.requested_by)
        if project is None or operator is None:
            raise NotFoundError(f"request {request.id} belongs to nobody")
        stop = Stop()
        with Heartbeat(self._wiring.database, request.id, capture_id, stop, longest=longest):
            result = self._capture(request, capture_id, operator, stop)
            documents = _documents(result)
        if not isinstance(result, str):
            result = captures.with_page_words(result, documents)
        if not self._write_down(request.id, capture_id, result, operator, documents):
            reason = "the request had been cancelled or taken back before this capture was done"
            _set_aside(self._wiring, {capture_id}, reason)
            with self._wiring.database.write() as session:
                claiming.release(session, request.id, capture_id)

    def _write_down(
        self,
        request_id: str,
        capture_id: str,
        result: CaptureResult | str,
        operator: User,
        documents: Sequence[FoundDocument],
    ) -> bool:
        """Write a result into the catalog; False if the request is not ours any more."""
        seen, keep = self._look(request_id, result)
        with self._wiring.database.write() as session:
            if not claiming.holds(session, request_id, capture_id):
                return False
            held = session.get_one(CaptureRequest, request_id)
            if isinstance(result, str):
                claiming.fail(session, held, Outcome.FAILED, result)
                return True
            actor, kept = actor_of(operator), None
            if keep:
                stored = captures.store_capture(
                    session, actor, held, result, self._wiring.store, documents
                )
                kept = stored.id if stored is not None else None
            ended = claiming.finish(session, held, result, self._backoff, stored=kept)
            if ended and seen is not None:
                observations.write_down(
                    session, actor, held, result, seen, kept=kept,
                    phrases_version=self._wiring.phrases.current().together.version,
                )  # fmt: skip
        if kept is not None:
            self._keep_thumbnail(result)
            self._check_replay(held.engine, kept, result)
        return True

    def _look(
        self, request_id: str, result: CaptureResult | str
    ) -> tuple[observations.Seen | None, bool]:
        """Hold a visit against what was captured before; also say whether its bytes are kept.

        What is not kept goes before anything is written down: a WARC among the captures always
        has its row. A crash in between costs nothing but another look.
        """
        if isinstance(result, str):
            return None, False
        with self._wiring.database.read() as session:
            request = session.get_one(CaptureRequest, request_id)
            seen = observations.look(session, request, result)
            keep = observations.is_worth_keeping(request, seen)
        if not keep and result.warc is not None and result.warc.path.parent.is_dir():
            shutil.rmtree(result.warc.path.parent)
        return seen, keep

    def _any_ready(self) -> bool:
        with self._wiring.database.read() as session:
            return claiming.any_ready(session)

    def _look_round(self) -> None:
        """Now and then take back what other workers left behind."""
        if time.monotonic() < self._next_round:
            return
        self._next_round = time.monotonic() + ROUND
        with self._wiring.database.read() as session:
            lapsed = claiming.lapsed(session)
        if lapsed:
            recover(self._wiring)
        begin_rounds(self._wiring)

    def _give_up(self) -> None:
        """End what this worker still holds; files already written are set aside."""
        reason = "Holdfast failed on something it did not expect; its log says more."
        with self._wiring.database.write() as session:
            held = claiming.held_by(session, self._me)
            for request, capture_id in held:
                if claiming.holds(session, request.id, capture_id):
                    claiming.fail(session, request, Outcome.FAILED, reason)
                else:
                    claiming.release(session, request.id, capture_id)
        _set_aside(self._wiring, {capture_id for _request, capture_id in held}, reason)

    def _capture(
        self, request: CaptureRequest, capture_id: str, operator: User, stop: Stop
    ) -> CaptureResult | str:
        """Carry a request out; a sentence where the disk refused and nothing is stored."""
        try:
            folder = self._wiring.store.capture_folder(capture_id, utc_now())
            job = prepare(self._wiring, request, capture_id, operator, folder)
            job = replace(job, stop=stop)
            result = self._engine(request.engine).capture(job)
            if result.warc is None:
                _remove_empty(folder)
            else:
                self._wiring.store.write_manifest(folder, _manifest(result))
        except NotReadyError as error:
            _remove_empty(folder)
            return str(error)
        except StoreError as error:
            return f"The capture could not be stored: {error}. Nothing of it was kept; try again."
        return result

    def _engine(self, wanted: str) -> CaptureEngine:
        if wanted in self._engines:
            return self._engines[wanted]
        name = self._wiring.config.engine if wanted == "auto" else wanted
        if name not in self._engines:
            browser = self._wiring.config.browser
            self._engines[name] = make_engine(name, Path(browser) if browser else None)
        return self._engines[name]

    def _check_replay(self, engine: str, capture_id: str, result: CaptureResult) -> None:
        """Show the capture from its bytes alone; by now nothing can keep it from being kept."""
        made_by = self._engine(engine)
        if not isinstance(made_by, ReplayChecker):
            return
        check = made_by.check_replay(result)
        with self._wiring.database.write() as session:
            replay_checks.store_check(session, capture_id, check)

    def _keep_thumbnail(self, result: CaptureResult) -> None:
        if result.thumbnail_png is None:
            return
        folder = self._wiring.home / "cache" / "thumbnails"
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{result.capture_id}.{os.getpid()}"
        part.write_bytes(result.thumbnail_png)
        part.rename(folder / f"{result.capture_id}.png")


def recover(wiring: Wiring) -> int:
    """After a crash: requests of dead workers wait again; their files are set aside."""
    with wiring.database.write() as session:
        begun = claiming.recover(session, attempts=wiring.config.attempts)
    _set_aside(wiring, set(begun), "the worker died before the capture was written down")
    return len(begun)


def _documents(result: CaptureResult | str) -> list[FoundDocument]:
    """Read the documents among a capture's records; what cannot be read says so and stops none."""
    if isinstance(result, str) or result.warc is None:
        return []
    return documents_in(result.warc.path, captures.places_of(result.warc))


def _set_aside(wiring: Wiring, capture_ids: set[str], reason: str) -> None:
    for folder in wiring.store.folders_of(capture_ids):
        if any(folder.iterdir()):
            wiring.store.quarantine(folder, reason)
        else:
            _remove_empty(folder)


def _manifest(result: CaptureResult) -> dict[str, object]:
    warc = result.warc
    return {
        "capture": result.capture_id,
        "outcome": result.outcome.value,
        "reason": result.reason,
        "files": [{"name": warc.path.name, "sha256": warc.sha256, "size": warc.size}]
        if warc
        else [],
        "records": warc.records if warc else 0,
    }


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        _log.debug("%s is not empty and stays", folder)

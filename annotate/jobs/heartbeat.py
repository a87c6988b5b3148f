"""Holding on to a request while it is worked on, and hearing that it was cancelled."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Final, Self

from sqlalchemy.exc import OperationalError

from annotate.db import Database
from annotate.services import claiming
from archive.capture.stopping import Stop

LOOK: Final = 1.0  # seconds between two looks whether the request was cancelled
_log = logging.getLogger(__name__)


class Heartbeat:
    """Renews a lease from a thread of its own; a visit that never ends is let go at last.

    When the request was cancelled, or taken back, it says so to who carries it out.
    """

    def __init__(
        self, database: Database, request_id: str, capture_id: str, stop: Stop, *, longest: float
    ) -> None:
        """Renew one lease.

        :param stop: told when the request is not ours any more
        :param longest: seconds after which it is not renewed any more
        """
        self._capture = stop
        self._database = database
        self._request_id = request_id
        self._capture_id = capture_id
        self._ends = time.monotonic() + longest
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        renewed = time.monotonic()
        while not self._stop.wait(LOOK) and time.monotonic() < self._ends:
            try:
                with self._database.read() as session:
                    held = claiming.holds(session, self._request_id, self._capture_id)
                if held and time.monotonic() - renewed >= claiming.RENEWAL:
                    renewed = time.monotonic()
                    with self._database.write() as session:
                        held = claiming.renew(session, self._request_id, self._capture_id)
            except OperationalError as error:  # a full disk, say: the next beat tries again
                _log.warning("a lease could not be renewed: %s", error)
                continue
            if not held:
                _log.warning("the request %s was cancelled or taken back", self._request_id)
                self._capture.tell()
                return

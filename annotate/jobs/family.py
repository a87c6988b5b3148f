"""Child processes: begun by the server, begun again when they die, ended when it does."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_LOOK: Final = 1.0  # seconds between two looks at a child or a parent
_LONGEST_PAUSE: Final = 30.0
_WELL: Final = 60.0  # seconds a child has to live for its earlier deaths to be forgotten
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Child:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    next_start: float = 0.0
    began: float = 0.0


class Family:
    """Keeps children running until told to stop."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        self._children: list[_Child] = []
        self._stop = threading.Event()
        self._watch = threading.Thread(target=self._keep, name="family", daemon=True)

    def add(self, name: str, module: str, *arguments: str) -> None:
        """Name a module to run as a child: `python -m module arguments…`."""
        self._children.append(_Child(name, [sys.executable, "-m", module, *arguments]))

    def start(self) -> None:
        """Begin them and watch over them."""
        self._watch.start()

    def stop(self) -> None:
        """End them; those that do not listen within ten seconds are killed."""
        self._stop.set()
        self._watch.join(5)
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _keep(self) -> None:
        while not self._stop.is_set():
            for child in self._children:
                self._look_at(child)
            self._stop.wait(_LOOK)

    def _look_at(self, child: _Child) -> None:
        if child.process is not None and child.process.poll() is not None:
            lived = time.monotonic() - child.began
            child.deaths = 1 if lived > _WELL else child.deaths + 1
            pause = min(_LONGEST_PAUSE, 2.0 ** min(child.deaths, 5) / 2)
            child.next_start = time.monotonic() + pause
            _log.warning("%s ended (%s); it begins again", child.name, child.process.returncode)
            child.process = None
        if child.process is None and time.monotonic() >= child.next_start:
            child.process = subprocess.Popen(child.command, env=self._environment)
            child.began = time.monotonic()


def child_stop() -> threading.Event:
    """For a child: an event that is set on SIGTERM, or when its parent is gone."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent and not stop.is_set():
            time.sleep(_LOOK)
        stop.set()

    threading.Thread(target=watch, name="parent", daemon=True).start()
    return stop

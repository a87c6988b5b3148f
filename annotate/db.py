"""The database of a home: readers never wait, writers take fair turns.

SQLite has one writer at a time. Left to its busy polling, four processes starve each other
(429, 64, 10 and 5 rows committed each, seen); so a writer first takes its turn at a file
lock, which the kernel hands on in the order of asking, and only then begins.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session

from annotate import collecting, events

DATABASE_NAME: Final = "holdfast.sqlite3"
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a commit that was answered survives a power cut
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=20000",  # milliseconds; only checkpoints ever wait on it
    "PRAGMA cache_size=-32000",  # KiB
    "PRAGMA temp_store=MEMORY",
)


class Database:
    """Sessions over one home's database."""

    def __init__(self, home: Path) -> None:
        self.path = home / DATABASE_NAME
        self._turn = home / "write.lock"
        self.engine = _engine(self.path)
        self._writing = self.engine.execution_options(begin="IMMEDIATE")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One consistent view; anything it tries to write is refused."""
        with Session(self.engine, autoflush=False, expire_on_commit=False) as session:
            events.guard(session, writable=False)
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed when the block ends well, else nothing of it stays."""
        with (
            self._our_turn(),
            Session(self._writing, autoflush=False, expire_on_commit=False) as session,
        ):
            events.guard(session, writable=True)
            yield session
            session.commit()

    @contextmanager
    def write_many(self) -> Iterator[Session]:
        """As `write`, for an act on thousands of rows."""
        with collecting.paused(), self.write() as session:
            yield session

    @contextmanager
    def _our_turn(self) -> Iterator[None]:
        # The lock file is opened each time: locks of one open file would not exclude threads.
        descriptor = os.open(self._turn, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", pool_size=16, max_overflow=16)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself; we do, below
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")
        # Rows are added in the order of the work, not of the tables: references are checked
        # when the transaction commits.
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")

    return engine

"""Bringing a home's database to the shape this version of Holdfast needs."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from annotate.errors import EnvironmentMissingError
from annotate.schema_version import SCRIPTS


def migrate(engine: Engine) -> None:
    """Run every migration the database has not seen, each in its own transaction.

    :raises EnvironmentMissingError: the database was made by a newer Holdfast
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it says much that helps nobody
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(SCRIPTS))
    known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
    with engine.connect() as connection, _references_at_rest(connection), connection.begin():
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in known:
            raise EnvironmentMissingError(
                f"This home's database is of version {current}, made by a newer Holdfast; "
                "update Holdfast, the home was left as it is."
            )
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")
        if MigrationContext.configure(connection).get_current_revision() != current:
            _refuse_broken(connection)


@contextmanager
def _references_at_rest(connection: Connection) -> Iterator[None]:
    """Let tables be made anew: SQLite would take their rows as gone from under others.

    https://www.sqlite.org/lang_altertable.html#otheralter, steps 1 and 12; the check that all
    references still lead somewhere, step 10, is `_refuse_broken`.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _refuse_broken(connection: Connection) -> None:
    """Leave the home as it was where a migration would lose what something refers to.

    :raises EnvironmentMissingError: a reference leads nowhere; nothing was changed
    """
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise EnvironmentMissingError(
            f"This home's database has {len(broken)} references that lead nowhere, the first in "
            f"{broken[0][0]}. It was not brought up to date and is as it was. Keep a copy of it "
            "and report this."
        )

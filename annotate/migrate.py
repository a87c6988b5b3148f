"""Bringing a home's database to the shape this version of Holdfast needs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from annotate.errors import EnvironmentMissingError

SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> None:
    """Run every migration the database has not seen, each in its own transaction.

    :raises EnvironmentMissingError: the database was made by a newer Holdfast
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it says much that helps nobody
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(SCRIPTS))
    known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
    with engine.begin() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in known:
            raise EnvironmentMissingError(
                f"This home's database is of version {current}, made by a newer Holdfast; "
                "update Holdfast, the home was left as it is."
            )
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")

"""Whether a home's database has the shape this version needs: a question asked at every start.

The answer takes one SELECT. Alembic, which brings a database up to date, is loaded only when
there is something to do: it is large and slow to load.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Engine, inspect, text

SCRIPTS: Final = Path(__file__).parent / "migrations"


def newest() -> str:
    """Return the version of the last migration: the number its file's name begins with."""
    return max(one.name.partition("_")[0] for one in (SCRIPTS / "versions").glob("[0-9]*_*.py"))


def is_current(engine: Engine) -> bool:
    """Tell whether a database has seen every migration, and no other."""
    if not inspect(engine).has_table("alembic_version"):
        return False
    with engine.connect() as connection:
        seen = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return list(seen) == [newest()]

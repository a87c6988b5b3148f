"""Carrying out the import of a list some rows at a time, so that nobody else waits long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final

from annotate.db import Database
from annotate.errors import NotFoundError
from annotate.events import Actor
from annotate.models import Project, Sweep
from annotate.services import lists
from annotate.services.registry import lists as registry_lists

_BATCH: Final = 200  # rows of one transaction


def run_list(
    database: Database,
    actor: Actor,
    project_id: str,
    table: lists.ListFile,
    mapping: Mapping[str, str],
    *,
    base_address: str = "",
    zone: tzinfo | None = None,
    capture: bool = True,
    engine: str = "auto",
    sweep_id: str | None = None,
) -> lists.ListReport:
    """Import a list; broken off, its rows so far stand, and a second run adds the rest.

    :param sweep_id: of the sweep that found all of it
    :raises UsageError: the mapping names no address column, or an unknown field
    """
    with database.read() as session:
        project = session.get(Project, project_id)
        if project is None:
            raise NotFoundError("The project is gone.")
        rows, report = lists.plan(
            session, project, table, mapping, base_address=base_address, zone=zone
        )
    for start in range(0, len(rows), _BATCH):
        with database.write() as session:
            project = session.get_one(Project, project_id)
            lists.import_rows(
                session, actor, project, rows[start : start + _BATCH], report,
                name=table.name, capture=capture, engine=engine,
                sweep=session.get_one(Sweep, sweep_id) if sweep_id else None,
            )  # fmt: skip
    with database.write() as session:
        project = session.get_one(Project, project_id)
        lists.record_import(session, actor, project, table, report)
    return report


def run_registry_list(
    database: Database,
    actor: Actor,
    project_id: str,
    table: lists.ListFile,
    mapping: Mapping[str, str],
    origin: registry_lists.Origin,
    *,
    dry_run: bool = False,
) -> registry_lists.RegistryReport:
    """Bring in a list of accounts; broken off, its rows so far stand. A dry run keeps nothing.

    :raises UsageError: no note says where the list comes from, or no column holds anything
    """
    report = registry_lists.RegistryReport()
    step = len(table.rows) or 1 if dry_run else _BATCH
    for start in range(0, len(table.rows), step):
        with database.write() as session:
            project = session.get_one(Project, project_id)
            rows = table.rows[start : start + step]
            registry_lists.import_rows(
                session, actor, project, table, rows, mapping, origin, report
            )
            if dry_run:
                session.rollback()
    if not dry_run:
        with database.write() as session:
            project = session.get_one(Project, project_id)
            registry_lists.record_import(session, actor, project, table.name, origin, report)
    return report

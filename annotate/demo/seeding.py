"""Making a project of a study: its window, its list, the judgements that came with it."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.demo.study import Study
from annotate.events import Actor
from annotate.models import EntryKind, FieldValue, Judgement, Project, StudyField, User
from annotate.services import requests, sameness, sweeps
from annotate.services.fields import fields_of
from annotate.services.items import ensure_item
from annotate.services.lists import ListReport, guess_mapping, import_list, read_list
from annotate.services.people import actor_of
from annotate.services.projects import change_project, create_project
from annotate.services.registry import assertions, entries
from annotate.services.registry.assertions import CONTROLLED, YES, AssertionSpec
from annotate.services.registry.entries import EntrySpec
from annotate.services.registry.evidence import Evidence
from archive.urlkey import Address

SLUG = "demo"
FIRST = 24  # captures that come before all others (decisions 6)


def seed(
    session: Session,
    owner: User,
    study: Study,
    site: str,
    *,
    seed_list: Path | None = None,
    engine: str = "auto",
) -> tuple[Project, ListReport]:
    """Make the demo project and queue its captures.

    :param site: where the study's platforms are served, without a path
    """
    actor = actor_of(owner)
    project = create_project(
        session, actor, owner, slug=SLUG, name=study.title, is_demo=True, base_address=site
    )
    change_project(
        session,
        actor,
        project,
        name=study.title,
        description="An invented study: everything in it is made up.",
        window_from=study.window_from.date(),
        window_to=(study.window_to - timedelta(microseconds=1)).date(),
        reporting_zone=study.reporting_zone,
        base_address=site,
    )
    path = seed_list or study.file("seed.csv")
    table = read_list(path.name, path)
    mapping = guess_mapping(table, fields_of(session, project.id))
    report = import_list(
        session, actor, project, table, mapping, base_address=site, engine=engine, first=FIRST
    )
    fill_registry(session, actor, project, study)
    write_sweeps(session, actor, project)
    for duplicate in study.duplicates:
        variant, _new = ensure_item(session, actor, project, Address.parse(site + duplicate.url))
        original, _new = ensure_item(
            session, actor, project, Address.parse(site + duplicate.same_as)
        )
        requests.ask(
            session,
            actor,
            project,
            [Address.parse(variant.address)],
            engine=engine,
            why="variant address",
            priority=200,
        )
        sameness.judge(
            session, actor, project, variant, original, Judgement.SAME, "variant address"
        )
    return project, report


def write_sweeps(session: Session, actor: Actor, project: Project) -> None:
    """Write down the sweeps that the study's list names, each with the items it found."""
    query = (
        select(FieldValue.value, FieldValue.item_id)
        .join(StudyField, StudyField.id == FieldValue.field_id)
        .where(
            StudyField.project_id == project.id,
            StudyField.key == sweeps.FOUND_BY,
            FieldValue.current,
        )
    )
    found: dict[str, list[str]] = defaultdict(list)
    for name, item_id in session.execute(query):
        found[name].append(item_id)
    for name, item_ids in sorted(found.items()):
        note = "As the invented study's list names it; nothing else was noted."
        sweep = sweeps.create(session, actor, project, sweeps.SweepSpec(name, note=note))
        sweeps.add_items(session, actor, project, sweep, item_ids)


def fill_registry(session: Session, actor: Actor, project: Project, study: Study) -> None:
    """Write the study's accounts into the registry, with what it says of their state control."""
    told = Evidence(provenance="accounts.json of the invented study")
    for account in study.accounts:
        spec = EntrySpec(
            EntryKind.ACCOUNT,
            label=account.name,
            category=account.kind,
            platform=account.platform or "",
            handle=account.handle,
        )
        entry = entries.create(session, actor, project, spec, told)
        if account.state_controlled:
            said = AssertionSpec(CONTROLLED, YES, account.basis or "not given")
            assertions.state(session, actor, project, entry, said, told)

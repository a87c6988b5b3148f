"""The numbers of a project in the keys and strings of a study's expected.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.demo.fields import Fields, read_json
from annotate.demo.study import Study
from annotate.models import Item, Project
from annotate.services import checks, coded, counted_tables, counting, sweeps
from annotate.services.library import ids_for
from annotate.services.zones import parse_zone
from search.engine import Engine

_TOP = 10  # accounts in by_sharer_top10


def study_results(
    session: Session, project: Project, study: Study, engine: Engine
) -> dict[str, Any]:
    """Compute what expected.json holds, as far as the chain exists: nothing is invented."""
    paths = {
        item_id: path_of(address)
        for item_id, address in session.execute(
            select(Item.id, Item.address).where(Item.project_id == project.id)
        )
    }
    zone = parse_zone(project.reporting_zone)
    results: dict[str, Any] = {
        "first_round": round_tables(session, project),
        "first_round_posts_by_reporting_zone": {
            name: counted_tables.count(session, project, zone=parse_zone(name)).posts
            for name in dict.fromkeys(
                [project.reporting_zone, *(name for name, _hours in study.other_reporting_zones)]
            )
        },
        "differences": differences(session, project),
    }
    queries = _queries(study)
    if queries is not None:
        results["search"] = [
            {
                **query,
                "matches": sorted(
                    paths[item_id]
                    for item_id in ids_for(session, project, query["query"], engine, zone)
                ),
            }
            for query in queries
        ]
    return results


def round_tables(session: Session, project: Project) -> dict[str, Any]:
    """Return the tables of one round."""
    zone = parse_zone(project.reporting_zone)
    counted = counted_tables.count(session, project, zone=zone)
    tables = {table.key: table for table in counted.tables}

    def numbers(key: str) -> dict[str, int]:
        return {cell.label: cell.number for cell in tables[key].cells}

    return {
        "posts": counted.posts,
        "sharers": counted.sharers,
        "influencers": counted.creators,
        "first_post": counted.first_post,
        "last_post": counted.last_post,
        "by_sharer_top10": dict(list(numbers("by_sharer").items())[:_TOP]),
        "by_influencer": numbers("by_influencer"),
        "by_month_utc": _months(session, project),
        "by_platform": numbers("by_platform"),
        "by_language": numbers("by_language"),
        "by_narrative": numbers("by_narrative"),
        "by_narrative_group": numbers("by_narrative_group"),
    }


def differences(session: Session, project: Project) -> dict[str, dict[str, str]]:
    """Return what the pages contradict, in the shape of seed_mistakes.json."""
    return {
        path_of(one.address): {
            "field": one.field_key,
            "listed": ";".join(one.claimed),
            "page": ";".join(one.shown),
        }
        for one in checks.differing(session, project.id)
    }


def unlisted_numbers(session: Session, project: Project, engine: Engine) -> tuple[int, list[str]]:
    """Open the list behind every number; return how many there are, and those that disagree."""
    zone = parse_zone(project.reporting_zone)
    counted = counted_tables.count(session, project, zone=zone)
    tables = (*counted.tables, *coded.tables(session, project))
    cells = [*counted.scope, *(cell for table in tables for cell in table.cells)]
    for found in sweeps.funnel(session, project, zone):
        cells += [found.items, found.counted]
    for standing in counted.standings:
        cells += [standing.list_alone, standing.differs]
    wrong = []
    for cell in cells:
        rows = len(ids_for(session, project, cell.query, engine, zone))
        if rows != cell.number:
            wrong.append(f"{cell.query}: {cell.number} on the page, {rows} in the list")
    return len(cells), wrong


def _months(session: Session, project: Project) -> dict[str, int]:
    """Months are UTC's whatever the reporting zone: the key says so."""
    zone = parse_zone(project.reporting_zone)
    months = Counter(
        f"{day:%Y-%m}"
        for facts in counting.load_facts_of_items(session, project.id)
        if counting.why(facts, project, zone) is counting.Why.COUNTED
        and (day := facts.day(UTC)) is not None
    )
    return dict(sorted(months.items()))


def _queries(study: Study) -> list[dict[str, str]] | None:
    path = study.folder / "expected.json"
    if not path.is_file():
        return None
    expected: Mapping[str, Any] = Fields.of(read_json(path), path.name).values
    return [
        {"query": str(entry["query"]), "lang": str(entry["lang"])}
        for entry in expected.get("search", [])
    ]


def path_of(address: str) -> str:
    """Return an address without its origin, as a study's files write it."""
    parts = urlsplit(address)
    query = f"?{parts.query}" if parts.query else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return f"{parts.path}{query}{fragment}"

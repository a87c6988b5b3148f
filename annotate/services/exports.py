"""Any list of items, out: CSV that no spreadsheet runs as a formula, and JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate import events
from annotate.events import Actor
from annotate.models import (
    Capture,
    EventKind,
    Item,
    ObservedState,
    Project,
    Screening,
    Verdict,
    WarcFile,
)
from annotate.services.facets import Facet
from annotate.services.fields import fields_of, values_of
from annotate.services.screening import said_of
from annotate.services.tags import tags_of
from archive.clock import isoformat

# What a spreadsheet takes for a formula (OWASP, CSV injection); a ' in front makes it text.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_NEGATIVE: Final = re.compile(r"-\d+(\.\d+)?")  # a number, and nothing to run
_BATCH: Final = 500
BOM: Final = "\ufeff"
FIXED_COLUMNS: Final = (
    "id", "address", "title", "detected_language", "outcome", "captured_at", "counts_for",
    "deleted_after_capture", "observed", "observed_at",
    "screening", "excluded_because",
    "tags", "capture_id", "warc_sha256", "warc_record_id", "payload_digest",
)  # fmt: skip


def item_rows(session: Session, project: Project, item_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the items in the order asked for, each as one flat mapping."""
    fields = fields_of(session, project.id)
    rows: list[dict[str, Any]] = []
    for start in range(0, len(item_ids), _BATCH):
        batch = item_ids[start : start + _BATCH]
        found = {
            item.id: (item, capture, digest)
            for item, capture, digest in session.execute(
                select(Item, Capture, WarcFile.sha256)
                .outerjoin(Capture, Capture.id == Item.latest_capture_id)
                .outerjoin(WarcFile, WarcFile.id == Capture.warc_file_id)
                .where(Item.id.in_(batch), Item.project_id == project.id)
            )
        }
        values = values_of(session, batch)
        tags = tags_of(session, batch)
        screened = said_of(session, batch)
        for item_id in batch:
            if item_id not in found:
                continue
            row = _fixed(*found[item_id]) | _screened(screened.get(item_id))
            row["tags"] = [tag.name for tag in tags[item_id]]
            for field in fields:
                held = values[item_id].get(field.id, []) if item_id in values else []
                row[field.key] = [value.raw for value in held]
            rows.append(row)
    return rows


def to_csv(session: Session, project: Project, rows: Sequence[dict[str, Any]]) -> str:
    """Write rows as CSV in UTF-8 with a byte order mark, as spreadsheets want it."""
    columns = [*FIXED_COLUMNS, *(field.key for field in fields_of(session, project.id))]
    out = io.StringIO(newline="")
    out.write(BOM)
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([spreadsheet_cell(row.get(column)) for column in columns])
    return out.getvalue()


def to_json(body: dict[str, Any] | list[Any]) -> str:
    """Write one JSON document, its letters as they are."""
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def facets_json(facets: Sequence[Facet]) -> dict[str, dict[str, int]]:
    """Return the numbers of facets by key and value, for programs."""
    return {facet.key: {value.value: value.number for value in facet.values} for facet in facets}


def record_export(
    session: Session,
    actor: Actor,
    project: Project,
    *,
    query: str,
    kind: str,
    rows: int,
    **further: str | bool,
) -> None:
    """Write down that somebody took a list out.

    :param further: what else was chosen, as from which files cookies were left out
    """
    events.record(
        session,
        EventKind.EXPORT_MAKE,
        actor=actor,
        covers=[],
        project_id=project.id,
        body={"query": query, "format": kind, "rows": rows, **further},
    )
    session.flush()


def _fixed(item: Item, capture: Capture | None, warc_sha256: str | None) -> dict[str, Any]:
    return {
        "id": item.id,
        "address": item.address,
        "title": item.title,
        "detected_language": item.language,
        "outcome": item.latest_outcome.value if item.latest_outcome else None,
        "captured_at": isoformat(item.latest_captured_at) if item.latest_captured_at else None,
        "counts_for": item.same_as_id,
        "deleted_after_capture": _deleted(item),
        "observed": item.observed_state.value if item.observed_state else None,
        "observed_at": isoformat(item.observed_at) if item.observed_at else None,
        "capture_id": capture.id if capture else None,
        "warc_sha256": warc_sha256,
        "warc_record_id": capture.main_record_id if capture else None,
        "payload_digest": capture.payload_digest if capture else None,
    }


def _screened(held: Screening | None) -> dict[str, Any]:
    if held is None or held.verdict is None:
        return {"screening": None, "excluded_because": None}
    excluded = held.verdict is Verdict.EXCLUDED
    return {
        "screening": held.verdict.value,
        "excluded_because": held.reason if excluded else None,
    }


def _deleted(item: Item) -> str | None:
    """Say whether the last visit after the capture found it gone; None: nobody looked again."""
    if item.observed_state is None:
        return None
    return "yes" if item.observed_state is ObservedState.DELETED else "no"


def spreadsheet_cell(value: object) -> str:
    """Return a value as a cell that no spreadsheet runs as a formula."""
    if isinstance(value, list):
        value = "; ".join(str(part) for part in value)
    text = "" if value is None else str(value)
    guard = text.startswith(_FORMULA) and not _NEGATIVE.fullmatch(text)
    return f"'{text}" if guard else text

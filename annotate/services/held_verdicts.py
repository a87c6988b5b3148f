"""What screening says of items, read for the labels held in memory, and found by searches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from annotate.models import Screening, Verdict


@dataclass(frozen=True, slots=True)
class HeldVerdict:
    """What screening says of an item."""

    verdict: Verdict
    reason: str


Verdicts = Mapping[str, tuple[HeldVerdict, ...]]
"""By item id: one, or none."""


def read_verdicts(
    reading: Connection | Session, project_id: str, ids: Sequence[str] | None
) -> dict[str, list[HeldVerdict]]:
    """Return, of all items or of some, the verdicts that stand."""
    query = select(Screening.item_id, Screening.verdict, Screening.reason).where(
        Screening.project_id == project_id, Screening.verdict.is_not(None)
    )
    if ids is not None:
        query = query.where(Screening.item_id.in_(ids))
    found: dict[str, list[HeldVerdict]] = defaultdict(list)
    rows: Any = reading.execute(query)
    for item_id, verdict, reason in rows:
        found[item_id].append(HeldVerdict(verdict, reason))
    return found


def screened(held: Verdicts, verdict: Verdict) -> frozenset[str]:
    """Return the items of a verdict."""
    return frozenset(
        item_id for item_id, said in held.items() if any(one.verdict is verdict for one in said)
    )


def excluded_for(held: Verdicts, folded: Mapping[str, str], wanted: str) -> frozenset[str]:
    """Return the items excluded for a reason; `wanted` may end in * for any ending.

    :param folded: the reasons in the form in which spellings meet
    """
    stem = wanted.removesuffix("*")
    return frozenset(
        item_id
        for item_id, said in held.items()
        for one in said
        if one.verdict is Verdict.EXCLUDED
        and (
            folded[one.reason] == stem
            or (wanted.endswith("*") and folded[one.reason].startswith(stem))
        )
    )

"""Which segments are merged, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from search.whoosh_codec import Segment

MOST_SEGMENTS: Final = 24  # beyond these a commit merges before it returns
_FAN: Final = 8  # segments of like size that are merged into one


def to_merge(segments: Sequence[Segment]) -> frozenset[str]:
    """Choose segments to merge: enough of like size, or ones that are mostly deleted."""
    hollow = [one for one in segments if one.deleted_count() * 2 > one.doc_count_all() > 0]
    if hollow:
        return frozenset(one.segment_id() for one in hollow)
    tiers: dict[int, list[Segment]] = {}
    for segment in segments:
        tiers.setdefault(_tier(segment.doc_count_all()), []).append(segment)
    full = [tier for tier in tiers.values() if len(tier) >= _FAN]
    if full:
        return frozenset(one.segment_id() for one in full[0])
    if len(segments) > MOST_SEGMENTS:
        smallest = sorted(segments, key=lambda one: int(one.doc_count_all()))[: len(segments) // 2]
        return frozenset(one.segment_id() for one in smallest)
    return frozenset()


def _tier(items: int) -> int:
    """Return the size class: a power of eight."""
    return (max(items, 1).bit_length() - 1) // 3

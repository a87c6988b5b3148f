"""Taking times, memory and disk."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROUNDS = 3


def timed(act: Callable[[str], int], asked: Sequence[str]) -> dict[str, float | list[int]]:
    """Ask each query a few times; return p50 and p95 of each query's best, in milliseconds.

    Of processor time: the machine may be busy with something else. All engines answer within the
    process that asks.
    """
    best, counts = [], []
    for query in asked:
        taken = []
        for _ in range(ROUNDS):
            began = time.process_time()
            count = act(query)
            taken.append((time.process_time() - began) * 1000)
        best.append(min(taken))
        counts.append(count)
    cuts = statistics.quantiles(best, n=20)
    return {"p50": round(statistics.median(best), 2), "p95": round(cuts[-1], 2), "counts": counts}


def processor() -> float:
    """Return the processor time of this process and of those it has waited for, in seconds."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def memory() -> float:
    """Return how much memory of its own this process holds, in MB: without files mapped."""
    text = Path("/proc/self/status").read_text("ascii")
    return int(text.split("RssAnon:")[1].split()[0]) / 1024


def resident() -> float:
    """Return all memory this process holds, files mapped included, in MB."""
    text = Path("/proc/self/status").read_text("ascii")
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def disk(folder: Path) -> float:
    """Return the size of a folder's files, in MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6

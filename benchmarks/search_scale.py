"""The search at growing sizes beside stock Whoosh and SQLite FTS5, in one run on one machine.

Usage: python benchmarks/search_scale.py [--sizes 5000,20000,100000] [--stock-up-to 20000] [SHARED]

Each engine indexes the same made documents (benchmarks/searching/corpus.py) and is asked the same
queries in a process of its own, so that its memory is its own. Prints one JSON line; with --plot it
also draws docs/search-scale.svg.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from searching import corpus, fts5, ours, stock
from searching.plot import plot

OPENED = 5  # times, each in a process of its own; the best counts
ROOT = Path(__file__).resolve().parents[1]


def work(engine: str, act: str, size: int, shared: Path, folder: Path) -> dict[str, Any]:
    """Do one engine's part, in this process."""
    if act == "open":
        module = {"ours": ours, "fts5": fts5, "stock": stock}[engine]
        return {"open_ms": round(module.opened(folder)[-1], 2)}
    made = list(corpus.documents(shared, size))
    if act == "load":
        if engine == "ours":
            return ours.load(made, folder, processes=2)
        if engine == "ours-one-process":
            return ours.load(made, folder, processes=1)
        return (fts5 if engine == "fts5" else stock).load(made, folder)
    asked = corpus.queries(shared)
    if engine == "ours":
        return ours.ask(made, folder, asked)
    return (fts5 if engine == "fts5" else stock).ask(folder, asked)


def apart(engine: str, act: str, size: int, shared: Path, folder: Path) -> dict[str, Any]:
    """Do one engine's part in a process of its own."""
    command = [sys.executable, __file__, "--part", f"{engine}:{act}:{size}:{folder}", str(shared)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def compared(size: int, shared: Path, *, with_stock: bool) -> dict[str, Any]:
    """Measure every engine at one size, and compare their counts."""
    found: dict[str, Any] = {"size": size}
    engines = ["ours", "fts5", *(["stock"] if with_stock else [])]
    with tempfile.TemporaryDirectory() as scratch:
        for engine in engines:
            folder = Path(scratch) / engine
            found[engine] = apart(engine, "load", size, shared, folder)
            found[engine] |= apart(engine, "ask", size, shared, folder)
            opened = (apart(engine, "open", size, shared, folder) for _ in range(OPENED))
            found[engine]["open_ms"] = min(one["open_ms"] for one in opened)
            sys.stderr.write(f"{size} {engine} done\n")
        if with_stock:
            alone = apart("ours-one-process", "load", size, shared, Path(scratch) / "alone")
            found["ours"]["load_one_process_s"] = alone["load_s"]
    found["counts_differ"] = [
        f"{engine}: {kind}"
        for engine in engines[1:]
        for kind, taken in found[engine]["kinds"].items()
        if kind != "related" and taken["counts"] != found["ours"]["kinds"][kind]["counts"]
    ]
    for engine in engines:
        for taken in found[engine]["kinds"].values():
            taken["found"] = sum(taken.pop("counts")) // 20
    return found


def main() -> None:
    """Measure every size and print one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="5000")
    parser.add_argument("--stock-up-to", type=int, default=20000)
    parser.add_argument("--plot", action="store_true")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--keep", help="a file for what is measured so far")
    parser.add_argument("shared", nargs="?", default=str(ROOT.parent / "shared"))
    given = parser.parse_args()
    shared = Path(given.shared)
    if given.part:
        engine, act, size, folder = given.part.split(":", 3)
        print(json.dumps(work(engine, act, int(size), shared, Path(folder))))
        return
    sizes = [int(size) for size in given.sizes.split(",")]
    found = []
    for size in sizes:
        found.append(compared(size, shared, with_stock=size <= given.stock_up_to))
        if given.keep:
            Path(given.keep).write_text(json.dumps(found), "utf-8")
    print(json.dumps({"benchmark": "search scale", "sizes": found}))
    if given.plot:
        (ROOT / "docs/search-scale.svg").write_text(plot(found), "utf-8")


if __name__ == "__main__":
    main()

"""Does the search find what answers a question? MAP and nDCG@10 on collections with judgements.

Usage: python benchmarks/search_relevance.py [SHARED]. Each question is asked as a person's words in
related forms, any of them; the peer is the reference BM25 of REFERENCE.json. Prints one JSON line
and, with --table, docs/relevance.md's table.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from search.documents import Document
from search.language import detect_language
from search.query import any_words, leaves
from search.whoosh_engine import WhooshEngine

DEPTH = 1000
ROOT = Path(__file__).resolve().parents[1]
SETS = {
    "cranfield": ("cranfield/beir", "stem+stop k1=1.2 b=0.75"),
    "cisi": ("cisi/beir", "stem+stop k1=1.2 b=0.75"),
    "xquad-en": ("xquad/beir-en", "stem+stop k1=1.2 b=0.75"),
    "xquad-zh": ("xquad/beir-zh", "han-bigram k1=1.2 b=0.75"),
    "xquad-ar": ("xquad/beir-ar", "stem+stop k1=1.2 b=0.75"),
    "xquad-ru": ("xquad/beir-ru", "stem+stop k1=1.2 b=0.75"),
    "xquad-tr": ("xquad/beir-tr", "stem+stop k1=1.2 b=0.75"),
}


def lines(path: Path) -> list[dict[str, str]]:
    """Read a JSON Lines file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def judgements(path: Path) -> dict[str, dict[str, int]]:
    """Read which document answers which question, and how well."""
    found: dict[str, dict[str, int]] = {}
    for line in path.read_text("utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if int(score) > 0:
            found.setdefault(query, {})[document] = int(score)
    return found


def average_precision(ranked: list[str], relevant: Mapping[str, int]) -> float:
    """Return the average precision of one ranking, to DEPTH."""
    hits, total = 0, 0.0
    for rank, document in enumerate(ranked[:DEPTH], 1):
        if document in relevant:
            hits += 1
            total += hits / rank
    return total / len(relevant)


def ndcg(ranked: list[str], relevant: Mapping[str, int], depth: int = 10) -> float:
    """Return the normalised discounted cumulative gain (linear gain) of one ranking."""
    gains = [relevant.get(document, 0) for document in ranked[:depth]]
    ideal = sorted(relevant.values(), reverse=True)[:depth]
    return discounted(gains) / discounted(ideal)


def discounted(gains: list[int]) -> float:
    """Return gains discounted by their rank."""
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


def measure(folder: Path) -> tuple[float, float, int]:
    """Index a collection, ask its questions; return MAP, nDCG@10 and how many were judged."""
    with tempfile.TemporaryDirectory() as scratch:
        engine = WhooshEngine(Path(scratch))
        documents = [
            Document(one["_id"], "p", one.get("title", ""), one["text"], "", "",
                     detect_language(one["text"]))
            for one in lines(folder / "corpus.jsonl")
        ]  # fmt: skip
        engine.apply(documents, [], 1)
        judged = judgements(folder / "qrels.tsv")
        order = {document.item_id: at for at, document in enumerate(documents)}
        precisions, gains = [], []
        for query in lines(folder / "queries.jsonl"):
            relevant = judged.get(query["_id"])
            if not relevant:
                continue
            scores: dict[str, float] = {}
            for leaf in leaves(any_words(query["text"])):
                for item_id, score in engine.find(leaf).scores.items():
                    scores[item_id] = scores.get(item_id, 0.0) + score
            ranked = sorted(scores, key=lambda one: (-scores[one], order[one]))
            precisions.append(average_precision(ranked, relevant))
            gains.append(ndcg(ranked, relevant))
        engine.close()
    count = len(precisions)
    return sum(precisions) / count, sum(gains) / count, count


def main(shared: Path, *, table: bool) -> None:
    """Measure every set beside its reference."""
    base = shared / "corpora/relevance"
    reference = json.loads((base / "REFERENCE.json").read_text("utf-8"))
    peers = reference["measured_here_bm25"]["results"]
    found: dict[str, dict[str, float]] = {}
    for name, (folder, method) in SETS.items():
        mean, gain, count = measure(base / folder)
        peer = peers[name][method]
        found[name] = {
            "questions": count,
            "map": round(mean, 4), "map_reference": peer["MAP"],
            "ndcg10": round(gain, 4), "ndcg10_reference": peer["nDCG10"],
        }  # fmt: skip
        if table:
            row = found[name]
            print(
                f"| {name} | {count} | **{row['map']:.4f}** | {peer['MAP']:.4f} "
                f"| **{row['ndcg10']:.4f}** | {peer['nDCG10']:.4f} |",
                flush=True,
            )
    if not table:
        below = [
            name for name, row in found.items()
            if row["map"] < row["map_reference"] or row["ndcg10"] < row["ndcg10_reference"]
        ]  # fmt: skip
        line = {"benchmark": "search relevance", "below_reference": below, "sets": found}
        print(json.dumps(line))


if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if not word.startswith("--")]
    main(Path(given[0]) if given else ROOT.parent / "shared", table="--table" in sys.argv)

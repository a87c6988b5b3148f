"""Related forms rank no worse than a reference BM25 on collections with judgements."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks/search_relevance.py"
BOUNDED = bool(os.environ.get("HOLDFAST_BOUNDED"))
NAMES = ("cranfield", "cisi", "xquad-en", "xquad-zh", "xquad-ar", "xquad-ru", "xquad-tr")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("search_relevance", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_measures_are_those_of_the_books(script: ModuleType) -> None:
    """Two relevant documents at ranks 1 and 3: AP = (1 + 2/3) / 2; a gain at rank 2 is 1/log2(3)."""
    assert script.average_precision(["a", "x", "b"], {"a": 1, "b": 1}) == pytest.approx(5 / 6)
    assert script.average_precision(["x"], {"a": 1}) == 0
    assert script.ndcg(["x", "a"], {"a": 1}) == pytest.approx(0.6309297)
    assert script.ndcg(["a", "b"], {"a": 3, "b": 1}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES[:1] if BOUNDED else NAMES)
def test_map_and_ndcg_are_not_below_the_reference(
    script: ModuleType, shared: Path, name: str
) -> None:
    folder, method = script.SETS[name]
    base = shared / "corpora/relevance"
    results = json.loads((base / "REFERENCE.json").read_text("utf-8"))["measured_here_bm25"][
        "results"
    ]
    mean, gain, _count = script.measure(base / folder)
    assert round(mean, 4) >= results[name][method]["MAP"]
    assert round(gain, 4) >= results[name][method]["nDCG10"]

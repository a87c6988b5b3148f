"""Ten coders at once against the real server: nothing is lost, nothing fails, nobody starves."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks/coding_load.py"
BOUNDED = bool(os.environ.get("HOLDFAST_BOUNDED"))


def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("coding_load", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["coding_load"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_ten_coders_lose_nothing_and_nobody_starves(tmp_path: Path) -> None:
    seconds = 10 if BOUNDED else 300
    found = benchmark().run(tmp_path / "home", seconds=seconds, coders=10, pause=0.5)
    assert found["faults"] == []
    assert found["lost"] == 0
    assert not [one for one in found["statuses"] if one.startswith("5")]
    assert found["sealed"] >= 10
    if not BOUNDED:  # a share of few seals says nothing
        assert found["slowest_share_of_mean"] >= 0.5

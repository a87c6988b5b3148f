"""Two signed packages of the corpus, taken apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from packages import Files, read


@pytest.fixture
def anonymous(shared: Path) -> Files:
    return read(shared / "corpora/wacz/replayweb.page/example.wacz")


@pytest.fixture
def domain(shared: Path) -> Files:
    return read(shared / "corpora/wacz/py-wacz/valid_signed_example_1.wacz")

"""The engine contract, kept by the embedded engine and by the plain one it is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from search.engine import Engine
from search.whoosh_engine import WhooshEngine
from tests.search.contract import EngineContract
from tests.search.reference import ReferenceEngine


class TestWhoosh(EngineContract):
    def make(self, folder: Path) -> Engine:
        return WhooshEngine(folder)


class TestReference(EngineContract):
    held: ClassVar[dict[Path, ReferenceEngine]] = {}

    def make(self, folder: Path) -> Engine:
        return self.held.setdefault(folder, ReferenceEngine())

"""Reading a file as an import reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archive.digest import file_sha256
from archive.importing.derive import Original
from archive.importing.dispatch import read_original
from archive.importing.found import Findings, FoundPage, Summary, load_pages, load_summary

Read = Callable[[str, bytes], tuple[Summary, list[FoundPage], Path]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a file in this process; tests of the bounded one stand in test_bounded.py."""

    def reading(name: str, data: bytes) -> tuple[Summary, list[FoundPage], Path]:
        path = tmp_path / "original"
        path.write_bytes(data)
        work = tmp_path / "work"
        work.mkdir()
        findings = Findings(work)
        read_original(findings, Original(path, name, file_sha256(path)))
        findings.end()
        return load_summary(work), [page for _at, page in load_pages(work)], work

    return reading

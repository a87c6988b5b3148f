"""Real files nobody here wrote: the published table of verdicts is true, and explains itself."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs/corpora-verdicts.md"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    found = importlib.util.spec_from_file_location("cv", ROOT / "scripts/corpora_verdicts.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def rows() -> dict[str, list[str]]:
    lines = [
        line.strip("|").split(" | ")
        for line in TABLE.read_text("utf-8").splitlines()
        if line.startswith(("| warc/", "| wacz/"))
    ]
    return {line[0].strip(): [one.strip() for one in line] for line in lines}


def test_the_table_says_what_verify_says_of_every_file(shared: Path, script: ModuleType) -> None:
    corpora = shared / "corpora"
    names = [name for name, _ in script.archives(corpora)]
    assert set(rows()) == set(names)
    assert len(names) > 140
    for name in names:
        _, line = script.ours(corpora, name)
        assert f"\n{line}" in TABLE.read_text("utf-8"), name


def test_records_are_as_many_as_the_manifest_says_or_the_table_tells_why(
    shared: Path, script: ModuleType
) -> None:
    table = rows()
    same = 0
    for name, counted in script.archives(shared / "corpora"):
        row = table[name]
        said = re.match(r"warcio (\d+)", counted)
        if said is None:
            continue
        if row[2] == said[1]:
            same += 1
        else:
            assert len(row[6]) > 15, name
            assert row[1] not in {"intact", "intact-without-digests"}, name
    assert same > 110


def test_every_difference_to_a_peer_is_explained() -> None:
    for name, row in rows().items():
        if name.endswith(".wacz"):
            continue
        peers = [re.fullmatch(r"(.*), exit (\d+)", one) for one in row[4:6]]
        for peer in peers:
            assert peer is not None
            differs = peer[1] != row[2] or (peer[2] == "0") != row[1].startswith("intact")
            assert not differs or len(row[6]) > 10, (name, row)
        assert "?" not in row[6], name


@pytest.mark.slow
def test_the_peers_say_what_the_table_says(shared: Path, script: ModuleType) -> None:
    if not (ROOT / ".venv-oracles/bin/fastwarc").exists():
        pytest.skip("no oracles: make oracles")
    corpora = shared / "corpora"
    table = rows()
    names = [name for name in table if name.startswith("warc/")]
    names = names[::8] if os.environ.get("HOLDFAST_BOUNDED") else names
    answers = list(script.answers([corpora / name for name in names]))
    for name, other in zip(names, answers, strict=True):
        for tool, said in zip(("warcio", "fastwarc"), table[name][4:6], strict=True):
            assert f"{other[tool]}, exit {other[f'{tool}_check']}" == said, name

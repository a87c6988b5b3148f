"""`holdfast phrases`: a list of one's own is checked and laid over the packaged one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def holdfast(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from annotate.cli import main; main()", "--home", str(home)]
    return subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_list_of_ones_own(tmp_path: Path) -> None:
    folder = tmp_path / "phrases"
    folder.mkdir()
    own = folder / "own.toml"
    own.write_text('version = "own-1"\n[tombstone]\nkk = ["Бұл жазба жойылған"]\n', "utf-8")
    assert "1 phrases" in holdfast(tmp_path, "phrases", "check", str(own)).stdout
    listed = holdfast(tmp_path, "--json", "phrases", "list", "--lang", "kk")
    assert listed.returncode == 0
    found = json.loads(listed.stdout)
    assert found["version"].endswith("+own-1")
    assert found["phrases"] == [
        {"sign": "tombstone", "language": "kk", "phrase": "Бұл жазба жойылған"}
    ]
    own.write_text("[tombstone]\nkk = 1\n", "utf-8")
    assert holdfast(tmp_path, "phrases", "check", str(own)).returncode == 1
    listed = holdfast(tmp_path, "phrases", "list")
    assert (listed.returncode, "not used: own.toml" in listed.stderr) == (1, True)

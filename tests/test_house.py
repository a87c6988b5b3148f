"""The house keeps its order: arrows, edges, sizes, documents."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from annotate.cli import COMMANDS
from config import Config

ROOT = Path(__file__).resolve().parents[1]
BELOW = {
    "archive": {"archive"},
    "search": {"archive", "search"},
    "annotate": {"archive", "search", "annotate", "config"},
}
ONLY = {"warcio": "archive", "whoosh": "search", "flask": "annotate", "sqlalchemy": "annotate"}
# Entry points, which alone read the settings, and where the parts are put together.
READS_CONFIG = re.compile(
    r"annotate/(cli|wiring)\.py|annotate/commands/\w+\.py|annotate/jobs/(capturing|fixity|importing|indexing)\.py"
)
EDGES = {"annotate/cli.py", "annotate/jobs/worker.py"}


def sources() -> Iterator[tuple[str, str, ast.Module]]:
    for package in BELOW:
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text("utf-8")
            yield path.relative_to(ROOT).as_posix(), text, ast.parse(text)


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_arrows_run_one_way() -> None:
    for name, _text, tree in sources():
        package = name.partition("/")[0]
        for module in imported(tree):
            if module in {*BELOW, "config"}:
                assert module in BELOW[package], f"{name} imports {module}"
            assert ONLY.get(module, package) == package, f"{name} imports {module}"
            if module == "config":
                assert READS_CONFIG.fullmatch(name), f"{name} reads the settings"


def test_broad_excepts_stand_at_the_edges_only() -> None:
    for name, _text, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name):
                assert node.type.id != "Exception" or name in EDGES, name


def test_files_stay_small() -> None:
    for name, text, _tree in sources():
        if "migrations/versions" not in name:
            assert text.count("\n") <= 400, name
    for path in (ROOT / "tests").rglob("*.py"):
        assert path.read_text("utf-8").count("\n") <= 400, path


def test_every_setting_and_command_is_documented() -> None:
    settings = (ROOT / "docs/settings.md").read_text("utf-8")
    commands = (ROOT / "docs/commands.md").read_text("utf-8")
    for name in Config.__dataclass_fields__:
        assert f"`{name}`" in settings, name
    for name in COMMANDS:
        assert f"`{name}" in commands, name


def test_documents_lead_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name} leads to {target}"


def test_locks_name_no_host() -> None:
    for path in (ROOT / "requirements").glob("*.lock"):
        assert "://" not in path.read_text("utf-8"), path.name

"""`holdfast agreement`: the coefficients of any table of codings; `holdfast token`."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path

import click

from annotate.agreement.coefficients import Level
from annotate.agreement.matrix import Row
from annotate.agreement.report import Agreement, assess
from annotate.cli import Invocation
from annotate.commands.context import as_option, in_project, project_option
from annotate.errors import UsageError
from annotate.models import Scope
from annotate.services.tokens import LONGEST_DAYS, make_token
from archive.errors import NotAnArchiveError
from archive.importing.bounded import Limits
from archive.importing.lists import open_table


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--level",
    default=Level.NOMINAL.value,
    show_default=True,
    type=click.Choice([one.value for one in Level]),
    help="How far apart two different values are.",
)
@click.pass_obj
def agreement(invocation: Invocation, file: Path, level: str) -> None:
    """Compute agreement from a CSV or XLSX: a row a unit, a column a coder.

    A first column called unit, item or id names the units. Empty cells are missing values.
    """
    rows = _rows(file)
    try:
        found = assess(rows, Level(level))
    except ValueError as error:
        raise UsageError(f"{file}: {error}.") from error
    if invocation.as_json:
        click.echo(json.dumps(asdict(found) | {"words": found.words}, ensure_ascii=False))
        return
    for label, value in _lines(found):
        click.echo(f"{label}\t{value}")


def _rows(file: Path) -> list[Row]:
    table = _sheet(file) if file.suffix.lower() == ".xlsx" else _text(file)
    if len(table) < 2:
        raise UsageError(f"{file} has no row below its heading.")
    heading = table[0]
    first = 1 if heading[0].strip().lower() in {"unit", "item", "id"} else 0
    if len(heading) - first < 2:
        raise UsageError(f"{file} has fewer than two coders' columns.")
    for number, line in enumerate(table[1:], start=2):
        if len(line) != len(heading):
            raise UsageError(
                f"{file}, row {number}: {len(line)} cells, the heading has {len(heading)}."
            )
    return [tuple(cell.strip() or None for cell in line[first:]) for line in table[1:]]


def _text(file: Path) -> list[list[str]]:
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8; save it as CSV UTF-8.") from error
    return [line for line in csv.reader(text.splitlines()) if any(line)]


def _sheet(file: Path) -> list[list[str]]:
    try:
        held = open_table(file, file.name, Limits())
    except NotAnArchiveError as error:
        raise UsageError(str(error)) from error
    return [list(held.header), *(list(cells) for _line, cells in held.rows)]


def _lines(found: Agreement) -> list[tuple[str, str]]:
    interval = "—"
    if found.alpha_low is not None and found.alpha_high is not None:
        interval = f"{found.alpha_low:.4f} to {found.alpha_high:.4f}"
    return [
        ("units with two values or more", str(found.units)),
        ("percent agreement", _shown(found.percent)),
        (f"Krippendorff's alpha, {found.level.value}", f"{_shown(found.alpha)} ({found.words})"),
        ("95% interval", interval),
        ("Gwet's AC1" if found.level is Level.NOMINAL else "Gwet's AC2", _shown(found.ac)),
        ("Cohen's kappa", _shown(found.cohen)),
        ("Fleiss' kappa", _shown(found.fleiss)),
    ]


def _shown(value: float | None) -> str:
    return "—" if value is None else f"{value:.4f}"


@click.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=["read"],
    type=click.Choice([one.value for one in Scope]),
    help="What it may be used for; may be given several times.",
)
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, LONGEST_DAYS))
@project_option
@as_option
@click.pass_obj
def token(
    invocation: Invocation,
    name: str,
    scopes: tuple[str, ...],
    days: int,
    slug: str | None,
    login: str | None,
) -> None:
    """Make an API token for a program, and print it, once."""
    here = in_project(invocation, slug, login)
    with here.wiring.database.write() as session:
        _token, words = make_token(
            session,
            here.actor,
            here.project,
            name=name,
            scopes=[Scope(one) for one in scopes],
            days=days,
        )
    click.echo(json.dumps({"token": words}) if invocation.as_json else words)

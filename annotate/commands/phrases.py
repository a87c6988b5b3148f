"""`holdfast phrases`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from annotate.cli import NOT_GOOD, Invocation
from annotate.services.phrase_lists import PhraseBook
from archive.capture.phrases import read_list
from archive.errors import PhraseListError


@click.group()
def phrases() -> None:
    """What pages say when something is gone, private, or behind a sign-in."""


@phrases.command("list")
@click.option("--lang", help="Only phrases of this language, such as ug.")
@click.pass_obj
def list_phrases(invocation: Invocation, lang: str | None) -> int:
    """Show the lists that hold in this home: its own over the one that comes with Holdfast."""
    lists = PhraseBook(invocation.config.home / "phrases").current()
    shown = [one for one in lists.together.phrases if lang in {None, one.language}]
    if invocation.as_json:
        click.echo(
            json.dumps(
                {
                    "version": lists.together.version,
                    "faults": lists.faults,
                    "phrases": [
                        {"sign": one.sign.value, "language": one.language, "phrase": one.shown}
                        for one in shown
                    ],
                    "platforms": [
                        {"host": one.host, "sign": one.sign.value}
                        for one in lists.together.platforms
                    ],
                },
                ensure_ascii=False,
            )
        )
    else:
        click.echo(f"version {lists.together.version}")
        for one in shown:
            click.echo(f"{one.sign}\t{one.language}\t{one.shown}")
        for rule in lists.together.platforms if lang is None else ():
            click.echo(f"{rule.sign}\t{rule.host}\t(a pattern of the platform)")
    for fault in lists.faults:
        click.echo(f"not used: {fault}", err=True)
    return NOT_GOOD if lists.faults else 0


@phrases.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def check(files: tuple[Path, ...]) -> int:
    """Say whether lists can be read."""
    good = True
    for path in files:
        try:
            found = read_list(path.name, path.read_bytes())
        except PhraseListError as error:
            good = False
            click.echo(str(error))
            continue
        click.echo(
            f"{path.name}: version {found.version}, {len(found.phrases)} phrases, "
            f"{len(found.platforms)} patterns of platforms"
        )
    return 0 if good else NOT_GOOD

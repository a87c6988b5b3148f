"""`holdfast verify`: needs no home, no database and no web framework."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from annotate.cli import NOT_GOOD, Invocation
from archive.errors import ArchiveError
from archive.verify import VerdictWord, verify_file

_NAMES = (".warc", ".warc.gz")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.pass_obj
def verify(invocation: Invocation, paths: tuple[Path, ...]) -> int:
    """Say of each WARC, capture folder or home whether every byte is as it was written."""
    good = True
    for path in (file for one in paths for file in _files(one)):
        try:
            found = verify_file(path)
            word, records = found.verdict.value, found.records
            faults = [
                {"kind": f.kind.value, "offset": f.offset, "record": f.record_id, "found": f.detail}
                for f in found.faults
            ]
        except ArchiveError as error:
            word, records, faults = "refused", 0, [{"kind": "no archive", "found": str(error)}]
        good &= word == VerdictWord.INTACT.value
        if invocation.as_json:
            line = {"path": str(path), "verdict": word, "records": records, "faults": faults}
            click.echo(json.dumps(line, ensure_ascii=False))
            continue
        click.echo(f"{word}\t{path}\t{records} records")
        for fault in faults:
            click.echo(f"  {fault['kind']} at {fault.get('offset', 0)}: {fault['found']}")
    return 0 if good else NOT_GOOD


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    yield from sorted(one for one in path.rglob("*") if one.name.endswith(_NAMES))
    yield from sorted(path.glob("imports/*/original"))

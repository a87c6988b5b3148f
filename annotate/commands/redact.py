"""`holdfast redact`: a WARC to give away, without cookies and authorisation."""

from __future__ import annotations

import json
from pathlib import Path

import click

from annotate.cli import GOOD, NOT_GOOD, Invocation
from annotate.commands.context import as_option, in_project, project_option
from annotate.services import identities
from archive.redact import find_strings
from archive.redact import redact as derive


@click.command()
@click.argument("warc", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("copy", type=click.Path(path_type=Path))
@click.option("--identity", multiple=True, help="A string to look for in what is left.")
@click.option("--session", "named", default="", help="Look for a capture session's strings.")
@project_option
@as_option
@click.pass_obj
def redact(
    invocation: Invocation,
    warc: Path,
    copy: Path,
    identity: tuple[str, ...],
    named: str,
    slug: str | None,
    login: str | None,
) -> int:
    """Write COPY of WARC without Cookie, Authorization and Set-Cookie; WARC stays as it is."""
    strings = list(identity)
    if named:
        here = in_project(invocation, slug, login)
        with here.wiring.database.read() as session:
            row = identities.find_session(session, here.project.id, named)
        strings += here.wiring.sessions.load(row.id).identity
    made = derive(warc, copy)
    seen = list(find_strings(copy, strings))
    if invocation.as_json:
        told = {
            "copy": str(made.path),
            "sha256": made.sha256,
            "original_sha256": made.original_sha256,
            "records_as_they_were": made.kept,
            "records_changed": [
                {"original": one.original_id, "record": one.record_id, "digest": one.digest,
                 "headers": one.headers} for one in made.changes
            ],
            "identity_found": [
                {"string": one.string, "record": one.record_id, "target": one.target,
                 "times": one.times} for one in seen
            ],
        }  # fmt: skip
        click.echo(json.dumps(told, ensure_ascii=False))
        return NOT_GOOD if seen else GOOD
    click.echo(f"{made.path}: {len(made.changes)} records changed, {made.kept} as they were")
    for one in seen:
        click.echo(f"still there: {one.string!r}, {one.times} times in {one.target}")
    return NOT_GOOD if seen else GOOD

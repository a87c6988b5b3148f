"""`holdfast fixity`: re-read everything, report, keep the result."""

from __future__ import annotations

import json
from typing import Any

import click

from annotate.cli import NOT_GOOD, Invocation
from annotate.jobs import fixity as job
from annotate.services import fixity as service
from annotate.services.fixity import Checked, Finding
from annotate.services.people import SYSTEM
from annotate.wiring import open_home


@click.command()
@click.option("--last", is_flag=True, help="Say what the last run found; read nothing.")
@click.pass_obj
def fixity(invocation: Invocation, last: bool) -> int:
    """Re-read every stored file and compare it with the database. Nothing is moved."""
    wiring = open_home(invocation.config)
    if last:
        with wiring.database.read() as session:
            run = service.last_run(session)
        return _tell(invocation, run)
    read = 0

    def tell(one: Checked) -> None:
        nonlocal read
        read += 1
        if one.finding is not Finding.SAME and not invocation.as_json:
            click.echo(f"{one.finding.value}\t{one.path}\t{one.detail}")
        if not invocation.quiet and read % 100 == 0:
            click.echo(f"{read} read", err=True)

    job.run(wiring, SYSTEM, tell)
    with wiring.database.read() as session:
        run = service.last_run(session)
    return _tell(invocation, run, findings=invocation.as_json)


def _tell(invocation: Invocation, run: dict[str, Any] | None, *, findings: bool = True) -> int:
    if invocation.as_json:
        click.echo(json.dumps(run, ensure_ascii=False))
    elif run is None:
        click.echo("Nothing was re-read yet: run `holdfast fixity`.")
    else:
        for one in run["findings"] if findings else ():
            click.echo(f"{one['finding']}\t{one['path']}\t{one['detail']}")
        click.echo(f"{run['ended']}\t{run['files']} files, {run['bad']} not as stored")
    return 0 if run is not None and not run["bad"] else NOT_GOOD

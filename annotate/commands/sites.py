"""`holdfast sites`."""

from __future__ import annotations

import json

import click

from annotate.cli import NOT_GOOD, Invocation
from annotate.services.site_rules import SiteBook


@click.command()
@click.argument("host", required=False)
@click.pass_obj
def sites(invocation: Invocation, host: str | None) -> int:
    """Show what is done on pages (of a host) before they are kept, and check sites.toml."""
    current = SiteBook(invocation.config.home / "sites.toml").current()
    behaviour = current.rules.of(host) if host else current.rules.default
    told = {**behaviour.as_json(), "words": list(behaviour.words)}
    if invocation.as_json:
        shown = {"version": current.rules.version, "fault": current.fault or None, **told}
        click.echo(json.dumps(shown, ensure_ascii=False))
    else:
        click.echo(f"version\t{current.rules.version}")
        for name, value in told.items():
            words = ", ".join(value) if isinstance(value, list | tuple) else value
            click.echo(f"{name}\t{words}")
    if current.fault:
        click.echo(f"not used: {current.fault}", err=True)
    return NOT_GOOD if current.fault else 0

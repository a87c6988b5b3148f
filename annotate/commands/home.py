"""`holdfast init` and `holdfast doctor`."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from importlib import metadata
from pathlib import Path

import click

from annotate.cli import NOT_GOOD, Invocation
from annotate.services.people import SYSTEM, create_user, make_link
from annotate.wiring import make_home
from archive.capture.browsers import find_browser

_ENOUGH = 2_000_000_000  # bytes free below which a warning is due


@click.command()
@click.option(
    "--admin", default="admin", show_default=True, help="Sign-in name of the first person."
)
@click.option("--name", default="", help="How that person is shown.")
@click.pass_obj
def init(invocation: Invocation, admin: str, name: str) -> None:
    """Make an archive home, and print a one-time sign-in link for its first person."""
    wiring = make_home(invocation.config)
    with wiring.database.write() as session:
        user = create_user(session, SYSTEM, login=admin, display_name=name or admin, is_admin=True)
        token = make_link(session, user, minutes=invocation.config.sign_in_minutes)
    click.echo(f"The archive home is {wiring.home}")
    click.echo(f"Start it with: holdfast --home {wiring.home} serve")
    click.echo(f"Then sign in once at: {link(invocation, token)}")


@click.command()
@click.pass_obj
def doctor(invocation: Invocation) -> int:
    """Say what is here, what is missing, and what to do about it."""
    config = invocation.config
    browser = find_browser(Path(config.browser) if config.browser else None)
    probe = config.home if config.home.exists() else Path.cwd()
    free = shutil.disk_usage(probe).free
    found: list[tuple[str, bool, str]] = [
        ("Python", sys.version_info >= (3, 11), sys.version.split()[0]),
        ("SQLite", sqlite3.sqlite_version_info >= (3, 35), sqlite3.sqlite_version),
        ("warcio", True, metadata.version("warcio")),
        ("Whoosh", True, metadata.version("whoosh-reloaded")),
        (
            "Browser",
            browser is not None,
            str(browser) if browser else "none that starts; captures use the http engine",
        ),
        ("Disk", free > _ENOUGH, f"{free / 1e9:.1f} GB free for {probe}"),
        ("Home", (config.home / "instance-id").is_file(), f"{config.home}"),
        ("May write", os.access(probe, os.W_OK), str(probe)),
    ]
    if invocation.as_json:
        lines = [{"part": part, "good": good, "says": says} for part, good, says in found]
        click.echo(json.dumps(lines))
    else:
        for part, good, says in found:
            click.echo(f"{'good   ' if good else 'look at'}  {part}: {says}")
    return 0 if all(good for _part, good, _says in found) else NOT_GOOD


def link(invocation: Invocation, token: str) -> str:
    """Return the address of a one-time sign-in link."""
    config = invocation.config
    return f"http://{config.host}:{config.port}/sign-in/link/{token}"

"""`holdfast egress` and `holdfast session`: how captures leave, and as whom."""

from __future__ import annotations

import json
from pathlib import Path

import click

from annotate.cli import Invocation
from annotate.commands.context import as_option, in_project, project_option
from annotate.errors import UsageError
from annotate.services import identities, projects, ways
from annotate.services.ways import ProxyForm
from archive.capture.egress import NamesBy


@click.group()
def egress() -> None:
    """The way a project's captures leave: directly, or through a SOCKS5 proxy."""


@egress.command("show")
@project_option
@as_option
@click.pass_obj
def show(invocation: Invocation, slug: str | None, login: str | None) -> None:
    """Say how captures leave; never the password."""
    here = in_project(invocation, slug, login)
    with here.wiring.database.read() as session:
        row = ways.egress_row(session, here.project.id)
    said = ways.told(row)
    if invocation.as_json:
        click.echo(json.dumps({"proxy": said}))
    elif row is None:
        click.echo("directly")
    else:
        names = f"at {row.resolver}, through it" if row.resolver else "by the proxy"
        click.echo(f"through {row.host}:{row.port}; names are looked up {names}")


@egress.command("set")
@click.argument("host")
@click.argument("port")
@click.option("--user", default="", help="Where the proxy wants one.")
@click.option("--password", is_flag=True, help="Ask for the password; else the one set is kept.")
@click.option("--resolver", default="", help="Name server asked through the proxy: IP[:PORT].")
@click.option("--names-by-proxy", is_flag=True, help="The proxy looks names up, as Tor does.")
@project_option
@as_option
@click.pass_obj
def set_proxy(
    invocation: Invocation,
    host: str,
    port: str,
    user: str,
    password: bool,
    resolver: str,
    names_by_proxy: bool,
    slug: str | None,
    login: str | None,
) -> None:
    """Let captures leave through a SOCKS5 proxy, or not at all."""
    if names_by_proxy == bool(resolver):
        raise UsageError(
            "Say who looks names up: --resolver 9.9.9.9, a name server asked through the proxy, "
            "or --names-by-proxy for Tor and proxies that refuse private addresses themselves."
        )
    secret = click.prompt("Password", hide_input=True) if password else None
    names = NamesBy.PROXY if names_by_proxy else NamesBy.RESOLVER
    form = ProxyForm(host, port, user, secret, names.value, resolver)
    here = in_project(invocation, slug, login)
    with here.wiring.database.write() as session:
        project = projects.find_project(session, here.project.slug)
        old = ways.set_proxy(session, here.actor, project, form, here.wiring.secrets)
    if old is not None:
        here.wiring.secrets.forget(old)


@egress.command("direct")
@project_option
@as_option
@click.pass_obj
def direct(invocation: Invocation, slug: str | None, login: str | None) -> None:
    """Let captures leave directly."""
    here = in_project(invocation, slug, login)
    with here.wiring.database.write() as session:
        project = projects.find_project(session, here.project.slug)
        old = ways.clear_proxy(session, here.actor, project)
    if old is not None:
        here.wiring.secrets.forget(old)


@click.group()
def session() -> None:
    """Identities that captures can be made with."""


@session.command("add")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--consent", required=True, help="Whose identity, who agreed, and what for.")
@click.option("--identity", multiple=True, help="A string that tells who is signed in.")
@project_option
@as_option
@click.pass_obj
def add(
    invocation: Invocation,
    name: str,
    file: Path,
    consent: str,
    identity: tuple[str, ...],
    slug: str | None,
    login: str | None,
) -> None:
    """Keep the cookies of FILE: cookies.txt, or JSON of a browser's cookie tool."""
    here = in_project(invocation, slug, login)
    with here.wiring.database.write() as database:
        project = projects.find_project(database, here.project.slug)
        row = identities.add_session(
            database,
            here.actor,
            project,
            here.wiring.sessions,
            name=name,
            consent=consent,
            file=file.read_bytes(),
            identity=identity,
        )
    click.echo(f"{row.id}\t{row.name}\t{row.cookies} cookies")


@session.command("list")
@project_option
@as_option
@click.pass_obj
def list_sessions(invocation: Invocation, slug: str | None, login: str | None) -> None:
    """List the sessions of the project; never a cookie."""
    here = in_project(invocation, slug, login)
    with here.wiring.database.read() as database:
        rows = identities.sessions_of(database, here.project.id)
    told = [
        {
            "id": one.id,
            "name": one.name,
            "consent": one.consent,
            "cookies": one.cookies,
            "domains": one.domains.split("\n"),
            "identity_strings": one.identity_strings,
        }
        for one in rows
    ]
    if invocation.as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for one in told:
        click.echo(f"{one['id']}\t{one['name']}\t{one['cookies']} cookies\t{one['consent']}")


@session.command("delete")
@click.argument("name")
@project_option
@as_option
@click.pass_obj
def delete(invocation: Invocation, name: str, slug: str | None, login: str | None) -> None:
    """Delete the cookies of a session; captures made with them stay."""
    here = in_project(invocation, slug, login)
    with here.wiring.database.write() as database:
        project = projects.find_project(database, here.project.slug)
        row = identities.find_session(database, project.id, name)
        identities.delete_session(database, here.actor, project, row)
    here.wiring.sessions.delete(row.id)

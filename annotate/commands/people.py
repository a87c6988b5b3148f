"""`holdfast user …` and `holdfast project …`."""

from __future__ import annotations

import json

import click

from annotate.cli import Invocation
from annotate.commands.home import link
from annotate.models import Role
from annotate.services import people, projects
from annotate.wiring import open_home


@click.group()
def user() -> None:
    """People of this home."""


@user.command("add")
@click.argument("login")
@click.option("--name", default="", help="How the person is shown.")
@click.option("--admin", is_flag=True, help="May manage people.")
@click.pass_obj
def add_user(invocation: Invocation, login: str, name: str, admin: bool) -> None:
    """Add somebody, and print a one-time sign-in link."""
    wiring = open_home(invocation.config)
    with wiring.database.write() as session:
        made = people.create_user(
            session, people.SYSTEM, login=login, display_name=name, is_admin=admin
        )
        token = people.make_link(session, made, minutes=invocation.config.sign_in_minutes)
    click.echo(link(invocation, token))


@user.command("list")
@click.pass_obj
def list_users(invocation: Invocation) -> None:
    """List everybody."""
    with open_home(invocation.config).database.read() as session:
        rows = [
            {
                "login": one.login,
                "name": one.display_name,
                "admin": one.is_admin,
                "active": one.is_active,
            }
            for one in people.people(session)
        ]
    if invocation.as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        marks = ("manages people" if row["admin"] else "", "" if row["active"] else "shut out")
        click.echo(f"{row['login']}\t{row['name']}\t{' '.join(filter(None, marks))}")


@user.command("link")
@click.argument("login")
@click.pass_obj
def user_link(invocation: Invocation, login: str) -> None:
    """Print a new one-time sign-in link."""
    with open_home(invocation.config).database.write() as session:
        found = people.find_user(session, login)
        token = people.make_link(session, found, minutes=invocation.config.sign_in_minutes)
    click.echo(link(invocation, token))


@user.command("password")
@click.argument("login")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@click.pass_obj
def user_password(invocation: Invocation, login: str, password: str) -> None:
    """Set a password; every sign-in of the person ends."""
    with open_home(invocation.config).database.write() as session:
        found = people.find_user(session, login)
        people.change_user(session, people.SYSTEM, found, password=password)


@user.command("deactivate")
@click.argument("login")
@click.pass_obj
def deactivate(invocation: Invocation, login: str) -> None:
    """Shut somebody out; what they did stays."""
    with open_home(invocation.config).database.write() as session:
        found = people.find_user(session, login)
        people.change_user(session, people.SYSTEM, found, is_active=False)


@click.group()
def project() -> None:
    """Projects of this home."""


@project.command("add")
@click.argument("slug")
@click.option("--name", default="", help="What it is called.")
@click.option("--owner", required=True, help="Sign-in name of its owner.")
@click.pass_obj
def add_project(invocation: Invocation, slug: str, name: str, owner: str) -> None:
    """Make a project."""
    with open_home(invocation.config).database.write() as session:
        found = people.find_user(session, owner)
        projects.create_project(session, people.actor_of(found), found, slug=slug, name=name)


@project.command("member")
@click.argument("slug")
@click.argument("login")
@click.argument("role", type=click.Choice([*(role.value for role in Role), "none"]))
@click.pass_obj
def member(invocation: Invocation, slug: str, login: str, role: str) -> None:
    """Give somebody a role in a project; none takes them out."""
    with open_home(invocation.config).database.write() as session:
        held = projects.find_project(session, slug)
        found = people.find_user(session, login)
        wanted = None if role == "none" else Role(role)
        projects.set_member(session, people.SYSTEM, held, found, wanted)

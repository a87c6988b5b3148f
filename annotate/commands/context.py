"""What the commands that work in a project share."""

from __future__ import annotations

from dataclasses import dataclass

import click
from sqlalchemy import select

from annotate.cli import Invocation
from annotate.errors import UsageError
from annotate.events import Actor
from annotate.models import Project, User
from annotate.services import people, projects
from annotate.wiring import Wiring, open_home

project_option = click.option("--project", "slug", default=None, help="The project's short name.")
as_option = click.option("--as", "login", default=None, help="Who acts: a sign-in name.")


@dataclass(frozen=True, slots=True)
class InProject:
    """A home, a project of it, and who acts."""

    wiring: Wiring
    project: Project
    actor: Actor


def in_project(invocation: Invocation, slug: str | None, login: str | None) -> InProject:
    """Open the home; with one project or one manager in it, none need be named.

    :raises UsageError: there are several, or none
    """
    wiring = open_home(invocation.config)
    with wiring.database.read() as session:
        known = list(session.scalars(select(Project).order_by(Project.slug)))
        if slug is None and len(known) != 1:
            names = ", ".join(project.slug for project in known) or "none yet"
            raise UsageError(f"Say which project with --project; there are: {names}.")
        project = known[0] if slug is None else projects.find_project(session, slug)
        if login is None:
            managers = list(session.scalars(select(User).where(User.is_admin, User.is_active)))
            if len(managers) != 1:
                raise UsageError("Say who acts with --as NAME.")
            user = managers[0]
        else:
            user = people.find_user(session, login)
        return InProject(wiring, project, people.actor_of(user))

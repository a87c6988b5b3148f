"""The front page, and a project's settings."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.models import FieldType, Role
from annotate.permissions import Act
from annotate.services import people, projects
from annotate.services.fields import FieldSpec, define_fields, fields_of
from annotate.services.requests import counts
from annotate.views import ways
from annotate.views.context import actor, load_project, person, signed_in, wiring

bp = Blueprint("projects", __name__)


@bp.get("/")
@signed_in
def index() -> Response | str:
    """List the projects a person is in; with only one, open it."""
    with wiring().database.read() as session:
        mine = projects.projects_of(session, person())
        queues = {project.id: counts(session, project.id) for project, _role in mine}
    return render_template("projects.html", mine=mine, queues=queues)


@bp.post("/projects")
@signed_in
def create() -> Response:
    """Make a project; whoever makes it owns it."""
    with wiring().database.write() as session:
        owner = people.find_user(session, person().login)
        project = projects.create_project(
            session,
            actor(),
            owner,
            slug=request.form.get("slug", "").strip().lower(),
            name=request.form.get("name", ""),
        )
    flash(f"The project {project.name} is made. Add addresses or a list to begin.")
    return redirect(url_for("library.index", slug=project.slug))


@bp.get("/p/<slug>/settings")
@signed_in
def settings(slug: str) -> str:
    """Show what is set and who is in."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        members = projects.members_of(session, context.project)
        fields = fields_of(session, context.project.id)
        outward = ways.shown(session, context.project.id)
    return render_template(
        "settings.html",
        members=members,
        fields=fields,
        roles=list(Role),
        types=list(FieldType),
        **outward,
    )


@bp.post("/p/<slug>/settings")
@signed_in
def change(slug: str) -> Response:
    """Set name, window and zone."""
    form = request.form
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CHANGE_PROJECT)
        projects.change_project(
            session,
            actor(),
            context.project,
            seen_version=int(form.get("version", "0") or 0),
            name=form.get("name", ""),
            description=form.get("description", ""),
            window_from=_day(form.get("window_from", "")),
            window_to=_day(form.get("window_to", "")),
            reporting_zone=form.get("reporting_zone", "UTC"),
            base_address=form.get("base_address", ""),
        )
    flash("Saved.")
    return redirect(url_for("projects.settings", slug=slug))


@bp.post("/p/<slug>/members")
@signed_in
def member(slug: str) -> Response:
    """Give somebody a role, or take them out."""
    wanted = request.form.get("role", "")
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.MANAGE_MEMBERS)
        user = people.find_user(session, request.form.get("login", ""))
        role = None if wanted == "none" else _role(wanted)
        projects.set_member(session, actor(), context.project, user, role)
    flash("Saved.")
    return redirect(url_for("projects.settings", slug=slug))


@bp.post("/p/<slug>/fields")
@signed_in
def define_field(slug: str) -> Response:
    """Give the project one more field."""
    form = request.form
    wanted = form.get("type", "")
    if wanted not in {one.value for one in FieldType}:
        raise UsageError(f"There is no type of field {wanted!r}.")
    key = form.get("key", "").strip().lower()
    spec = FieldSpec(
        key, form.get("label", ""), FieldType(wanted), is_proposal=form.get("proposal") == "yes"
    )
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CHANGE_PROJECT)
        define_fields(session, actor(), context.project, [spec])
    flash(f"The field {key} is there: it can be set on items, filled from lists and searched.")
    return redirect(url_for("projects.settings", slug=slug))


def _role(text: str) -> Role:
    if text not in {role.value for role in Role}:
        raise UsageError(f"There is no role {text!r}.")
    return Role(text)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise UsageError(f"{text!r} is no day such as 2020-01-31.") from error

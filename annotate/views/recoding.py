"""Changing a codebook draft code by code, and coding again what a new version asks anew."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from annotate.errors import UsageError
from annotate.instrument import editing
from annotate.instrument.codebook import Codebook
from annotate.models import VersionState
from annotate.permissions import Act
from annotate.services import codebooks, recoding, rounds
from annotate.services.rounds import Plan
from annotate.views.context import actor, load_project, signed_in, wiring

bp = Blueprint("recoding", __name__)
_BOOK = "/p/<slug>/codebooks/<version_id>"
_VARIABLE = f"{_BOOK}/variables/<key>"


@bp.post(f"{_VARIABLE}/rename")
@signed_in
def rename(slug: str, version_id: str, key: str) -> AnyResponse:
    """Give a variable or a code another label."""
    form = request.form
    label, code = form.get("label", ""), form.get("code") or None
    return edit(slug, version_id, lambda held: editing.rename(held, key, code, label), key)


@bp.post(f"{_VARIABLE}/retire")
@signed_in
def retire(slug: str, version_id: str, key: str) -> AnyResponse:
    """Retire a code, with its successor and the reason."""
    form = request.form
    code, successor = form.get("code", ""), form.get("successor", "").strip()
    reason = form.get("reason", "")
    return edit(
        slug, version_id, lambda held: editing.retire(held, key, code, successor, reason), key
    )


@bp.post(f"{_VARIABLE}/split")
@signed_in
def split(slug: str, version_id: str, key: str) -> AnyResponse:
    """Split a code into new ones."""
    form = request.form
    into = list(zip(form.getlist("into"), form.getlist("into_label"), strict=False))
    code, reason = form.get("code", ""), form.get("reason", "")
    return edit(slug, version_id, lambda held: editing.split(held, key, code, into, reason), key)


@bp.post(f"{_VARIABLE}/merge")
@signed_in
def merge(slug: str, version_id: str, key: str) -> AnyResponse:
    """Merge codes into one."""
    form = request.form
    codes, reason = form.getlist("code"), form.get("reason", "")
    into = form.get("new", "").strip() or form.get("into", "")
    label = form.get("label", "")
    return edit(
        slug, version_id, lambda held: editing.merge(held, key, codes, into, label, reason), key
    )


@bp.post(f"{_VARIABLE}/remove")
@signed_in
def remove_variable(slug: str, version_id: str, key: str) -> AnyResponse:
    """Take a variable out of a draft."""
    return edit(slug, version_id, lambda held: editing.remove_variable(held, key), "")


@bp.post(f"{_VARIABLE}/remove-code")
@signed_in
def remove_code(slug: str, version_id: str, key: str) -> AnyResponse:
    """Take a code out of a draft that no frozen version has."""
    code = request.form.get("code", "")
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        version = codebooks.get_version(session, context.project, version_id)
        before = codebooks.earlier_version(session, version)
        earlier = codebooks.content_of(before) if before is not None else None
    return edit(slug, version_id, lambda held: editing.remove_code(held, earlier, key, code), key)


@bp.post(f"{_BOOK}/undo")
@signed_in
def undo(slug: str, version_id: str) -> AnyResponse:
    """Take back the last change of a draft."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        version = codebooks.get_version(session, context.project, version_id)
        codebooks.undo_change(session, actor(), context.project, version, seen=seen())
    flash("The last change is taken back.")
    return redirect(_here(slug, version_id))


@bp.post(f"{_BOOK}/discard")
@signed_in
def discard(slug: str, version_id: str) -> AnyResponse:
    """Give up a draft of a next version."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        version = codebooks.get_version(session, context.project, version_id)
        number = version.number
        codebooks.discard(session, actor(), context.project, version)
    flash(f"The draft of version {number} is given up. Its text stays in the history.")
    return redirect(url_for("codebooks.index", slug=slug))


@bp.get(f"{_BOOK}/recoding")
@signed_in
def show(slug: str, version_id: str) -> str:
    """Show what carrying answers over touches, with the form of a re-coding round."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        version = codebooks.get_version(session, context.project, version_id)
        held = recoding.migration(session, context.project, version)
        return render_template(
            "recoding.html",
            version=version,
            content=codebooks.content_of(version),
            migration=held,
            frozen=version.state is VersionState.FROZEN,
            coders=rounds.possible_coders(session, context.project),
            seed=secrets.randbelow(2**31),
        )


@bp.post(f"{_BOOK}/recoding")
@signed_in
def open_round(slug: str, version_id: str) -> AnyResponse:
    """Open a round of exactly the units of the chosen steps."""
    form = request.form
    numbers = [form.get(name, "").strip() for name in ("seed", "coders_per_unit")]
    if not all(number.isdigit() for number in numbers):
        raise UsageError("Seed and coders a unit are whole numbers.")
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        version = codebooks.get_version(session, context.project, version_id)
        chosen = set(form.getlist("coder"))
        plan = Plan(
            name=form.get("name", ""),
            query="",
            size=0,
            seed=int(numbers[0]),
            coders_per_unit=int(numbers[1]),
            coders=[
                one for one in rounds.possible_coders(session, context.project) if one.id in chosen
            ],
        )
        made = recoding.open_recoding(
            session, actor(), context.project, version, plan, form.getlist("step")
        )
        round_id = made.id
    flash("The round is open. Its coders find it under Coding.")
    return redirect(url_for("rounds.show", slug=slug, round_id=round_id))


def edit(
    slug: str, version_id: str, changed: Callable[[Codebook], Codebook], anchor: str
) -> AnyResponse:
    """Change a draft and go back to where it was changed."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        version = codebooks.get_version(session, context.project, version_id)
        content = changed(codebooks.content_of(version))
        codebooks.change(session, actor(), context.project, version, content, seen=seen())
    flash("Saved.")
    return redirect(_here(slug, version_id) + (f"#v-{anchor}" if anchor else ""))


def seen() -> int:
    """Read which state of a draft the form began from.

    :raises UsageError: the form does not say
    """
    version = request.form.get("version", "")
    if not version.isdigit():
        raise UsageError("The form does not say which state of the codebook it began from.")
    return int(version)


def _here(slug: str, version_id: str) -> str:
    return url_for("codebooks.show", slug=slug, version_id=version_id)

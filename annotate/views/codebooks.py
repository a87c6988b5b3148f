"""Codebooks: their versions, the editor of a draft, freezing, differences, in and out."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from annotate.instrument import editing, table
from annotate.instrument.changes import changes
from annotate.instrument.codebook import (
    CODED,
    Code,
    Codebook,
    Condition,
    Missing,
    Variable,
    VariableType,
)
from annotate.models import CodebookVersion
from annotate.permissions import Act
from annotate.services import codebooks
from annotate.views.codebook_files import LARGEST, read_codebook
from annotate.views.context import actor, load_project, signed_in, wiring
from annotate.views.recoding import edit

bp = Blueprint("codebooks", __name__)


@bp.get("/p/<slug>/codebooks")
@signed_in
def index(slug: str) -> str:
    """List codebooks with their versions."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.COUNT)
        books = codebooks.codebooks_of(session, context.project)
        rounds = codebooks.rounds_with(session, [one for _book, held in books for one in held])
        return render_template("codebooks.html", books=books, rounds=rounds)


@bp.post("/p/<slug>/codebooks")
@signed_in
def create(slug: str) -> AnyResponse:
    """Begin a codebook, empty or from a file."""
    name = request.form.get("name", "").strip()
    upload = request.files.get("file")
    content = Codebook(name)
    if upload is not None and upload.filename:
        content = read_codebook(
            name or upload.filename.rpartition(".")[0], upload.read(LARGEST + 1)
        )
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        version = codebooks.create(session, actor(), context.project, content)
        version_id = version.id
    return redirect(_here(slug, version_id))


@bp.get("/p/<slug>/codebooks/<version_id>")
@signed_in
def show(slug: str, version_id: str) -> str:
    """Show a version; a draft with its editor."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.COUNT)
        version = codebooks.get_version(session, context.project, version_id)
        earlier = codebooks.earlier_version(session, version)
        content = codebooks.content_of(version)
        before = codebooks.content_of(earlier) if earlier else Codebook("")
        return render_template(
            "codebook.html",
            version=version,
            content=content,
            changes=changes(before, content) if earlier else [],
            earlier=earlier,
            fixed=before.ids(),
            undoable=codebooks.can_undo(session, context.project, version),
            uses=codebooks.uses(session, version),
            types=list(VariableType),
            coded=CODED,
            kinds=list(Missing),
        )


@bp.get("/p/<slug>/codebooks/<version_id>.json")
@signed_in
def as_json(slug: str, version_id: str) -> Response:
    """Return the document as it is digested: `sha256sum` of it is the version's digest."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.COUNT)
        version = codebooks.get_version(session, context.project, version_id)
        return _file(version.document, "application/json", _name(version, "json"))


@bp.get("/p/<slug>/codebooks/<version_id>.csv")
@signed_in
def as_csv(slug: str, version_id: str) -> Response:
    """Return the version as a table."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.COUNT)
        version = codebooks.get_version(session, context.project, version_id)
        text = table.write_table(codebooks.content_of(version))
        return _file(text, "text/csv", _name(version, "csv"))


@bp.post("/p/<slug>/codebooks/<version_id>/head")
@signed_in
def change_head(slug: str, version_id: str) -> AnyResponse:
    """Save the instructions."""

    def changed(content: Codebook) -> Codebook:
        return replace(content, instructions=request.form.get("instructions", "").strip())

    return edit(slug, version_id, changed, "")


@bp.post("/p/<slug>/codebooks/<version_id>/variables")
@signed_in
def save_variable(slug: str, version_id: str) -> AnyResponse:
    """Add a variable, or change one."""
    form = request.form
    key = form.get("key", "").strip()

    def changed(content: Codebook) -> Codebook:
        held = next((one for one in content.variables if one.id == form.get("id")), None)
        kind = VariableType(form.get("type", "nominal"))
        if held is not None:
            content = editing.retype(content, held.key, kind)
            held = content.by_id(held.id)
        base = held or Variable(key=key, label=key, type=kind)
        return content.with_variable(
            replace(
                base,
                key=key,
                label=form.get("label", "").strip() or key,
                type=kind,
                definition=form.get("definition", "").strip(),
                required=form.get("required") == "yes",
                missing=tuple(Missing(one) for one in form.getlist("missing")),
                evidence_required=form.get("evidence_required") == "yes",
                minimum=form.get("minimum", "").strip(),
                maximum=form.get("maximum", "").strip(),
                condition=_condition(form.get("only_if", "")),
            )
        )

    return edit(slug, version_id, changed, key)


@bp.post("/p/<slug>/codebooks/<version_id>/variables/<key>/codes")
@signed_in
def save_code(slug: str, version_id: str, key: str) -> AnyResponse:
    """Add a code to a variable, or change one."""
    form = request.form

    def changed(content: Codebook) -> Codebook:
        variable = editing.variable_of(content, key)
        held = next((code for code in variable.codes if code.id == form.get("id")), None)
        code_key = form.get("code", "").strip()
        code = replace(
            held or Code(key=code_key, label=code_key),
            key=code_key,
            label=form.get("label", "").strip() or code_key,
            definition=form.get("definition", "").strip(),
            include=form.get("include", "").strip(),
            exclude=form.get("exclude", "").strip(),
            example=form.get("example", "").strip(),
            keystroke=form.get("keystroke", "").strip(),
            parent=form.get("parent", "").strip() or None,
            codable=form.get("group") != "yes",
        )
        codes = [code if one.id == code.id else one for one in variable.codes]
        if held is None:
            codes.append(code)
        return content.with_variable(replace(variable, codes=tuple(codes)))

    return edit(slug, version_id, changed, key)


@bp.post("/p/<slug>/codebooks/<version_id>/freeze")
@signed_in
def freeze(slug: str, version_id: str) -> AnyResponse:
    """Freeze a version for good."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        version = codebooks.get_version(session, context.project, version_id)
        digest = codebooks.freeze(session, actor(), context.project, version)
    flash(f"Frozen. SHA-256 of the codebook: {digest}")
    return redirect(_here(slug, version_id))


@bp.post("/p/<slug>/codebooks/<version_id>/next")
@signed_in
def begin_next(slug: str, version_id: str) -> AnyResponse:
    """Begin the next version."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.MANAGE_CODING)
        version = codebooks.get_version(session, context.project, version_id)
        reason = request.form.get("reason", "")
        following = codebooks.begin_next(session, actor(), context.project, version, reason)
        following_id = following.id
    return redirect(_here(slug, following_id))


def _condition(text: str) -> Condition | None:
    """Read `variable=value|value`."""
    asked, _, values = text.partition("=")
    if not asked.strip():
        return None
    return Condition(asked.strip(), tuple(value.strip() for value in values.split("|")))


def _here(slug: str, version_id: str) -> str:
    return url_for("codebooks.show", slug=slug, version_id=version_id)


def _name(version: CodebookVersion, ending: str) -> str:
    return f"codebook-v{version.number}-{(version.digest or 'draft')[:12]}.{ending}"


def _file(text: str, mimetype: str, name: str) -> Response:
    return Response(
        text,
        mimetype=mimetype,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )

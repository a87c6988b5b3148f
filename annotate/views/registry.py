"""The registry: its list, a page for each entry, and what can be said there."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.models import Assertion, EntryKind, RegistryEntry
from annotate.permissions import Act
from annotate.services import live
from annotate.services.label_index import labels_of
from annotate.services.registry import assertions, entries, finding, keeping, merging, pages
from annotate.services.registry.entries import EntrySpec
from annotate.services.registry.types import types_of
from annotate.services.zones import local_day
from annotate.views import registry_forms as forms
from annotate.views.context import ProjectContext, actor, load_project, signed_in, wiring
from archive.clock import utc_now

bp = Blueprint("registry", __name__)
PAGE: Final = 100


@bp.get("/p/<slug>/registry")
@signed_in
def index(slug: str) -> str:
    """List the registry."""
    asked, kind = request.args.get("q", "").strip(), request.args.get("kind", "")
    number = max(1, request.args.get("page", 1, type=int))
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        known = labels_of(session, context.project.id).known
        found = finding.matching(known, asked, forms.entry_kind(kind) if kind else None)
        today = local_day(utc_now(), context.zone)
        shown = found[(number - 1) * PAGE : number * PAGE]
        lines = finding.lines(session, context.project, shown, context.zone, today)
        feed = live.head(session, context.project.id)
    return render_template(
        "registry.html", lines=lines, total=len(found), asked=asked, kind=kind, number=number,
        pages=-(-len(found) // PAGE) or 1, kinds=list(EntryKind), feed=feed,
    )  # fmt: skip


@bp.get("/p/<slug>/registry/names.json")
@signed_in
def names(slug: str) -> Response:
    """Offer entries while somebody types a name, in whatever script."""
    kind = request.args.get("kind", "")
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        known = labels_of(session, context.project.id).known
        wanted = forms.entry_kind(kind) if kind else None
        found = finding.suggestions(known, request.args.get("q", ""), wanted)
    return jsonify([{"value": value, "words": words} for value, words in found])


@bp.post("/p/<slug>/registry")
@signed_in
def add(slug: str) -> Response:
    """Add an entry."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.REGISTER)
        spec = EntrySpec(
            forms.entry_kind(forms.field("kind")),
            **{name: forms.field(name) for name in entries.EDITABLE},
        )
        entry = entries.create(
            session, actor(), context.project, spec, forms.evidence(session, context.project)
        )
    flash("Added. Say now what is known of it, each with its evidence.")
    return redirect(_page(slug, entry))


@bp.get("/p/<slug>/registry/<entry_id>")
@signed_in
def show(slug: str, entry_id: str) -> str:
    """Show one entry."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        entry = entries.get_entry(session, context.project, entry_id)
        return render_template(
            "registry_entry.html",
            page=pages.entry_page(session, context.project, entry, context.zone),
            entry=entry,
            kinds=types_of(session, context.project),
            controlled=assertions.CONTROLLED,
            feed=live.head(session, context.project.id),
        )


@bp.post("/p/<slug>/registry/<entry_id>")
@signed_in
def change(slug: str, entry_id: str) -> Response:
    """Give an entry other values."""
    with wiring().database.write() as session:
        context, entry = _entry(session, slug, entry_id)
        values = {name: forms.field(name) for name in entries.EDITABLE if name in request.form}
        entries.change(
            session, actor(), context.project, entry, values,
            seen=forms.seen(), reason=forms.field("reason"),
        )  # fmt: skip
    return redirect(_page(slug, entry))


@bp.post("/p/<slug>/registry/<entry_id>/names")
@signed_in
def add_name(slug: str, entry_id: str) -> Response:
    """Give an entry a further name."""
    with wiring().database.write() as session:
        context, entry = _entry(session, slug, entry_id)
        entries.add_name(
            session, actor(), context.project, entry,
            name=forms.field("name"),
            kind=forms.name_kind(forms.field("kind")),
            language=forms.field("language"),
            evidence=forms.evidence(session, context.project),
        )  # fmt: skip
    return redirect(_page(slug, entry) + "#names")


@bp.post("/p/<slug>/registry/<entry_id>/handles")
@signed_in
def add_handle(slug: str, entry_id: str) -> Response:
    """Say that an account had a handle for a time."""
    with wiring().database.write() as session:
        context, entry = _entry(session, slug, entry_id)
        entries.add_handle(
            session, actor(), context.project, entry,
            handle=forms.field("handle"),
            valid_from=forms.day("valid_from"),
            valid_to=forms.day("valid_to"),
            evidence=forms.evidence(session, context.project),
        )  # fmt: skip
    return redirect(_page(slug, entry) + "#handles")


@bp.post("/p/<slug>/registry/<entry_id>/assertions")
@signed_in
def add_assertion(slug: str, entry_id: str) -> Response:
    """State something of an entry."""
    with wiring().database.write() as session:
        context, entry = _entry(session, slug, entry_id)
        evidence = forms.evidence(session, context.project)
        assertions.state(session, actor(), context.project, entry, forms.assertion(), evidence)
    return redirect(_page(slug, entry) + "#assertions")


@bp.post("/p/<slug>/assertions/<assertion_id>")
@signed_in
def change_assertion(slug: str, assertion_id: str) -> Response:
    """Give a statement other words, days or evidence."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.REGISTER)
        row = keeping.get(session, context.project, Assertion, assertion_id, "statement")
        assertions.change(
            session, actor(), context.project, row, forms.assertion(),
            forms.evidence(session, context.project),
            seen=forms.seen(), reason=forms.field("reason"),
        )  # fmt: skip
        entry = session.get_one(RegistryEntry, row.entry_id)
    return redirect(_page(slug, entry) + "#assertions")


@bp.post("/p/<slug>/registry/<entry_id>/judgements")
@signed_in
def judge(slug: str, entry_id: str) -> Response:
    """Say whether an entry is the same as another; the other counts."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.JUDGE_SAME)
        entry = entries.get_entry(session, context.project, entry_id)
        into = finding.resolve(session, context.project, forms.field("into"), [entry.kind])
        merging.judge(
            session, actor(), context.project, entry, into,
            forms.judgement(forms.field("judgement")), forms.field("reason"),
        )  # fmt: skip
    return redirect(_page(slug, into) + "#same")


@bp.post("/p/<slug>/registry-judgements/<judgement_id>/undo")
@signed_in
def undo_judgement(slug: str, judgement_id: str) -> Response:
    """Take a judgement back: the entries are apart again."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.JUDGE_SAME)
        row = merging.undo(session, actor(), context.project, judgement_id)
    flash("Taken back. Each entry has again what was its own.")
    return redirect(url_for("registry.show", slug=slug, entry_id=row.entry_id))


@bp.post("/p/<slug>/kept/<table>/<row_id>/withdraw")
@signed_in
def withdraw(slug: str, table: str, row_id: str) -> Response:
    """Take a row of the registry back, or put it back."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.REGISTER)
        row = keeping.find(session, context.project, table, row_id)
        context.permit(keeping.act_of(row))
        keeping.withdraw(
            session, actor(), context.project, row,
            back=forms.field("back") == "yes", seen=forms.seen(), reason=forms.field("reason"),
        )  # fmt: skip
    return redirect(request.referrer or url_for("registry.index", slug=slug))


@bp.post("/p/<slug>/changes/<int:event_id>/undo")
@signed_in
def undo(slug: str, event_id: int) -> Response:
    """Take one change of the registry back."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.REGISTER)
        context.permit(keeping.act_of(keeping.undo(session, actor(), context.project, event_id)))
    flash("Taken back. The history shows both.")
    return redirect(request.referrer or url_for("registry.index", slug=slug))


def _entry(session: Session, slug: str, entry_id: str) -> tuple[ProjectContext, RegistryEntry]:
    context = load_project(session, slug, Act.REGISTER)
    return context, entries.get_entry(session, context.project, entry_id)


def _page(slug: str, entry: RegistryEntry) -> str:
    return url_for("registry.show", slug=slug, entry_id=entry.id)

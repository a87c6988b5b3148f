"""Relations: those of an item, those between entries, and the kinds there are."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.models import EntryKind, Relation
from annotate.permissions import Act
from annotate.services import items, live
from annotate.services.counting import load_facts_of_items, why
from annotate.services.registry import entries, finding, keeping, relations, types
from annotate.services.registry.relations import End, RelationSpec
from annotate.views import registry_forms as forms
from annotate.views.context import ProjectContext, actor, load_project, signed_in, wiring
from archive.urlkey import Address

bp = Blueprint("relations", __name__)


@bp.get("/p/<slug>/items/<item_id>/relations")
@signed_in
def of_item(slug: str, item_id: str) -> str:
    """Show whose an item is, and what it is related to."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        item = items.get_item(session, context.project.id, item_id)
        facts = load_facts_of_items(session, context.project.id, item.same_as_id or item.id)
        kinds = types.types_of(session, context.project)
        return render_template(
            "item_relations.html",
            item=item,
            relations=relations.of_item(session, context.project, item),
            kinds=[one for one in kinds.values() if one.subject == "item"],
            whose=facts[0].attribution(context.zone) if facts else None,
            standing=why(facts[0], context.project, context.zone).value if facts else "",
            sweeps=facts[0].sweeps if facts else (),
            feed=live.head(session, context.project.id),
        )


@bp.post("/p/<slug>/relations")
@signed_in
def relate(slug: str) -> Response:
    """Relate two things, with evidence."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.REGISTER)
        kind = types.types_of(session, context.project).get(forms.field("type"))
        if kind is None:
            raise UsageError("Choose a relation. Nothing was saved.")
        spec = RelationSpec(
            type=kind.key,
            subject=find_end(
                session, context, kind.subject, forms.field("subject"), forms.field("subject_id")
            ),
            object=find_end(
                session, context, kind.object, forms.field("object"), forms.field("object_id")
            ),
            quote=forms.field("quote"),
            valid_from=forms.day("valid_from"),
            valid_to=forms.day("valid_to"),
        )
        evidence = forms.evidence(session, context.project)
        relations.relate(session, actor(), context.project, spec, evidence)
    return redirect(request.referrer or url_for("registry.index", slug=slug))


@bp.post("/p/<slug>/relations/<relation_id>")
@signed_in
def change(slug: str, relation_id: str) -> Response:
    """Give a relation other days, words or evidence."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.REGISTER)
        row = keeping.get(session, context.project, Relation, relation_id, "relation")
        relations.change(
            session, actor(), context.project, row, forms.evidence(session, context.project),
            quote=forms.field("quote"),
            valid_from=forms.day("valid_from"),
            valid_to=forms.day("valid_to"),
            seen=forms.seen(),
            reason=forms.field("reason"),
        )  # fmt: skip
    return redirect(request.referrer or url_for("registry.index", slug=slug))


@bp.get("/p/<slug>/relation-types")
@signed_in
def kinds(slug: str) -> str:
    """Show the kinds of relations."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        held = types.types_of(session, context.project)
    return render_template(
        "relation_types.html",
        kinds=held.values(),
        ends=types.ENDS,
        common={one.key for one in types.COMMON},
    )


@bp.post("/p/<slug>/relation-types")
@signed_in
def add_kind(slug: str) -> Response:
    """Add a kind of relation."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CHANGE_PROJECT)
        spec = types.TypeSpec(
            **{one: forms.field(one) for one in ("key", "label", "inverse", "subject", "object")}
        )
        types.add_type(session, actor(), context.project, spec)
    return redirect(url_for("relations.kinds", slug=slug))


def find_end(
    session: Session, context: ProjectContext, kind: str, written: str, end_id: str = ""
) -> End:
    """Return one end of a relation: an item by id or address, an entry by id or by name.

    :raises UsageError: nothing is called so, or several are
    :raises NotFoundError: there is nothing of that id here
    """
    if kind == "item":
        if end_id:
            return items.get_item(session, context.project.id, end_id)
        item = items.find_item(session, context.project.id, Address.parse(written.strip()))
        if item is None:
            raise UsageError("The project has no item of that address; add it first.")
        return item
    if end_id:
        return entries.get_entry(session, context.project, end_id)
    return finding.resolve(session, context.project, written, [EntryKind(kind)])

"""One item: its evidence, where it comes from, notes, tags, fields, history."""

from __future__ import annotations

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import UsageError
from annotate.models import (
    Capture,
    CaptureRequest,
    Item,
    Judgement,
    NoteKind,
    Record,
    Rendition,
    ValueSource,
    WarcFile,
)
from annotate.permissions import Act
from annotate.services import (
    checks,
    comments,
    elsewhere,
    fields,
    items,
    live,
    memos,
    notes,
    reading,
    renditions,
    replay_checks,
    requests,
    sameness,
    screening,
    similar,
    tags,
    timeline,
)
from annotate.services.counting import load_facts_of_items, why
from annotate.services.label_index import labels_of
from annotate.services.projects import members_of
from annotate.views.context import (
    ProjectContext,
    actor,
    load_project,
    person,
    signed_in,
    wiring,
)
from annotate.views.veiling import veil_over
from archive.urlkey import Address

bp = Blueprint("items", __name__)
_SIMILAR = 5  # items named on the page
TABS = ("evidence", "text", "provenance", "history")


@bp.get("/p/<slug>/items/<item_id>")
@signed_in
def show(slug: str, item_id: str) -> str:
    """Show an item."""
    tab = request.args.get("tab", "evidence")
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        item = items.get_item(session, context.project.id, item_id)
        captures = timeline.captures_of(session, item)
        chosen = request.args.get("capture") or item.latest_capture_id
        capture = next((one for one, _by in captures if one.id == chosen), None)
        return render_template(
            "item.html",
            tab=tab if tab in TABS else "evidence",
            tabs=TABS,
            item=item,
            captures=captures,
            moments=timeline.of_item(session, item),
            capture=capture,
            **_of_capture(session, capture),
            **_texts(session, capture),
            veil=veil_over(session, item.id),
            **_of_item(session, context, item),
        )


@bp.get("/p/<slug>/items/<item_id>.json")
@signed_in
def as_json(slug: str, item_id: str) -> Response:
    """Return an item's tags, notes and fields."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        item = items.get_item(session, context.project.id, item_id)
        found = notes.notes_of(session, item.id)
        values = fields.values_of(session, [item.id], current_only=False)[item.id]
        keys = {one.id: one.key for one in fields.fields_of(session, context.project.id)}
        held = tags.tags_of(session, [item.id])[item.id]
    return jsonify(
        id=item.id,
        address=item.address,
        title=item.title,
        outcome=item.latest_outcome.value if item.latest_outcome else None,
        tags=[tag.name for tag in held],
        notes=[
            {"id": note.id, "kind": note.kind.value, "text": note.text, "version": note.row_version}
            for note, _versions in found
        ],
        fields={
            keys[key]: [
                {
                    "value": one.value,
                    "raw": one.raw,
                    "source": one.source.value,
                    "state": one.state.value,
                    "current": one.current,
                }
                for one in held_values
            ]
            for key, held_values in values.items()
        },
    )


@bp.post("/p/<slug>/items/<item_id>/tags")
@signed_in
def add_tag(slug: str, item_id: str) -> Response:
    """Put a tag on."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.TAG)
        item = items.get_item(session, context.project.id, item_id)
        tags.add_tag(session, actor(), context.project, item, request.form.get("tag", ""))
    return redirect(_here(slug, item_id) + "#tags")


@bp.post("/p/<slug>/items/<item_id>/tags/<tag_id>/remove")
@signed_in
def remove_tag(slug: str, item_id: str, tag_id: str) -> Response:
    """Take a tag off."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.TAG)
        item = items.get_item(session, context.project.id, item_id)
        tag = tags.get_tag(session, context.project, tag_id)
        tags.remove_tag(session, actor(), context.project, item, tag)
    return redirect(_here(slug, item_id) + "#tags")


@bp.post("/p/<slug>/items/<item_id>/notes")
@signed_in
def add_note(slug: str, item_id: str) -> Response:
    """Write a note."""
    kind = NoteKind.REMARK if request.form.get("kind") == "remark" else NoteKind.PROVENANCE
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.NOTE)
        item = items.get_item(session, context.project.id, item_id)
        notes.add_note(session, actor(), context.project, item, kind, request.form.get("text", ""))
    return redirect(_here(slug, item_id) + "#notes")


@bp.post("/p/<slug>/notes/<note_id>")
@signed_in
def edit_note(slug: str, note_id: str) -> Response:
    """Give a note a new text."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.NOTE)
        note = notes.get_note(session, context.project, note_id)
        notes.edit_note(
            session,
            actor(),
            context.project,
            note,
            request.form.get("text", ""),
            seen=_number(request.form.get("version", "")),
        )
        item_id = note.item_id
    return redirect(_here(slug, item_id) + "#notes")


@bp.post("/p/<slug>/notes/<note_id>/withdraw")
@signed_in
def withdraw_note(slug: str, note_id: str) -> Response:
    """Withdraw a note, or take that back."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.NOTE)
        note = notes.get_note(session, context.project, note_id)
        back = request.form.get("back") == "yes"
        notes.withdraw(session, actor(), context.project, note, back=back)
        item_id = note.item_id
    return redirect(_here(slug, item_id) + "#notes")


@bp.post("/p/<slug>/items/<item_id>/fields/<key>")
@signed_in
def set_field(slug: str, item_id: str, key: str) -> Response:
    """Set a field's values by hand."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.SET_FIELD)
        item = items.get_item(session, context.project.id, item_id)
        by_key = {one.key: one for one in fields.fields_of(session, context.project.id)}
        if key not in by_key:
            raise UsageError(f"This project has no field {key!r}.")
        raws = fields.split_values(by_key[key], request.form.get("value", ""))
        fields.set_values(
            session,
            actor(),
            context.project,
            item,
            {by_key[key]: raws},
            source=ValueSource.PERSON,
            seen={key: request.form.get("version", "")},
        )
        checks.recheck_item(session, actor(), context.project, item)
    return redirect(_here(slug, item_id) + "#fields")


@bp.post("/p/<slug>/items/<item_id>/same")
@signed_in
def judge(slug: str, item_id: str) -> Response:
    """Say that this address shows the same as another."""
    form = request.form
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.JUDGE_SAME)
        item = items.get_item(session, context.project.id, item_id)
        other = items.find_item(session, context.project.id, Address.parse(form.get("address", "")))
        if other is None:
            raise UsageError("The project has no item of that address; add it first.")
        word = form.get("judgement", "same")
        if word not in {one.value for one in Judgement}:
            raise UsageError(f"{word!r} is no judgement.")
        sameness.judge(
            session,
            actor(),
            context.project,
            item,
            other,
            Judgement(word),
            form.get("reason", ""),
        )
    return redirect(_here(slug, item_id) + "#same")


@bp.post("/p/<slug>/same/<judgement_id>/undo")
@signed_in
def undo_judgement(slug: str, judgement_id: str) -> Response:
    """Take a judgement back."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.JUDGE_SAME)
        sameness.undo(session, actor(), context.project, judgement_id)
    return redirect(request.referrer or url_for("library.index", slug=slug))


@bp.post("/p/<slug>/items/<item_id>/capture")
@signed_in
def capture_again(slug: str, item_id: str) -> Response:
    """Capture the item again: a second capture, never a replacement."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.CAPTURE)
        item = items.get_item(session, context.project.id, item_id)
        requests.ask(
            session,
            actor(),
            context.project,
            [Address.parse(item.address)],
            why="again",
            priority=10,
        )
    flash("Queued: it is captured once more, beside what is there.")
    return redirect(_here(slug, item_id))


def _of_capture(session: Session, capture: Capture | None) -> dict[str, object]:
    if capture is None:
        return {"warc": None, "records": [], "rendition": None, "checked": None}
    records = select(Record).where(Record.warc_file_id == capture.warc_file_id)
    return {
        "warc": session.get(WarcFile, capture.warc_file_id) if capture.warc_file_id else None,
        "records": session.scalars(records.order_by(Record.position).limit(200)).all(),
        "rendition": session.get(Rendition, capture.id),
        "checked": replay_checks.read_check(capture),
    }


def _texts(session: Session, capture: Capture | None) -> dict[str, object]:
    """Return the texts of a capture: which there are, and the one chosen with its marks."""
    found = renditions.documents_in_capture(session, capture.id) if capture is not None else []
    chosen = request.args.get("document", type=int)
    document = next((one for one in found if one.position == chosen and one.text), None)
    rendition = session.get(Rendition, capture.id) if capture is not None else None
    text = document or rendition
    return {
        "documents": found,
        "document": document,
        "told": text,
        "former": renditions.former_texts(session, capture.id) if capture is not None else [],
        "reading": reading.read(
            text.text if text is not None else "",
            request.args.get("find", "").strip(),
            request.args.get("mark", 1, type=int),
        ),
    }


def _of_item(session: Session, context: ProjectContext, item: Item) -> dict[str, object]:
    project = context.project
    all_fields = fields.fields_of(session, project.id)
    values = fields.values_of(session, [item.id], current_only=False)[item.id]
    facts = next((one for one in load_facts_of_items(session, project.id, item.id)), None)
    return {
        "tags": tags.tags_of(session, [item.id])[item.id],
        "all_tags": tags.all_tags(session, project.id),
        "notes": notes.notes_of(session, item.id),
        "withdrawn_notes": notes.withdrawn_by(session, item.id, person().id),
        "codings_elsewhere": elsewhere.of_item(session, item.id),
        "fields": [
            (one, values.get(one.id, []), fields.version_of(values.get(one.id, [])))
            for one in all_fields
        ],
        "screened": screening.said_of(session, [item.id]).get(item.id),
        "screened_alike": screening.said_of_alike(session, item),
        "memos": memos.about_item(session, project, item.id),
        "threads": comments.threads_of_item(session, project, item.id),
        "names": [(one.login, one.display_name) for one, _role in members_of(session, project)],
        "closed_here": item.id in g.hidden,
        "judgements": sameness.judgements_of(session, item.id),
        **_similar(session, project.id, item),
        "history": live.of_item(session, item.id),
        "requests": session.scalars(
            select(CaptureRequest)
            .where(CaptureRequest.item_id == item.id)
            .order_by(CaptureRequest.id.desc())
        ).all(),
        "standing": why(facts, project, context.zone).value if facts else "",
        "feed": live.head(session, project.id),
    }


def _similar(session: Session, project_id: str, item: Item) -> dict[str, object]:
    found = similar.similar_to(session, labels_of(session, project_id), item)
    shown = [(one, session.get_one(Item, one.item_id)) for one in found[:_SIMILAR]]
    return {"similar": shown, "similar_count": len(found)}


def _number(text: str) -> int:
    if not text.isdigit():
        raise UsageError("The form does not say which version of the note it began from.")
    return int(text)


def _here(slug: str, item_id: str) -> str:
    return url_for("items.show", slug=slug, item_id=item_id, tab=request.args.get("tab"))

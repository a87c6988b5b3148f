"""Comments: writing, answering, settling, and the list of those that concern somebody."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import NotFoundError, UsageError
from annotate.models import Comment, CommentOn, Item
from annotate.permissions import Act
from annotate.services import comment_subjects, comments, mentions
from annotate.services.comments import Subject
from annotate.services.live import head
from annotate.services.projects import members_of
from annotate.views.context import (
    ProjectContext,
    actor,
    load_project,
    person,
    signed_in,
    wiring,
)

bp = Blueprint("comments", __name__)


@bp.get("/p/<slug>/comments")
@signed_in
def index(slug: str) -> str:
    """List the threads that are not settled; on wish the questions alone."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        questions = request.args.get("questions") == "yes"
        threads = comments.open_threads(session, context.project, questions=questions)
        return render_template(
            "comments.html",
            threads=threads,
            places=_places(session, slug, [one.first.comment for one in threads]),
            questions=questions,
            names=_names(session, context),
            feed=head(session, context.project.id),
        )


@bp.get("/p/<slug>/for-you")
@signed_in
def for_you(slug: str) -> str:
    """List the comments that name the person who asks, or answer in their threads."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        entries = mentions.for_you(session, context.project, person())
        return render_template(
            "for_you.html",
            entries=entries,
            places=_places(session, slug, [one.comment for one in entries]),
            feed=head(session, context.project.id),
        )


@bp.post("/p/<slug>/for-you")
@signed_in
def read(slug: str) -> Response:
    """Note what has been read, or has not."""
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.READ)
        ids = request.form.getlist("comment")
        wanted = request.form.get("read") != "no"
        mentions.set_read(session, context.project, person(), ids, read=wanted)
    return redirect(url_for("comments.for_you", slug=slug))


@bp.get("/p/<slug>/comments/<on>/<subject_id>")
@signed_in
def show(slug: str, on: str, subject_id: str) -> str:
    """Show what is said about one thing."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        subject = _subject(session, context, on, subject_id)
        return render_template(
            "comments.html",
            threads=comments.threads_on(session, context.project, subject),
            places={},
            subject=subject,
            back=_place(session, slug, subject),
            names=_names(session, context),
            feed=head(session, context.project.id),
        )


@bp.post("/p/<slug>/comments/<on>/<subject_id>")
@signed_in
def add(slug: str, on: str, subject_id: str) -> Response:
    """Begin a thread about something."""
    form = request.form
    with wiring().database.write() as session:
        context = load_project(session, slug, _may_say(on))
        subject = _subject(session, context, on, subject_id)
        made = comments.add(
            session,
            actor(),
            context.project,
            subject,
            form.get("text", ""),
            question=form.get("question") == "yes",
        )
        made_id = made.id
    return redirect(_back(slug, subject, made_id))


@bp.post("/p/<slug>/comments/<comment_id>")
@signed_in
def change(slug: str, comment_id: str) -> Response:
    """Answer, edit, withdraw or settle; `act` says which."""
    form = request.form
    act = form.get("act", "")
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.READ)
        one = comments.get(session, context.project, comment_id)
        context.permit(_may_say(one.on.value))
        subject = comment_subjects.of_comment(session, one)
        done = _act(session, context, one, act, sealed=subject.sealed)
    return redirect(_back(slug, subject, done))


def _act(session: Session, context: ProjectContext, one: Comment, act: str, *, sealed: bool) -> str:
    """Do one thing with a comment; return the id of the comment to show then."""
    who, project, text = actor(), context.project, request.form.get("text", "")
    if act == "reply":
        return comments.reply(session, who, project, one, text, sealed=sealed).id
    if act == "edit":
        seen = request.form.get("version", "")
        if not seen.isdigit():
            raise UsageError("The form does not say which version it began from.")
        comments.edit(session, who, project, one, text, seen=int(seen), sealed=sealed)
    elif act in {"withdraw", "restore"}:
        back = act == "restore"
        comments.withdraw(session, who, project, one, sealed=sealed, back=back)
    elif act in {"resolve", "reopen"}:
        back = act == "reopen"
        comments.resolve(session, who, project, one, sealed=sealed, back=back)
        flash("Open again." if back else "Settled. It can be opened again.")
    else:
        raise UsageError(f"{act!r} is nothing that is done with a comment.")
    return one.id


def _may_say(on: str) -> Act:
    """Units are spoken of by those who code."""
    return Act.CODE if on == CommentOn.UNIT else Act.NOTE


def _subject(session: Session, context: ProjectContext, on: str, subject_id: str) -> Subject:
    if on not in {one.value for one in CommentOn}:
        raise NotFoundError(f"There is nothing called {on!r} to comment on.")
    part = request.args.get("part", "")
    return comment_subjects.find(
        session, context.project, person(), CommentOn(on), subject_id, part
    )


def _names(session: Session, context: ProjectContext) -> list[tuple[str, str]]:
    """Return how members are named with @."""
    found = members_of(session, context.project)
    return [(user.login, user.display_name) for user, _role in found]


def _back(slug: str, subject: Subject, comment_id: str) -> str:
    """Return where a form was sent from; by itself, the thing's own page."""
    if request.form.get("from") == "item" and subject.item_id is not None and not subject.sealed:
        place = url_for("items.show", slug=slug, item_id=subject.item_id)
    elif request.form.get("from") == "unit":
        place = url_for("coding.show", slug=slug, assignment_id=subject.id)
    elif request.form.get("from") == "list":
        place = url_for("comments.index", slug=slug)
    else:
        place = _page_of(slug, subject)
    return f"{place}#c-{comment_id}"


def _page_of(slug: str, subject: Subject) -> str:
    return url_for(
        "comments.show",
        slug=slug,
        on=subject.on.value,
        subject_id=subject.id,
        part=subject.part or None,
    )


def _place(session: Session, slug: str, subject: Subject) -> tuple[str, str]:
    """Return the address and the words of what is commented on."""
    if subject.on is CommentOn.CODEBOOK:
        return (
            url_for("codebooks.index", slug=slug),
            f"The codebook{f', {subject.part}' if subject.part else ''}",
        )
    item = session.get_one(Item, subject.item_id or "")
    name = item.title or item.address
    if subject.sealed:
        return url_for("coding.show", slug=slug, assignment_id=subject.id), name
    capture = subject.id if subject.on is CommentOn.CAPTURE else None
    return url_for("items.show", slug=slug, item_id=item.id, capture=capture), name


def _places(session: Session, slug: str, said: list[Comment]) -> dict[str, tuple[str, str]]:
    """Return, by comment, the address at which it is read and the words of what it is about."""
    found = {}
    for one in said:
        subject = comment_subjects.of_comment(session, one)
        _address, words = _place(session, slug, subject)
        if one.on is CommentOn.UNIT and one.asker_id != person().id:
            found[one.id] = (url_for("comments.index", slug=slug) + f"#c-{one.id}", words)
        elif one.on in {CommentOn.CODEBOOK, CommentOn.UNIT} or subject.sealed:
            found[one.id] = (f"{_page_of(slug, subject)}#c-{one.id}", words)
        else:
            place = url_for("items.show", slug=slug, item_id=one.item_id)
            found[one.id] = (f"{place}#c-{one.id}", words)
    return found

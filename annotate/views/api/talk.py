"""Comments over the API."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import Comment, CommentOn
from annotate.permissions import Act
from annotate.services import comment_subjects, comments, items, mentions
from annotate.services.comments import Said, Thread
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, actor, person
from archive.clock import isoformat

_TEXT = {"type": "string"}
_OPTIONAL = {"type": "string", "required": False}
_ON = {"type": "string", "enum": [one.value for one in CommentOn]}


@endpoint(
    "GET",
    project("/comments"),
    Act.READ,
    "Threads on one thing (`on`, `id`, `part`), or all that are not settled",
    query={"on": _ON, "id": _TEXT, "part": _TEXT, "questions": {"type": "boolean"}},
)
def threads(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Return threads; what is sealed from whoever asks is not among them."""
    if request.args.get("id"):
        subject = comment_subjects.find(
            session,
            context.project,
            person(),
            _on(request.args.get("on", "item")),
            request.args["id"],
            request.args.get("part", ""),
        )
        found = comments.threads_on(session, context.project, subject)
    else:
        wanted = request.args.get("questions") == "true"
        found = comments.open_threads(session, context.project, questions=wanted)
    return {"threads": [_thread(one) for one in found]}


@endpoint(
    "GET",
    project("/items/<item_id>/comments"),
    Act.READ,
    "Threads on an item, its captures, highlights and revealed units",
)
def of_item(session: Session, context: ProjectContext, _body: Any, item_id: str) -> dict[str, Any]:
    """Return every thread that concerns an item."""
    item = items.get_item(session, context.project.id, item_id)
    found = comments.threads_of_item(session, context.project, item.id)
    return {"threads": [_thread(one) for one in found]}


@endpoint(
    "POST",
    project("/comments"),
    Act.NOTE,
    "Comment on an item, a capture, a highlight, a codebook (or `part` of it) or a unit of yours",
    body={
        "on": _ON,
        "id": _TEXT,
        "part": _OPTIONAL,
        "text": _TEXT,
        "question": {"type": "boolean", "required": False},
    },
)
def add(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Begin a thread."""
    subject = comment_subjects.find(
        session, context.project, person(), _on(body["on"]), body["id"], body.get("part", "")
    )
    if subject.on is CommentOn.UNIT:
        context.permit(Act.CODE)
    question = bool(body.get("question", False))
    return _comment(
        comments.add(session, actor(), context.project, subject, body["text"], question=question)
    )


@endpoint(
    "POST",
    project("/comments/<comment_id>/replies"),
    Act.NOTE,
    "Answer in a thread",
    body={"text": _TEXT},
)
def reply(session: Session, context: ProjectContext, body: Any, comment_id: str) -> dict[str, Any]:
    """Answer."""
    one = comments.get(session, context.project, comment_id)
    sealed = comment_subjects.is_sealed(session, one)
    return _comment(
        comments.reply(session, actor(), context.project, one, body["text"], sealed=sealed)
    )


@endpoint(
    "PUT",
    project("/comments/<comment_id>"),
    Act.NOTE,
    "Give your comment another text; 409 if you saved elsewhere in between",
    body={"text": _TEXT, "version": {"type": "integer"}},
)
def edit(session: Session, context: ProjectContext, body: Any, comment_id: str) -> dict[str, Any]:
    """Edit one's own comment."""
    one = comments.get(session, context.project, comment_id)
    sealed = comment_subjects.is_sealed(session, one)
    comments.edit(
        session, actor(), context.project, one, body["text"], seen=body["version"], sealed=sealed
    )
    return _comment(one)


@endpoint(
    "DELETE", project("/comments/<comment_id>"), Act.NOTE, "Withdraw your comment; its text is kept"
)
def withdraw(
    session: Session, context: ProjectContext, _body: Any, comment_id: str
) -> dict[str, Any]:
    """Withdraw one's own comment."""
    one = comments.get(session, context.project, comment_id)
    sealed = comment_subjects.is_sealed(session, one)
    comments.withdraw(session, actor(), context.project, one, sealed=sealed, back=False)
    return _comment(one)


@endpoint(
    "POST",
    project("/comments/<comment_id>/restore"),
    Act.NOTE,
    "Take your withdrawn comment back in",
)
def restore(
    session: Session, context: ProjectContext, _body: Any, comment_id: str
) -> dict[str, Any]:
    """Take a withdrawal of one's own comment back."""
    one = comments.get(session, context.project, comment_id)
    sealed = comment_subjects.is_sealed(session, one)
    comments.withdraw(session, actor(), context.project, one, sealed=sealed, back=True)
    return _comment(one)


@endpoint(
    "PUT",
    project("/comments/<comment_id>/resolved"),
    Act.NOTE,
    "Say that a thread is settled, or open it again",
    body={"resolved": {"type": "boolean"}},
)
def resolve(
    session: Session, context: ProjectContext, body: Any, comment_id: str
) -> dict[str, Any]:
    """Settle a thread, or open it again."""
    one = comments.get(session, context.project, comment_id)
    sealed = comment_subjects.is_sealed(session, one)
    back = not body["resolved"]
    comments.resolve(session, actor(), context.project, one, sealed=sealed, back=back)
    return {"id": one.thread_id, "resolved": not back}


@endpoint(
    "GET",
    project("/me/for-you"),
    Act.READ,
    "Comments that name you or answer in your threads, unread ones first",
)
def for_you(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Return the list of whoever the token is for."""
    found = mentions.for_you(session, context.project, person())
    return {
        "unread": mentions.unread(session, context.project, person()),
        "comments": [
            _comment(one.comment)
            | {"author": one.author, "why": one.told.value, "read": one.is_read}
            for one in found
        ],
    }


@endpoint(
    "PUT",
    project("/me/for-you"),
    Act.READ,
    "Note of comments on your list that you have read them, or have not",
    body={"comments": {"type": "array", "items": _TEXT}, "read": {"type": "boolean"}},
)
def set_read(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Mark comments of one's own list."""
    ids = [str(one) for one in body["comments"]]
    mentions.set_read(session, context.project, person(), ids, read=body["read"])
    return {"unread": mentions.unread(session, context.project, person())}


def _on(word: str) -> CommentOn:
    if word not in {one.value for one in CommentOn}:
        raise UsageError(f"There is nothing called {word!r} to comment on.")
    return CommentOn(word)


def _thread(one: Thread) -> dict[str, Any]:
    return {
        "id": one.first.comment.id,
        "resolved": one.is_resolved,
        "question": one.first.comment.is_question,
        "comments": [_said(said) for said in (one.first, *one.replies)],
    }


def _said(said: Said) -> dict[str, Any]:
    return _comment(said.comment) | {"author": said.author}


def _comment(one: Comment) -> dict[str, Any]:
    return {
        "id": one.id,
        "thread": one.thread_id,
        "on": one.on.value,
        "subject": one.subject,
        "part": one.part,
        "text": None if one.withdrawn_at else one.text,
        "version": one.row_version,
        "created_at": isoformat(one.created_at),
        "withdrawn": one.withdrawn_at is not None,
    }

"""Memos over the API: their texts and versions, and what they are about."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import CommentOn, Memo, MemoKind
from annotate.permissions import Act
from annotate.services import comment_subjects, items, memos
from annotate.views.api.spec import endpoint, project
from annotate.views.context import ProjectContext, actor, person
from archive.clock import isoformat

_TEXT = {"type": "string"}
_OPTIONAL = {"type": "string", "required": False}
_KIND = {"type": "string", "enum": [one.value for one in MemoKind]}


@endpoint(
    "GET",
    project("/memos"),
    Act.READ,
    "Memos, the last changed first",
    query={"q": _TEXT, "kind": _KIND},
)
def find_memos(session: Session, context: ProjectContext, _body: Any) -> dict[str, Any]:
    """Return memos."""
    kind = request.args.get("kind", "")
    found = memos.memos_of(
        session,
        context.project,
        kind=_kind(kind) if kind else None,
        words=request.args.get("q", ""),
    )
    return {"memos": [_memo(memo) | {"changed_by": name} for memo, name in found]}


@endpoint("GET", project("/memos/<memo_id>"), Act.READ, "A memo with its versions and links")
def show_memo(
    session: Session, context: ProjectContext, _body: Any, memo_id: str
) -> dict[str, Any]:
    """Return a memo."""
    memo = memos.get(session, context.project, memo_id)
    return _memo(memo) | {
        "versions": [
            {
                "version": one.version,
                "title": one.title,
                "text": one.text,
                "by": name,
                "at": isoformat(one.written_at),
            }
            for one, name in memos.versions_of(session, memo)
        ],
        "links": _links(session, memo),
    }


@endpoint(
    "POST",
    project("/memos"),
    Act.NOTE,
    "Write a memo, about items if wanted",
    body={
        "kind": _KIND,
        "title": _TEXT,
        "text": _TEXT,
        "items": {"type": "array", "items": _TEXT, "required": False},
    },
)
def add_memo(session: Session, context: ProjectContext, body: Any) -> dict[str, Any]:
    """Write a memo."""
    kind = _kind(body["kind"])
    memo = memos.create(session, actor(), context.project, kind, body["title"], body["text"])
    for item_id in body.get("items", []):
        item = items.get_item(session, context.project.id, str(item_id))
        memos.link_item(session, actor(), context.project, memo, item)
    return _memo(memo)


@endpoint(
    "PUT",
    project("/memos/<memo_id>"),
    Act.NOTE,
    "Give a memo another title and text; 409 if somebody saved in between",
    body={"title": _TEXT, "text": _TEXT, "version": {"type": "integer"}},
)
def edit_memo(session: Session, context: ProjectContext, body: Any, memo_id: str) -> dict[str, Any]:
    """Edit a memo."""
    memo = memos.get(session, context.project, memo_id)
    memos.edit(
        session, actor(), context.project, memo, body["title"], body["text"], seen=body["version"]
    )
    return _memo(memo)


@endpoint(
    "PUT",
    project("/memos/<memo_id>/withdrawn"),
    Act.NOTE,
    "Withdraw a memo, or take that back",
    body={"withdrawn": {"type": "boolean"}},
)
def withdraw_memo(
    session: Session, context: ProjectContext, body: Any, memo_id: str
) -> dict[str, Any]:
    """Withdraw a memo, or take that back."""
    memo = memos.get(session, context.project, memo_id)
    memos.withdraw(session, actor(), context.project, memo, back=not body["withdrawn"])
    return _memo(memo)


@endpoint(
    "POST",
    project("/memos/<memo_id>/restore"),
    Act.NOTE,
    "Make an earlier version of a memo the newest; 409 if somebody saved in between",
    body={"number": {"type": "integer"}, "version": {"type": "integer"}},
)
def restore_memo(
    session: Session, context: ProjectContext, body: Any, memo_id: str
) -> dict[str, Any]:
    """Bring an earlier text back."""
    memo = memos.get(session, context.project, memo_id)
    memos.restore(session, actor(), context.project, memo, body["number"], seen=body["version"])
    return _memo(memo)


@endpoint(
    "POST",
    project("/memos/<memo_id>/links"),
    Act.NOTE,
    "Say that a memo is about an item, or about a codebook or a part of it",
    body={"item": _OPTIONAL, "codebook": _OPTIONAL, "part": _OPTIONAL},
)
def link_memo(session: Session, context: ProjectContext, body: Any, memo_id: str) -> dict[str, Any]:
    """Link a memo to what it is about."""
    if ("item" in body) == ("codebook" in body):
        raise UsageError("Send either “item” or “codebook”.")
    memo = memos.get(session, context.project, memo_id)
    if "item" in body:
        item = items.get_item(session, context.project.id, body["item"])
        memos.link_item(session, actor(), context.project, memo, item)
    else:
        book = comment_subjects.find(
            session, context.project, person(), CommentOn.CODEBOOK, body["codebook"],
            body.get("part", ""),
        )  # fmt: skip
        memos.link_code(session, actor(), context.project, memo, book.id, book.part)
    return {"links": _links(session, memo)}


@endpoint(
    "DELETE",
    project("/memos/<memo_id>/links/<link_id>"),
    Act.NOTE,
    "Say that a memo is not about something after all",
)
def unlink_memo(
    session: Session, context: ProjectContext, _body: Any, memo_id: str, link_id: str
) -> dict[str, Any]:
    """Take a link off a memo."""
    memo = memos.get(session, context.project, memo_id)
    memos.unlink(session, actor(), context.project, memo, link_id)
    return {"links": _links(session, memo)}


def _kind(word: str) -> MemoKind:
    if word not in {one.value for one in MemoKind}:
        raise UsageError(f"There is no kind of memo {word!r}.")
    return MemoKind(word)


def _links(session: Session, memo: Memo) -> list[dict[str, Any]]:
    return [
        {
            "id": one.link.id,
            "item": one.link.item_id,
            "codebook": one.link.codebook_id,
            "part": one.link.part,
        }
        for one in memos.links_of(session, memo)
    ]


def _memo(memo: Memo) -> dict[str, Any]:
    return {
        "id": memo.id,
        "kind": memo.kind.value,
        "title": memo.title,
        "text": memo.text,
        "version": memo.row_version,
        "changed_at": isoformat(memo.changed_at),
        "withdrawn": memo.withdrawn_at is not None,
    }

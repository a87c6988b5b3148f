"""Memos: reading, writing, versions, what they are about."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from annotate.errors import StaleSaveError, UsageError
from annotate.models import CommentOn, Memo, MemoKind, Project
from annotate.permissions import Act
from annotate.services import codebooks, comment_subjects, items, memos
from annotate.services.live import head
from annotate.views.context import actor, load_project, person, signed_in, wiring
from archive.urlkey import Address

bp = Blueprint("memos", __name__)


@bp.get("/p/<slug>/memos")
@signed_in
def index(slug: str) -> str:
    """List memos, by kind and words, with the form of a new one."""
    kind, words = request.args.get("kind", ""), request.args.get("q", "").strip()
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        found = memos.memos_of(
            session, context.project, kind=_kind(kind) if kind else None, words=words
        )
        return render_template(
            "memos.html",
            memos=found,
            kinds=list(MemoKind),
            kind=kind,
            words=words,
            feed=head(session, context.project.id),
        )


@bp.post("/p/<slug>/memos")
@signed_in
def create(slug: str) -> Response:
    """Write a memo; about an item at once, if the form names one."""
    form = request.form
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.NOTE)
        project = context.project
        kind = _kind(form.get("kind", ""))
        memo = memos.create(
            session, actor(), project, kind, form.get("title", ""), form.get("text", "")
        )
        if form.get("item"):
            item = items.get_item(session, project.id, form["item"])
            memos.link_item(session, actor(), project, memo, item)
        memo_id = memo.id
    return redirect(url_for("memos.show", slug=slug, memo_id=memo_id))


@bp.get("/p/<slug>/memos/<memo_id>")
@signed_in
def show(slug: str, memo_id: str) -> str:
    """Show a memo with its versions, what it is about, and one's draft of it."""
    with wiring().database.read() as session:
        context = load_project(session, slug, Act.READ)
        memo = memos.get(session, context.project, memo_id)
        return render_template(
            "memo.html",
            memo=memo,
            versions=memos.versions_of(session, memo),
            links=memos.links_of(session, memo),
            draft=memos.draft_of(session, memo, person()),
            codebooks=[one for one, _versions in codebooks.codebooks_of(session, context.project)],
            feed=head(session, context.project.id),
        )


@bp.post("/p/<slug>/memos/<memo_id>")
@signed_in
def change(slug: str, memo_id: str) -> Response:
    """Save, restore, withdraw a memo or drop one's draft; `act` says which."""
    act = request.form.get("act", "save")
    stale: StaleSaveError | None = None
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.NOTE)
        memo = memos.get(session, context.project, memo_id)
        try:
            _act(session, context.project, memo, act)
        except StaleSaveError as error:
            if act == "save":
                title, text = request.form.get("title", ""), request.form.get("text", "")
                memos.keep_draft(session, actor(), memo, title, text)
            stale = error
    if stale is not None:  # the draft is committed first
        raise stale
    return redirect(url_for("memos.show", slug=slug, memo_id=memo_id))


@bp.post("/p/<slug>/memos/<memo_id>/links")
@signed_in
def link(slug: str, memo_id: str) -> Response:
    """Say what a memo is about, or that it is not about it after all."""
    form = request.form
    with wiring().database.write() as session:
        context = load_project(session, slug, Act.NOTE)
        project = context.project
        memo = memos.get(session, project, memo_id)
        if form.get("remove"):
            memos.unlink(session, actor(), project, memo, form["remove"])
        elif form.get("codebook"):
            part = form.get("part", "").strip()
            book = comment_subjects.find(
                session, project, person(), CommentOn.CODEBOOK, form["codebook"], part
            )
            memos.link_code(session, actor(), project, memo, book.id, book.part)
        else:
            address = Address.parse(form.get("address", "").strip())
            item = items.find_item(session, project.id, address)
            if item is None:
                raise UsageError("The project has no item of that address. Nothing was linked.")
            memos.link_item(session, actor(), project, memo, item)
    return redirect(url_for("memos.show", slug=slug, memo_id=memo_id) + "#about")


def _act(session: Session, project: Project, memo: Memo, act: str) -> None:
    form = request.form
    if act == "draft":
        memos.drop_draft(session, actor(), memo)
    elif act in {"withdraw", "back"}:
        memos.withdraw(session, actor(), project, memo, back=act == "back")
        flash("Back again." if act == "back" else "Withdrawn. It can be taken back below.")
    elif act == "restore":
        number, seen = _number("number"), _number("version")
        memos.restore(session, actor(), project, memo, number, seen=seen)
        flash("The earlier text is the newest version now.")
    elif act == "save":
        title, text = form.get("title", ""), form.get("text", "")
        memos.edit(session, actor(), project, memo, title, text, seen=_number("version"))
    else:
        raise UsageError(f"{act!r} is nothing that is done with a memo.")


def _kind(word: str) -> MemoKind:
    if word not in {one.value for one in MemoKind}:
        raise UsageError(f"There is no kind of memo {word!r}.")
    return MemoKind(word)


def _number(name: str) -> int:
    text = request.form.get(name, "")
    if not text.isdigit():
        raise UsageError("The form does not say which version of the memo it began from.")
    return int(text)

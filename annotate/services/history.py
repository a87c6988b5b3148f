"""What happened in a project, in words, newest first; and how what one did oneself is undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.events import Actor
from annotate.models import Event, EventKind, Item, Project, User
from annotate.services.live import Happening, happening
from annotate.services.undo import Undo, undo_of

SIZE: Final = 100  # events of one page
ACT_LABELS: Final[Mapping[str, str]] = {
    "project:create": "made the project",
    "project:change": "changed the project's settings",
    "member:add": "took somebody in",
    "member:change": "gave somebody another role",
    "member:remove": "took somebody out",
    "member:choose-pictures": "chose how sensitive items are shown to them",
    "field:define": "defined a field",
    "item:create": "added the address",
    "item:mark-sensitive": "marked the item sensitive",
    "item:unmark-sensitive": "took the mark “sensitive” off",
    "item:judge-same": "judged two addresses",
    "item:undo-judgement": "took a judgement of two addresses back",
    "item:screen": "screened the item",
    "item:observe": "looked at the address again",
    "screening:do": "screened many items",
    "screening:undo": "undid a screening of many items",
    "request:create": "asked for a capture",
    "request:start": "began a capture",
    "request:retry": "asked to try a capture again",
    "request:cancel": "cancelled a capture",
    "request:finish": "ended a capture request",
    "request:change": "changed a capture request",
    "request:answer": "answered a capture request from an import",
    "queue:pause": "paused the queue",
    "queue:resume": "let the queue go on",
    "watch:create": "set a watch",
    "watch:change": "changed a watch",
    "watch:run": "carried a watch out",
    "capture:store": "stored a capture",
    "capture:read-again": "read a capture's text again",
    "capture:check-replay": "compared a capture with the live page",
    "capture:import": "stored an imported capture",
    "file:receive": "received a file",
    "file:read": "read a file",
    "file:confirm": "confirmed what a file holds",
    "file:discard": "discarded a file",
    "file:import": "imported a file",
    "file:refuse": "refused a file",
    "fixity:run": "checked the stored files",
    "list:import": "imported a list",
    "value:set": "set field values",
    "value:check": "compared field values with the page",
    "value:decide": "settled a difference of a field",
    "value:undo-decision": "took the settling of a difference back",
    "tag:create": "made the tag",
    "tag:add": "put on the tag",
    "tag:remove": "took off the tag",
    "bulk:do": "tagged or untagged many items",
    "bulk:undo": "undid an act on many items",
    "note:create": "wrote a note",
    "note:edit": "changed a note",
    "note:withdraw": "withdrew a note",
    "note:restore": "took a note back in",
    "comment:create": "commented",
    "comment:edit": "changed a comment",
    "comment:withdraw": "withdrew a comment",
    "comment:restore": "took a comment back in",
    "comment:resolve": "settled a thread",
    "comment:reopen": "opened a thread again",
    "memo:create": "wrote the memo",
    "memo:edit": "changed the memo",
    "memo:link": "said what a memo is about:",
    "memo:unlink": "took a link off the memo",
    "memo:withdraw": "withdrew the memo",
    "memo:restore": "took back in the memo",
    "annotation:create": "marked evidence",
    "annotation:edit": "changed what is said of marked evidence",
    "annotation:withdraw": "took a mark off the evidence",
    "annotation:restore": "put a mark back on the evidence",
    "annotation:leave": "left a mark behind on an earlier capture",
    "codebook:create": "made the codebook",
    "codebook:change": "changed a codebook",
    "codebook:freeze": "froze a codebook version",
    "codebook:discard": "discarded a codebook draft",
    "round:open": "opened the round",
    "round:reveal": "revealed a round",
    "round:withdraw": "withdrew the round",
    "assignment:hand": "handed units out",
    "assignment:abandon": "took a unit back from its coder",
    "assignment:pass": "passed a unit on",
    "assignment:return": "handed a sensitive unit back",
    "coding:submit": "sealed answers",
    "coding:import": "imported codings",
    "coding:undo-import": "undid an import of codings",
    "decision:make": "settled a disagreement",
    "egress:set": "set the way captures leave",
    "egress:clear": "let captures leave directly again",
    "capture-session:add": "added a capture session",
    "capture-session:delete": "deleted a capture session",
    "export:make": "exported",
    "search:save": "saved a search",
    "search:remove": "removed a saved search",
    "search:restore": "put a saved search back",
    "api-token:create": "made an API token",
    "api-token:revoke": "revoked an API token",
    "registry-entry:create": "added a registry entry",
    "registry-entry:change": "changed a registry entry",
    "registry-entry:judge-same": "judged two registry entries",
    "registry-entry:undo-judgement": "took a judgement of two entries back",
    "registry-entry:import": "imported registry entries",
    "registry-name:create": "added a name to an entry",
    "registry-name:change": "changed a name of an entry",
    "handle:create": "added a handle to an account",
    "handle:change": "changed a handle of an account",
    "assertion:create": "stated something of an entry",
    "assertion:change": "changed a statement about an entry",
    "relation-type:create": "made a kind of relation",
    "relation-type:change": "changed a kind of relation",
    "relation:create": "related two things",
    "relation:change": "changed a relation",
    "sweep:create": "recorded a sweep",
    "sweep:change": "changed a sweep",
    "sweep:find": "said that a sweep found the item",
    "sweep:take-off": "took an item off a sweep",
}
SUBJECT_LABELS: Final[Mapping[str, str]] = {
    "annotation": "marks on evidence",
    "api-token": "tokens of programs",
    "assertion": "statements about accounts and entities",
    "assignment": "who codes what",
    "bulk": "acts on many items",
    "capture": "captures",
    "capture-session": "capture sessions",
    "codebook": "codebooks",
    "coding": "codings",
    "comment": "comments",
    "decision": "settled disagreements",
    "egress": "the way captures leave",
    "export": "exports",
    "field": "fields",
    "file": "imported files",
    "fixity": "checks of stored files",
    "handle": "handles of accounts",
    "item": "items",
    "list": "lists",
    "member": "members",
    "memo": "memos",
    "note": "notes",
    "project": "the project",
    "queue": "the queue",
    "registry-entry": "registry entries",
    "registry-name": "names in the registry",
    "relation": "relations",
    "relation-type": "kinds of relations",
    "request": "capture requests",
    "round": "rounds",
    "screening": "screening of many items",
    "search": "saved searches",
    "sweep": "sweeps",
    "tag": "tags",
    "user": "people who sign in",
    "value": "values of fields",
    "watch": "watches",
}
"""What an event is about, by the part of its kind before the colon."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked for; what is empty narrows nothing."""

    who: str = ""
    """Id of a person."""
    what: str = ""
    """The part of the kind before the colon: `tag`, `comment`, …"""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    item_id: str = ""
    before: int | None = None
    """Older than the event at this position."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event as the history shows it."""

    happening: Happening
    words: str
    item: Item | None
    undo: Undo | None
    """Given for one's own acts that still stand and can be taken back."""


def subjects() -> list[str]:
    """Return what events are about, as the history is narrowed by."""
    return sorted({kind.value.partition(":")[0] for kind in EventKind})


def lines(
    session: Session, project: Project, actor: Actor, wanted: Wanted
) -> tuple[list[Line], int | None]:
    """Return a page of the history, newest first, and the position older ones begin before.

    Who codes blind reads of others' acts what the rule of visibility.py lets them read.

    :raises UsageError: there is no such subject
    """
    query = (
        select(Event, User.display_name)
        .outerjoin(User, User.pseudonym == Event.actor)
        .where(Event.ledger == project.id)
        .order_by(Event.id.desc())
        .limit(SIZE + 1)
    )
    if wanted.who:
        query = query.where(User.id == wanted.who)
    if wanted.what:
        if wanted.what not in subjects():
            raise UsageError(f"Nothing in the history is about {wanted.what!r}.")
        kinds = [one for one in EventKind if one.value.partition(":")[0] == wanted.what]
        query = query.where(Event.kind.in_(kinds))
    if wanted.since is not None:
        query = query.where(Event.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Event.at < wanted.until)
    if wanted.item_id:
        query = query.where(Event.item_id == wanted.item_id)
    if wanted.before is not None:
        query = query.where(Event.id < wanted.before)
    rows = session.execute(query).all()
    shown = rows[:SIZE]
    ids = {event.item_id for event, _name in shown if event.item_id}
    items = {one.id: one for one in session.scalars(select(Item).where(Item.id.in_(ids)))}
    found = []
    for event, name in shown:
        one = happening(event, name)
        mine = event.actor == actor.pseudonym
        undo = undo_of(session, event, one) if mine else None
        found.append(Line(one, words_of(one.kind), items.get(one.item_id or ""), undo))
    return found, shown[-1][0].id if len(rows) > SIZE else None


def words_of(kind: str) -> str:
    """Return what was done, in words."""
    return ACT_LABELS.get(kind) or kind.replace("-", " ").replace(":", ": ")

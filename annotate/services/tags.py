"""Tags: on one item or many at once, with an undo that restores exactly those rows."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, UsageError
from annotate.events import Actor
from annotate.models import BulkKind, BulkOperation, EventKind, Item, ItemTag, Project, Tag
from annotate.services import projects
from annotate.services.folding import fold
from archive.clock import utc_now

LONGEST: Final = 120  # characters of a tag
_AT_ONCE: Final = 20_000  # items of one bulk act
_BATCH: Final = 500  # items of one flush


def ensure_tag(session: Session, actor: Actor, project: Project, name: str) -> Tag:
    """Return the project's tag of this name, made if need be.

    :raises UsageError: the name is empty, too long, or has a control character
    """
    shown = " ".join(unicodedata.normalize("NFC", name).split())
    if not shown or len(shown) > LONGEST or not shown.isprintable():
        raise UsageError(f"A tag has 1 to {LONGEST} visible characters.")
    if "*" in shown or '"' in shown:
        raise UsageError('A tag has no * and no ", since searches use them.')
    same = select(Tag).where(Tag.project_id == project.id, Tag.folded == fold(shown))
    tag = session.scalar(same.execution_options(**events.UNNARROWED))
    if tag is None:
        tag = Tag(project_id=project.id, name=shown, folded=fold(shown), created_by=actor.user_id)
        session.add(tag)
        events.record(
            session,
            EventKind.TAG_CREATE,
            actor=actor,
            covers=[tag],
            project_id=project.id,
            body={"tag": tag.id, "name": shown},
        )
        session.flush()
    return tag


def add_tag(session: Session, actor: Actor, project: Project, item: Item, name: str) -> Tag:
    """Put a tag on an item; harmless where it is on it."""
    tag = ensure_tag(session, actor, project, name)
    if session.get(ItemTag, (item.id, tag.id)) is None:
        _put_on(session, actor, project, item, tag, None)
        session.flush()
    return tag


def remove_tag(session: Session, actor: Actor, project: Project, item: Item, tag: Tag) -> None:
    """Take a tag off an item; harmless where it is not on it."""
    held = session.get(ItemTag, (item.id, tag.id))
    if held is not None:
        _take_off(session, actor, project, item, tag, held, None)
        session.flush()


def get_tag(session: Session, project: Project, tag_id: str) -> Tag:
    """Return a tag of the project.

    :raises NotFoundError: there is none of that id
    """
    tag = session.get(Tag, tag_id)
    if tag is None or tag.project_id != project.id:
        raise NotFoundError("This project has no such tag.")
    return tag


def tag_many(
    session: Session,
    actor: Actor,
    project: Project,
    item_ids: Sequence[str],
    name: str,
    kind: BulkKind,
) -> BulkOperation:
    """Tag or untag many items; only those that changed are in the operation.

    :raises UsageError: too many items
    """
    if len(item_ids) > _AT_ONCE:
        raise UsageError(f"At most {_AT_ONCE} items are changed at once; narrow the search.")
    tag = ensure_tag(session, actor, project, name)
    operation = BulkOperation(
        project_id=project.id, kind=kind, tag_id=tag.id, items="[]", done_by=actor.user_id
    )
    changed = _change_many(session, actor, project, tag, item_ids, kind, operation.id)
    operation.items = json.dumps(changed)
    session.add(operation)
    events.record(
        session,
        EventKind.BULK_DO,
        actor=actor,
        covers=[operation],
        project_id=project.id,
        operation_id=operation.id,
        body={"kind": kind.value, "tag": tag.id, "items": len(changed)},
    )
    session.flush()
    return operation


def undo(session: Session, actor: Actor, project: Project, operation_id: str) -> int:
    """Undo a bulk act on exactly the rows it changed, where they still are as it left them.

    Tags put back are of whoever took them off: they answer for the tag from then on.

    :raises NotFoundError: the project has no such operation
    :raises UsageError: it was undone already
    :raises NotAllowedError: somebody else did it, and the actor may undo their own only
    :raises NotAllowedError: some of its items are closed to the one who asks
    """
    operation = session.get(BulkOperation, operation_id)
    if operation is None or operation.project_id != project.id:
        raise NotFoundError("This project has no such operation.")
    projects.refuse_undoing(session, actor, project, operation.done_by)
    if operation.undone_at is not None:
        raise UsageError("This was undone already.")
    tag = get_tag(session, project, operation.tag_id)
    changed = json.loads(operation.items)
    events.refuse_closed(session, changed, EventKind.TAG_REMOVE)
    if operation.kind is BulkKind.TAG:
        # Somebody may have taken it off and put it on since: that is theirs, and stays.
        restored = _change_many(
            session, actor, project, tag, changed, BulkKind.UNTAG, operation.id, only_own=True
        )
    else:
        restored = _change_many(session, actor, project, tag, changed, BulkKind.TAG, operation.id)
    operation.undone_at = utc_now()
    operation.undone_by = actor.user_id
    events.record(
        session,
        EventKind.BULK_UNDO,
        actor=actor,
        covers=[operation],
        project_id=project.id,
        operation_id=operation.id,
        body={"items": len(restored)},
    )
    session.flush()
    return len(restored)


def tags_of(session: Session, item_ids: Sequence[str]) -> dict[str, list[Tag]]:
    """Return the tags of items, by name."""
    found: dict[str, list[Tag]] = {item_id: [] for item_id in item_ids}
    query = (
        select(ItemTag.item_id, Tag)
        .join(Tag, Tag.id == ItemTag.tag_id)
        .where(ItemTag.item_id.in_(item_ids))
        .order_by(Tag.folded)
    )
    for item_id, tag in session.execute(query):
        found[item_id].append(tag)
    return found


def all_tags(session: Session, project_id: str) -> list[tuple[Tag, int]]:
    """Return the project's tags with how many items bear each, by name."""
    query = (
        select(Tag, func.count(ItemTag.item_id))
        .outerjoin(ItemTag, ItemTag.tag_id == Tag.id)
        .where(Tag.project_id == project_id)
        .group_by(Tag.id)
        .order_by(Tag.folded)
    )
    return [(tag, number) for tag, number in session.execute(query)]


def last_operation(session: Session, project_id: str, user_id: str) -> BulkOperation | None:
    """Return a person's last bulk act that is not undone."""
    return session.scalar(
        select(BulkOperation)
        .where(
            BulkOperation.project_id == project_id,
            BulkOperation.done_by == user_id,
            BulkOperation.undone_at.is_(None),
        )
        .order_by(BulkOperation.id.desc())
        .limit(1)
    )


def _change_many(
    session: Session,
    actor: Actor,
    project: Project,
    tag: Tag,
    item_ids: Sequence[str],
    kind: BulkKind,
    operation_id: str,
    *,
    only_own: bool = False,
) -> list[str]:
    """Tag or untag items, a batch in one flush; return those that changed, in order.

    :param only_own: untag only where this operation put the tag
    """
    changed: list[str] = []
    distinct = list(dict.fromkeys(item_ids))
    for start in range(0, len(distinct), _BATCH):
        batch = distinct[start : start + _BATCH]
        here = select(Item).where(Item.id.in_(batch), Item.project_id == project.id)
        items = {item.id: item for item in session.scalars(here)}
        on = select(ItemTag).where(ItemTag.tag_id == tag.id, ItemTag.item_id.in_(batch))
        held = {one.item_id: one for one in session.scalars(on)}
        for item_id in batch:
            item, one = items.get(item_id), held.get(item_id)
            if item is None or (one is None) != (kind is BulkKind.TAG):
                continue
            if one is None:
                _put_on(session, actor, project, item, tag, operation_id)
            elif only_own and one.operation_id != operation_id:
                continue
            else:
                _take_off(session, actor, project, item, tag, one, operation_id)
            changed.append(item_id)
        session.flush()
    return changed


def _put_on(
    session: Session,
    actor: Actor,
    project: Project,
    item: Item,
    tag: Tag,
    operation_id: str | None,
) -> None:
    held = ItemTag(
        item_id=item.id, tag_id=tag.id, tagged_by=actor.user_id, operation_id=operation_id
    )
    session.add(held)
    _record(session, EventKind.TAG_ADD, actor, project, item, tag, held, operation_id)


def _take_off(
    session: Session,
    actor: Actor,
    project: Project,
    item: Item,
    tag: Tag,
    held: ItemTag,
    operation_id: str | None,
) -> None:
    session.delete(held)
    _record(session, EventKind.TAG_REMOVE, actor, project, item, tag, held, operation_id)


def _record(
    session: Session,
    kind: EventKind,
    actor: Actor,
    project: Project,
    item: Item,
    tag: Tag,
    held: ItemTag,
    operation_id: str | None,
) -> None:
    events.record(
        session,
        kind,
        actor=actor,
        covers=[held],
        project_id=project.id,
        item=item,
        operation_id=operation_id,
        body={"tag": tag.id, "name": tag.name},
    )

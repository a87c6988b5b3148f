"""Screening: an item is in the study or not, with a reason; one by one, or all a search finds.

An act on many is shown before it is done: how many, how many of them would change, and a sample.
Its undo restores exactly the rows it changed, but for those somebody changed since: these are
kept, and said.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from annotate import events
from annotate.errors import NotFoundError, StaleSaveError, UsageError
from annotate.events import Actor
from annotate.models import EventKind, Item, Project, Screening, ScreeningOperation, User, Verdict
from annotate.services import projects
from annotate.visibility import hidden_items
from archive.clock import utc_now

AT_ONCE: Final = 20_000  # items of one act
SAMPLE: Final = 20  # items shown before an act on many
LONGEST: Final = 1000  # characters of a reason
_BATCH: Final = 500  # items of one flush


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict with its reason; without a verdict, nothing is said."""

    verdict: Verdict | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an act on many items would meet."""

    found: int
    standing: Mapping[str, int]
    """How many of them are included, excluded and undecided now."""
    sample: tuple[str, ...]
    """Ids of some of them, drawn without regard to their order."""
    closed: int
    """Of them, items the one who asks codes blind: they would be left as they are."""
    digest: str
    """Stands for exactly these items; an act names what it was shown."""


@dataclass(frozen=True, slots=True)
class Done:
    """An act on many items, as the list of acts shows it."""

    operation: ScreeningOperation
    by: User
    changed: int
    undoable: bool
    """It was not undone, and the one who asks may undo it."""


def said_of(session: Session, item_ids: Sequence[str]) -> dict[str, Screening]:
    """Return what stands of items, by id; items nothing was ever said of are not in it."""
    found: dict[str, Screening] = {}
    for start in range(0, len(item_ids), _BATCH):
        batch = item_ids[start : start + _BATCH]
        rows = session.scalars(select(Screening).where(Screening.item_id.in_(batch)))
        found.update((one.item_id, one) for one in rows)
    return found


def said_of_alike(session: Session, item: Item) -> list[tuple[Item, Screening]]:
    """Return other addresses judged the same as an item that have another verdict than it."""
    root = item.same_as_id or item.id
    mine = said_of(session, [item.id]).get(item.id)
    rows = session.execute(
        select(Item, Screening)
        .join(Screening, Screening.item_id == Item.id)
        .where(
            or_(Item.id == root, Item.same_as_id == root),
            Item.id != item.id,
            Screening.verdict.is_not(None),
        )
        .order_by(Item.id)
    )
    own = mine.verdict if mine is not None else None
    return [(other, said) for other, said in rows if said.verdict is not own]


def reasons_of(session: Session, project: Project) -> list[str]:
    """Return the reasons given in the project, the most frequent first."""
    rows = session.scalars(
        select(Screening.reason).where(
            Screening.project_id == project.id,
            Screening.verdict.is_not(None),
            Screening.reason != "",
        )
    )
    return [reason for reason, _number in Counter(rows).most_common(50)]


def screen(
    session: Session, actor: Actor, project: Project, item: Item, said: Said, *, seen: int
) -> Screening:
    """Say of one item whether it is in the study.

    :param seen: the row version the one who decides saw, 0 where nothing was ever said
    :raises UsageError: an exclusion without a reason, or one that is too long
    :raises StaleSaveError: somebody else decided in between
    """
    fit = checked(said)
    held = session.get(Screening, item.id)
    version = held.row_version if held is not None else 0
    if version != seen:
        who = session.get(User, held.decided_by) if held is not None else None
        raise StaleSaveError(
            "Somebody screened this item meanwhile. Theirs stands; yours was not saved.",
            theirs=_words(_standing(held)),
            yours=_words(fit),
            version=version,
            saved_by=who.display_name if who is not None else "",
        )
    if held is None or _standing(held) != fit:
        held = _say(session, actor, project, item, held, fit, None)
        session.flush()
    return held


def preview(session: Session, item_ids: Sequence[str]) -> Preview:
    """Say what an act on these items would meet."""
    held = said_of(session, item_ids)
    standing = Counter(_named(_standing(held.get(item_id)).verdict) for item_id in item_ids)
    digest = digest_of(item_ids)
    source = random.Random(digest)  # noqa: S311  # the same items show the same sample
    sample = item_ids if len(item_ids) <= SAMPLE else source.sample(list(item_ids), SAMPLE)
    hidden = hidden_items(session)
    return Preview(
        found=len(item_ids),
        standing={word: standing[word] for word in ("included", "excluded", "undecided")},
        sample=tuple(sample),
        closed=sum(item_id in hidden for item_id in item_ids),
        digest=digest,
    )


def digest_of(item_ids: Sequence[str]) -> str:
    """Return what stands for exactly these items, in whatever order they were found."""
    return hashlib.sha256("\n".join(sorted(item_ids)).encode()).hexdigest()


def screen_many(
    session: Session,
    actor: Actor,
    project: Project,
    item_ids: Sequence[str],
    said: Said,
    *,
    query: str,
    shown: str,
) -> ScreeningOperation:
    """Say the same of many items. Those that are so already, or closed to one, are left alone.

    :param query: what found them
    :param shown: digest of the items that were shown before
    :raises UsageError: other items are found by now, too many, none, or no reason to exclude
    """
    fit = checked(said)
    if not item_ids:
        raise UsageError("This search finds no items; there is nothing to screen.")
    if len(item_ids) > AT_ONCE:
        raise UsageError(f"At most {AT_ONCE} items are screened at once; narrow the search.")
    if digest_of(item_ids) != shown:
        raise UsageError(
            f"The search finds other items now than it showed you ({len(item_ids)} of them). "
            "Nothing was changed. Look at the list once more, then do it."
        )
    hidden = hidden_items(session)
    open_ones = [item_id for item_id in dict.fromkeys(item_ids) if item_id not in hidden]
    operation = ScreeningOperation(
        project_id=project.id,
        query=query,
        found=len(item_ids),
        verdict=fit.verdict,
        reason=fit.reason,
        changes="[]",
        done_by=actor.user_id,
    )
    wanted = ((item_id, fit, None) for item_id in open_ones)
    return _carry_out(session, actor, project, operation, wanted, EventKind.SCREENING_DO)


def undo(session: Session, actor: Actor, project: Project, operation_id: str) -> ScreeningOperation:
    """Restore exactly the rows an act changed, where they still are as it left them.

    Who did an act undoes it; who may undo what others did (permissions.py), anybody's.

    :returns: the act of undoing; `kept` says how many rows somebody changed since
    :raises NotFoundError: the project has no such act, or it is not yours to see
    :raises NotAllowedError: somebody else did it, and the actor may undo their own only
    :raises UsageError: it was undone already
    :raises NotAllowedError: some of its items are closed to the one who asks
    """
    before = get_act(session, project, operation_id)
    projects.refuse_undoing(session, actor, project, before.done_by)
    if before.undone_by_id is not None:
        raise UsageError("This was undone already.")
    changes = json.loads(before.changes)
    changed = [item_id for item_id, *_rest in changes]
    events.refuse_closed(session, changed, EventKind.ITEM_SCREEN)
    operation = ScreeningOperation(
        project_id=project.id,
        query=before.query,
        found=len(changes),
        verdict=None,
        reason="",
        changes="[]",
        undoes_id=before.id,
        done_by=actor.user_id,
    )
    wanted = (
        (item_id, Said(Verdict(verdict) if verdict else None, reason), version)
        for item_id, verdict, reason, version in changes
    )
    return _carry_out(session, actor, project, operation, wanted, EventKind.SCREENING_UNDO, before)


def kept_items(session: Session, operation: ScreeningOperation) -> list[str]:
    """Return the items that the act an undo undid had changed, and that the undo left alone."""
    if operation.undoes_id is None:
        return []
    before = session.get(ScreeningOperation, operation.undoes_id)
    if before is None:
        return []
    restored = {item_id for item_id, *_rest in json.loads(operation.changes)}
    return [one for one, *_rest in json.loads(before.changes) if one not in restored]


def acts_of(session: Session, actor: Actor, project: Project, limit: int = 100) -> list[Done]:
    """Return the acts on many items, the newest first, as the actor may undo them."""
    others = projects.undoes_others(session, actor, project)
    rows = session.execute(
        select(ScreeningOperation, User)
        .join(User, User.id == ScreeningOperation.done_by)
        .where(ScreeningOperation.project_id == project.id)
        .order_by(ScreeningOperation.id.desc())
        .limit(limit)
    )
    return [
        Done(
            one,
            by,
            len(json.loads(one.changes)),
            undoable=one.undone_by_id is None and (others or one.done_by == actor.user_id),
        )
        for one, by in rows
    ]


def get_act(session: Session, project: Project, operation_id: str) -> ScreeningOperation:
    """Return an act on many items.

    :raises NotFoundError: the project has none of that id
    """
    one = session.get(ScreeningOperation, operation_id)
    if one is None or one.project_id != project.id:
        raise NotFoundError("This project has no such act of screening.")
    return one


def checked(said: Said) -> Said:
    """Return what is said in the form it is kept in.

    :raises UsageError: an exclusion without a reason, or a reason that is too long
    """
    reason = " ".join(said.reason.split())
    if said.verdict is Verdict.EXCLUDED and not reason:
        raise UsageError("Say why it is excluded; the reason is counted in the results.")
    if len(reason) > LONGEST:
        raise UsageError(f"A reason has at most {LONGEST} characters.")
    return Said(said.verdict, reason if said.verdict is not None else "")


Wanted = Iterator[tuple[str, Said, int | None]]
"""Item id, what is to stand, and the row version it has to have for that."""


def _carry_out(
    session: Session,
    actor: Actor,
    project: Project,
    operation: ScreeningOperation,
    wanted: Wanted,
    kind: EventKind,
    undone: ScreeningOperation | None = None,
) -> ScreeningOperation:
    changes: list[tuple[str, str | None, str, int]] = []
    kept = 0
    everything = list(wanted)
    for start in range(0, len(everything), _BATCH):
        batch = everything[start : start + _BATCH]
        ids = [item_id for item_id, _said, _version in batch]
        here = select(Item).where(Item.id.in_(ids), Item.project_id == project.id)
        items = {item.id: item for item in session.scalars(here)}
        standing = said_of(session, ids)
        for item_id, said, version in batch:
            held = standing.get(item_id)
            before = _standing(held)
            if version is not None and (held is None or held.row_version != version):
                kept += 1
                continue
            if item_id not in items or before == said:
                continue
            row = _say(session, actor, project, items[item_id], held, said, operation.id)
            verdict = before.verdict.value if before.verdict else None
            changes.append((item_id, verdict, before.reason, row.row_version))
        session.flush()
    operation.changes = json.dumps(changes, ensure_ascii=False)
    operation.kept = kept
    session.add(operation)
    if undone is not None:
        undone.undone_by_id = operation.id
    events.record(
        session,
        kind,
        actor=actor,
        covers=[operation] if undone is None else [operation, undone],
        project_id=project.id,
        operation_id=operation.id,
        body={
            "query": operation.query,
            "found": operation.found,
            "verdict": operation.verdict.value if operation.verdict else None,
            "items": len(changes),
            "kept": kept,
            "undoes": operation.undoes_id,
        },
        reason=operation.reason,
    )
    session.flush()
    return operation


def _say(
    session: Session,
    actor: Actor,
    project: Project,
    item: Item,
    held: Screening | None,
    said: Said,
    operation_id: str | None,
) -> Screening:
    before = _standing(held)
    if held is None:
        held = Screening(item_id=item.id, project_id=project.id, decided_by=actor.user_id)
        session.add(held)
    held.verdict, held.reason = said.verdict, said.reason
    held.decided_by, held.decided_at = actor.user_id, utc_now()
    held.row_version += 1
    events.record(
        session,
        EventKind.ITEM_SCREEN,
        actor=actor,
        covers=[held],
        project_id=project.id,
        item=item,
        operation_id=operation_id,
        before=_words(before),
        after=_words(said),
        reason=said.reason,
    )
    return held


def _standing(held: Screening | None) -> Said:
    return Said() if held is None else Said(held.verdict, held.reason)


def _named(verdict: Verdict | None) -> str:
    return verdict.value if verdict is not None else "undecided"


def _words(said: Said) -> str:
    return f"{_named(said.verdict)}: {said.reason}" if said.reason else _named(said.verdict)

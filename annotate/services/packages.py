"""A selection of items as a package: which files it takes, what is in them, how large it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.errors import UsageError
from annotate.models import Capture, Item, Project, WarcFile
from annotate.services import leaving
from annotate.services.leaving import Cookies, Leaving
from annotate.services.viewing import Viewing
from archive.capture.attachments import software_version
from archive.export.signing import PackageKey
from archive.export.wacz import Contents, PackedPage, package_lines, wacz_pieces

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Selection:
    """Items, the captures of them, and the WARCs these stand in."""

    project: Project
    what: str
    """The selection in words: a query, or an address."""
    item_ids: tuple[str, ...]
    captures: tuple[Capture, ...]
    warcs: tuple[WarcFile, ...]
    bystanders: int
    """Captures of items not selected that stand in the same imported files."""
    with_session: int
    """Captures made with somebody's cookies: these are in the requests."""
    signed_in: frozenset[str]
    """Ids of the WARCs that such captures stand in."""

    @property
    def size(self) -> int:
        """Bytes of the WARCs; a package is a little larger."""
        return sum(warc.size for warc in self.warcs)

    @property
    def uncaptured(self) -> int:
        """Items of which nothing is captured."""
        return len(set(self.item_ids) - {one.item_id for one in self.captures})


def select_items(
    session: Session, project: Project, item_ids: Sequence[str], what: str
) -> Selection:
    """Return a selection with every capture of its items that has a file."""
    captures: list[Capture] = []
    for batch in _batches(item_ids):
        query = select(Capture).where(
            Capture.project_id == project.id,
            Capture.item_id.in_(batch),
            Capture.warc_file_id.is_not(None),
        )
        captures += session.scalars(query)
    captures.sort(key=lambda one: (one.captured_at, one.id))
    warc_ids = sorted({one.warc_file_id for one in captures if one.warc_file_id})
    warcs: list[WarcFile] = []
    inside = 0
    wanted = frozenset(item_ids)
    for batch in _batches(warc_ids):
        warcs += session.scalars(select(WarcFile).where(WarcFile.id.in_(batch)))
        held = session.scalars(select(Capture.item_id).where(Capture.warc_file_id.in_(batch)))
        inside += sum(item_id not in wanted for item_id in held)
    return Selection(
        project=project,
        what=what,
        item_ids=tuple(item_ids),
        captures=tuple(captures),
        warcs=tuple(sorted(warcs, key=lambda one: one.id)),
        bystanders=inside,
        with_session=sum(one.session_id is not None for one in captures),
        signed_in=frozenset(
            one.warc_file_id for one in captures if one.session_id and one.warc_file_id
        ),
    )


def make_ready(chosen: Selection, viewing: Viewing, cookies: Cookies, folder: Path) -> Leaving:
    """Return the files of a selection as they are to leave; copies stand in `folder`.

    :raises UsageError: the selection has no capture, or no copy can be made of one of its files
    """
    if not chosen.warcs:
        raise UsageError("Nothing of this selection is captured, so there is nothing to pack.")
    newest = max(one.captured_at for one in chosen.captures)
    return leaving.make_ready(chosen.warcs, chosen.signed_in, viewing, cookies, folder, at=newest)


@dataclass(frozen=True, slots=True)
class FirstPage:
    """The page of a package that is shown first; `digits` is its time, 14 of them."""

    url: str
    digits: str


def first_page(chosen: Selection) -> FirstPage:
    """Return the page of a selection that is shown first: the newest capture of its first item.

    :raises UsageError: the selection has no capture of a page
    """
    pages = [one for one in chosen.captures if one.main_offset is not None]
    if not pages:
        raise UsageError("Nothing of this selection is captured, so there is nothing to open.")
    place = {item_id: number for number, item_id in enumerate(chosen.item_ids)}
    first = min(reversed(pages), key=lambda one: place[one.item_id])
    return FirstPage(first.final_address or first.address, f"{first.captured_at:%Y%m%d%H%M%S}")


def wacz_of(
    session: Session, chosen: Selection, ready: Leaving, key: PackageKey, work: Path
) -> Iterator[bytes]:
    """Return the package of a selection, piece by piece; nothing is read before the first."""
    titles = _titles(session, chosen)
    said = f"{len(chosen.captures)} captures of {len(chosen.item_ids)} items: {chosen.what}"
    contents = Contents(
        warcs=ready.warcs,
        pages=[
            PackedPage(
                id=one.id,
                url=one.final_address or one.address,
                at=one.captured_at,
                title=one.title or titles.get(one.item_id, "") or one.address,
            )
            for one in chosen.captures
            if one.main_offset is not None
        ],
        title=chosen.project.name,
        description=f"{said}. {ready.note}" if ready.note else said,
        software=software_version(),
    )
    return wacz_pieces(contents, key, work)


def cdxj_of(ready: Leaving, work: Path) -> Iterator[bytes]:
    """Return the index of a selection's files, line by line, named as in its package."""
    return (line.encode() for line in package_lines(ready.warcs, work))


def _titles(session: Session, chosen: Selection) -> dict[str, str]:
    titles: dict[str, str] = {}
    for batch in _batches(chosen.item_ids):
        rows = session.execute(select(Item.id, Item.title).where(Item.id.in_(batch)))
        titles |= {row.id: row.title for row in rows}
    return titles


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]

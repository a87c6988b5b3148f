"""A study folder, read into frozen values: its window, accounts, posts and coders' answers.

The shape is that of the invented study in data/; any other folder of the shape, with other
numbers, handles and languages, reads the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from annotate.demo.fields import (
    Fields,
    MalformedStudyError,
    MissingStudyFileError,
    each_object,
    read_json,
)

PACKAGED_STUDY: Final = Path(__file__).parent / "data"
_PLATFORM: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
_OWN_PATHS: Final = ("/api/", "/media/", "/static/", "/__demo/")  # the demo site's own


class DateShown(StrEnum):
    """How a post's page shows when it was posted."""

    SECOND = "second"
    DAY = "day"
    RELATIVE = "relative"


class AccountRole(StrEnum):
    """What part an account has in the study."""

    CREATOR = "creator"
    SHARER = "sharer"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Account:
    """One account; a creator has no platform of its own in the study."""

    handle: str
    name: str
    kind: str
    role: AccountRole
    platform: str | None
    state_controlled: bool
    basis: str | None


@dataclass(frozen=True, slots=True)
class Post:
    """One post. `include`, `excluded_because` and `narrative` are the truth, for comparing only."""

    id: str
    platform: str
    url: str  # a path on the demo site
    author: str
    posted_at: datetime  # aware, in the offset that was claimed
    posted_at_claimed: str  # the same as the list spells it
    lang: str  # ISO 639-1
    text: str
    promotes: tuple[str, ...]
    narrative: str | None
    date_shown: DateShown
    likes: int
    shares: int
    deleted_later: bool
    include: bool
    excluded_because: str | None
    round: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A variant address of a post: the same item, counted once."""

    url: str
    same_as: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One coder's blind answer for one post."""

    url: str
    coder: str
    include: bool
    narrative: str | None


@dataclass(frozen=True, slots=True)
class Mistake:
    """A cell of the list with mistakes, and what the page says instead."""

    url: str
    field: str
    listed: str
    page: str


@dataclass(frozen=True, slots=True)
class Study:
    """A whole study folder."""

    folder: Path
    title: str
    window_from: datetime
    window_to: datetime  # exclusive
    reporting_zone: str
    other_reporting_zones: tuple[tuple[str, int], ...]  # name, hours east of UTC
    counts_when: str
    rounds: tuple[str, ...]
    accounts: tuple[Account, ...]
    posts: tuple[Post, ...]
    duplicates: tuple[Duplicate, ...]
    decisions: tuple[Decision, ...]

    def account(self, handle: str) -> Account:
        """Return the account `handle`.

        :raises KeyError: the study has none of that name
        """
        for account in self.accounts:
            if account.handle == handle:
                return account
        raise KeyError(handle)

    def file(self, name: str) -> Path:
        """Return the path of one of the folder's other files, such as ``seed.csv``.

        :raises MissingStudyFileError: the folder has none of that name
        """
        path = self.folder / name
        if not path.is_file():
            raise MissingStudyFileError(f"{name} is missing in {self.folder}")
        return path

    def mistakes(self) -> tuple[Mistake, ...]:
        """Return the planted mistakes of ``seed_with_mistakes.csv``.

        :raises StudyError: ``seed_mistakes.json`` is missing or malformed
        """
        name = "seed_mistakes.json"
        rows = Fields.of(read_json(self.file(name)), name)
        return tuple(
            Mistake(url, row.text("field"), row.text("listed"), row.text("page"))
            for url in rows.values
            for row in [rows.object(url)]
        )


def load_study(folder: Path = PACKAGED_STUDY) -> Study:
    """Read a study folder; without one, the invented study that comes with Holdfast.

    :raises MissingStudyFileError: the folder or one of its files is not there
    :raises MalformedStudyError: a file is not of the shape, with the file and the field
    """
    if not folder.is_dir():
        raise MissingStudyFileError(f"{folder} is no folder; a study folder was expected")
    head = Fields.of(read_json(folder / "study.json"), "study.json")
    window = head.object("window")
    study = Study(
        folder=folder,
        title=head.text("title"),
        window_from=window.instant("from"),
        window_to=window.instant("to_exclusive"),
        reporting_zone=head.text("reporting_zone"),
        other_reporting_zones=_zones(head.object("other_reporting_zones")),
        counts_when=head.text("counts_when"),
        rounds=head.texts("rounds"),
        accounts=_accounts(folder / "accounts.json"),
        posts=tuple(map(_post, _entries(folder / "posts.json"))),
        duplicates=tuple(
            Duplicate(row.text("url"), row.text("same_as"))
            for row in _entries(folder / "duplicates.json")
        ),
        decisions=tuple(map(_decision, _entries(folder / "decisions.json"))),
    )
    _check(study)
    return study


def _entries(path: Path) -> Iterable[Fields]:
    return each_object(read_json(path), path.name)


def _zones(zones: Fields) -> tuple[tuple[str, int], ...]:
    for name, hours in zones.values.items():
        if not isinstance(hours, int) or not -14 <= hours <= 14:
            raise zones.fault(name, "hours east of UTC, from -14 to 14")
    return tuple((name, int(str(hours))) for name, hours in zones.values.items())


def _accounts(path: Path) -> tuple[Account, ...]:
    document = Fields.of(read_json(path), path.name)
    roles = {
        "influencers": AccountRole.CREATOR,
        "sharers": AccountRole.SHARER,
        "private": AccountRole.PRIVATE,
    }
    return tuple(
        Account(
            handle=row.text("handle"),
            name=row.text("name"),
            kind=row.text("kind"),
            role=role,
            platform=row.text_or_none("platform"),
            state_controlled=row.flag("state_controlled"),
            basis=row.text_or_none("basis"),
        )
        for name, role in roles.items()
        for row in document.objects(name)
    )


def _post(row: Fields) -> Post:
    return Post(
        id=row.text("id"),
        platform=row.text("platform"),
        url=row.text("url"),
        author=row.text("author"),
        posted_at=row.instant("posted_at"),
        posted_at_claimed=row.text("posted_at"),
        lang=row.text("lang"),
        text=row.text("text"),
        promotes=row.texts("promotes"),
        narrative=row.text_or_none("narrative"),
        date_shown=row.choice("date_shown", DateShown),
        likes=row.count("likes"),
        shares=row.count("shares"),
        deleted_later=row.flag("deleted_later"),
        include=row.flag("include"),
        excluded_because=row.text_or_none("excluded_because"),
        round=row.text("round"),
    )


def _decision(row: Fields) -> Decision:
    return Decision(
        url=row.text("url"),
        coder=row.text("coder"),
        include=row.flag("include"),
        narrative=row.text_or_none("narrative"),
    )


def _check(study: Study) -> None:
    """Refuse what reads well alone but contradicts the rest of the folder."""
    if study.window_from >= study.window_to:
        raise MalformedStudyError("study.json, window: 'from' must lie before 'to_exclusive'")
    handles = _unique((account.handle for account in study.accounts), "accounts.json", "handle")
    urls = _unique((post.url for post in study.posts), "posts.json", "url")
    _unique((post.id for post in study.posts), "posts.json", "id")
    for number, post in enumerate(study.posts, 1):
        where = f"posts.json, entry {number}"
        if not _is_own_path(post.url):
            raise MalformedStudyError(
                f"{where}: the field 'url' should be a path on the demo site without ? or #, "
                f"found {post.url!r}"
            )
        if not _PLATFORM.fullmatch(post.platform):
            raise MalformedStudyError(
                f"{where}: the field 'platform' should be a-z, 0-9, - and _, "
                f"found {post.platform!r}"
            )
        for handle in (post.author, *post.promotes):
            if handle not in handles:
                raise MalformedStudyError(f"{where}: {handle!r} is no account of accounts.json")
        if post.round not in study.rounds:
            raise MalformedStudyError(
                f"{where}: the field 'round' should be one of {', '.join(study.rounds)}, "
                f"found {post.round!r}"
            )
    for name, url in [
        *(("duplicates.json", duplicate.same_as) for duplicate in study.duplicates),
        *(("decisions.json", decision.url) for decision in study.decisions),
    ]:
        if url not in urls:
            raise MalformedStudyError(f"{name}: {url!r} is no post of posts.json")


def _is_own_path(url: str) -> bool:
    return (
        url.startswith("/")
        and not url.startswith(("//", *_OWN_PATHS))
        and not set(url) & set("?#\\ \t\r\n")
    )


def _unique(values: Iterable[str], file: str, field: str) -> frozenset[str]:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise MalformedStudyError(f"{file}: the {field} {value!r} stands there twice")
        seen.add(value)
    return frozenset(seen)

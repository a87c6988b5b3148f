"""Guessing what the columns of a list hold, from their names in any spelling and their cells."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from annotate.models import StudyField

ADDRESS: Final = "address"  # what a column is mapped to when it holds the addresses
IGNORE: Final = ""
_NO_LETTER: Final = re.compile(r"[\W_]+")
_WEB: Final = re.compile(r"https?://\S+", re.IGNORECASE)
_SAMPLE: Final = 50  # rows looked at
_ADDRESS_NAMES: Final = frozenset(
    "url urls address addresses link links uri permalink posturl postlink pageurl weburl website "
    "webaddress weblink tweeturl videourl articleurl sourceurl originalurl href location 网址 链接 "
    "地址 网页地址 連結 網址 帖子链接 الرابط رابط العنوان عنوان ئۇلانما ئادرېس ссылка адрес "
    "url地址 lien adresse enlace direccion bağlantı adres".split()
)
_ADDRESS_WORDS: Final = frozenset("url link uri permalink 链接 网址 رابط الرابط ссылка".split())
# Beside its key and label, what people call a field of a study of posts.
_NAMES: Final[Mapping[str, frozenset[str]]] = {
    "author": frozenset(
        "author authorhandle authorname accounthandle accountname account handle username user "
        "creator poster screenname profile 作者 账号 帐号 用户 "
        "发布者 الكاتب الحساب المؤلف автор аккаунт auteur autor yazar".split()
    ),
    "posted_at": frozenset(
        "postedat posted date dateposted postdate published publishedat publicationdate datetime "
        "timestamp time created createdat postedon 日期 时间 发布时间 发布日期 التاريخ تاريخ "
        "تاريخالنشر дата датапубликации fecha datum tarih".split()
    ),
    "platform": frozenset("platform network site source 平台 المنصة платформа".split()),
    "language": frozenset("language lang 语言 語言 اللغة язык langue idioma dil".split()),
    "promotes": frozenset("promotes promoted promotedaccounts mentions mentioned 推广".split()),
    "narrative": frozenset("narrative frame theme 叙事 السردية нарратив".split()),
    "found_by": frozenset("foundby foundthrough query searchterm sweep".split()),
    "author_state_controlled": frozenset(
        "authorstatecontrolled statecontrolled statemedia stateaffiliated official 官方".split()
    ),
    "author_kind": frozenset("authorkind authortype accounttype kindofauthor".split()),
}


class HasRows(Protocol):
    """A table: its header, and rows with their line."""

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        ...

    @property
    def rows(self) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """The rows, each with its line."""
        ...


def guess_mapping(table: HasRows, fields: Iterable[StudyField]) -> dict[str, str]:
    """Propose what each column holds: `address`, a field's key, or nothing."""
    known = list(fields)
    mapping = dict.fromkeys(table.header, IGNORE)
    for names in (_exact_names(known), _other_names(known)):
        for column in table.header:
            guess = names.get(plain(column), IGNORE)
            if guess and mapping[column] == IGNORE and guess not in mapping.values():
                mapping[column] = guess
    if ADDRESS not in mapping.values():
        found = _address_column(table, mapping)
        if found is not None:
            mapping[found] = ADDRESS
    return mapping


def plain(name: str) -> str:
    """Return a column's name without case, width, accents of writing, space and signs."""
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", name).casefold())


def _exact_names(fields: Sequence[StudyField]) -> dict[str, str]:
    names = dict.fromkeys(_ADDRESS_NAMES, ADDRESS)
    for one in fields:
        names[plain(one.key)] = one.key
        names.setdefault(plain(one.label), one.key)
    return names


def _other_names(fields: Sequence[StudyField]) -> dict[str, str]:
    return {name: one.key for one in fields for name in _NAMES.get(one.key, frozenset()) if name}


def _address_column(table: HasRows, mapping: Mapping[str, str]) -> str | None:
    """Find the column that holds addresses by a word in its name, else by its cells."""
    free = [column for column in table.header if mapping[column] == IGNORE]
    for column in free:
        words = set(re.split(r"[\W_]+", column.casefold()))
        if words & _ADDRESS_WORDS:
            return column
    rows = table.rows[:_SAMPLE]
    best, most = None, 0
    for column in free:
        at = table.header.index(column)
        hits = sum(len(row) > at and bool(_WEB.match(row[at].strip())) for _line, row in rows)
        if hits > most and hits * 2 > len(rows):
            best, most = column, hits
    return best

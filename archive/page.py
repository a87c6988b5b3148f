"""What a page says of itself: who wrote it, when, whom it names. Claims, not findings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from lxml import html

from archive.text import parse_html, visible_text

_HANDLE: Final = re.compile(r"(?<![\w.@/])@([A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?)")
_ISO_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_MONTH: Final = re.compile(r"\d{4}-\d{2}")
_BODY_KEPT: Final = 5000  # characters
_LIMIT: Final = 200  # facts of one kind kept of one page
_AUTHOR_META: Final = frozenset({"author", "article:author", "parsely-author", "dc.creator"})
_DATE_META: Final = frozenset(
    {"article:published_time", "datepublished", "date", "dc.date", "parsely-pub-date"}
)


class DatePrecision(StrEnum):
    """To what a date is known."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ShownDate:
    """A date as a page shows it. `instant` keeps the offset the page claims."""

    raw: str
    precision: DatePrecision
    instant: datetime | None
    day: date | None
    selector: str


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What one page says of itself; handles and mentions without the @."""

    author: str | None
    author_handles: tuple[str, ...]
    dates: tuple[ShownDate, ...]
    mentions: tuple[str, ...]
    language: str | None
    body: str = ""
    """The beginning of the page's own words, without what stands around them."""


def read_facts(markup: str) -> PageFacts:
    """Read the facts out of a page's HTML."""
    tree = parse_html(markup)
    if tree is None:
        return PageFacts(None, (), (), (), None)
    structured = list(_structured(tree))
    main = _main(tree)
    body = _body_text(main)
    names, handles = _authors(tree, structured)
    return PageFacts(
        author=names[0] if names else None,
        author_handles=tuple(handles),
        dates=tuple(_dates(tree, main, structured)),
        mentions=tuple(dict.fromkeys(_HANDLE.findall(body)))[:_LIMIT],
        language=(main.get("lang") or tree.get("lang") or None),
        body=body[:_BODY_KEPT],
    )


def read_date(text: str, selector: str) -> ShownDate:
    """Read a date as written; what says no day is kept with unknown precision.

    >>> read_date("2020-05-31", "time").precision.value
    'day'
    >>> read_date("2 h", "time").precision.value
    'unknown'
    """
    raw = " ".join(text.split())[:200]
    unknown = ShownDate(raw, DatePrecision.UNKNOWN, None, None, selector)
    try:
        if _ISO_DAY.fullmatch(raw):
            return ShownDate(raw, DatePrecision.DAY, None, date.fromisoformat(raw), selector)
        if _ISO_MONTH.fullmatch(raw):
            return ShownDate(raw, DatePrecision.MONTH, None, None, selector)
        moment = datetime.fromisoformat(raw)
    except ValueError:
        return unknown
    if moment.tzinfo is None:  # a wall clock that says not where it hangs: the day at most
        return ShownDate(raw, DatePrecision.DAY, None, moment.date(), selector)
    seconds = len(raw.partition("T")[2].partition("+")[0].split(":")) > 2
    precision = DatePrecision.SECOND if seconds else DatePrecision.MINUTE
    return ShownDate(raw, precision, moment, moment.date(), selector)


def _main(tree: html.HtmlElement) -> html.HtmlElement:
    for path in (".//article", ".//main", ".//*[@role='main']", ".//body"):
        found = tree.findall(path)
        if found:
            return found[0]
    return tree


def _body_text(main: html.HtmlElement) -> str:
    """Return the post's own words: the marked body where there is one, without the byline."""
    for path in (".//*[@itemprop='articleBody']", ".//*[@itemprop='text']"):
        found = main.findall(path)
        if found:
            return "\n".join(visible_text(element) for element in found)
    return visible_text(main)


def _authors(
    tree: html.HtmlElement, structured: Iterable[dict[str, Any]]
) -> tuple[list[str], list[str]]:
    names: list[str] = []
    handles: list[str] = []
    for element in tree.xpath("//*[contains(concat(' ', @rel, ' '), ' author ')]"):
        text = visible_text(element)
        said = _HANDLE.findall(text)
        handles += said or _handle_of_link(element.get("href"))
        names += [name for name in [_HANDLE.sub("", text).strip(" ·|,()\n")] if name]
    for element in tree.xpath("//*[@itemprop='author']"):
        text = element.get("content") or visible_text(element)
        handles += _HANDLE.findall(text)
        names += [text] if text else []
    for name, content in _metas(tree):
        if name in _AUTHOR_META and content:
            handles += _HANDLE.findall(content)
            names.append(content)
    for entry in structured:
        authors = entry.get("author")
        for author in authors if isinstance(authors, list) else [authors]:
            if isinstance(author, dict) and isinstance(author.get("name"), str):
                names.append(author["name"])
                alternate = author.get("alternateName")
                if isinstance(alternate, str):
                    handles.append(alternate.removeprefix("@"))
    return list(dict.fromkeys(names))[:_LIMIT], list(dict.fromkeys(handles))[:_LIMIT]


def _handle_of_link(href: str | None) -> list[str]:
    last = (href or "").partition("?")[0].rstrip("/").rpartition("/")[2]
    return [last.removeprefix("@")] if re.fullmatch(r"@?[A-Za-z0-9_.-]{1,64}", last) else []


def _dates(
    tree: html.HtmlElement, main: html.HtmlElement, structured: Iterable[dict[str, Any]]
) -> Iterator[ShownDate]:
    found: list[ShownDate] = []
    for element in main.iter("time"):
        attribute = element.get("datetime")
        found.append(read_date(attribute or visible_text(element), "time"))
    for element in tree.xpath("//*[@itemprop='datePublished']"):
        text = element.get("datetime") or element.get("content") or visible_text(element)
        found.append(read_date(text, "itemprop=datePublished"))
    found += [
        read_date(content, f"meta {name}") for name, content in _metas(tree) if name in _DATE_META
    ]
    for entry in structured:
        published = entry.get("datePublished")
        if isinstance(published, str):
            found.append(read_date(published, "ld+json datePublished"))
    yield from list(dict.fromkeys(found))[:_LIMIT]


def _metas(tree: html.HtmlElement) -> Iterator[tuple[str, str]]:
    for meta in tree.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").strip().lower()
        yield name, (meta.get("content") or "").strip()


def _structured(tree: html.HtmlElement) -> Iterator[dict[str, Any]]:
    """Yield the objects of JSON-LD scripts; malformed ones say nothing."""
    for script in tree.xpath("//script[@type='application/ld+json']"):
        try:
            document = json.loads(script.text or "")
        except (json.JSONDecodeError, RecursionError):
            continue
        entries = document if isinstance(document, list) else [document]
        for entry in entries[:_LIMIT]:
            if isinstance(entry, dict):
                graph = entry.get("@graph")
                yield entry
                yield from (one for one in graph or [] if isinstance(one, dict))

"""What the pages of a file say: title, text and facts, read within limits, faults told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from archive.capture.outcome import Outcome
from archive.content import decode_text
from archive.facts import dump_facts
from archive.importing.found import FoundPage
from archive.page import read_facts
from archive.text import render_text

PAGE_LIMIT: Final = 32_000_000  # bytes of one page turned into text
_BODY: Final = 5000  # characters handed on for telling the language
HTML_TYPES: Final = ("text/html", "application/xhtml+xml")
TEXT_TYPES: Final = ("text/", "application/json", "application/xml")


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes of a page, as they are after every coding was undone."""

    body: bytes
    content_type: str


def is_html(content_type: str) -> bool:
    """Tell whether a declared type is that of a page."""
    return content_type.strip().lower().startswith(HTML_TYPES)


def with_words(page: FoundPage, content: Content) -> FoundPage:
    """Return the page with its title, text and facts; what cannot be read makes it partial."""
    try:
        if is_html(content.content_type):
            return _of_markup(page, decode_text(content.body, content.content_type))
        if content.content_type.lower().startswith(TEXT_TYPES):
            text = decode_text(content.body, content.content_type)
            return replace(page, text=text, text_version="holdfast-plain/1", body=text[:_BODY])
    except (MemoryError, RecursionError) as error:
        return partial(page, f"its text needs more than an import may use ({error!r})")
    return page


def partial(page: FoundPage, why: str) -> FoundPage:
    """Return the page as one that is not whole, with the reason added."""
    outcome = Outcome.PARTIAL if page.outcome is Outcome.COMPLETE else page.outcome
    return replace(page, outcome=outcome, reason="; ".join(filter(None, (page.reason, why))))


def _of_markup(page: FoundPage, markup: str) -> FoundPage:
    made = render_text(markup)
    facts = read_facts(markup)
    return replace(
        page,
        title=made.title or page.title,
        text=made.text,
        text_version=made.version,
        language_claimed=(made.language_claimed or "")[:35] or None,
        facts=dump_facts(facts),
        body=(facts.body or made.text)[:_BODY],
    )


def outcome_of(status: int | None) -> tuple[Outcome, str]:
    """Say how a capture ended whose page was answered with this HTTP status."""
    if status is None or 200 <= status < 300:
        return Outcome.COMPLETE, ""
    if status in {404, 410}:
        return Outcome.GONE, f"the server answered {status}"
    if status in {401, 403, 407, 429, 451}:
        return Outcome.BLOCKED, f"the server answered {status}"
    return Outcome.FAILED, f"the server answered {status}"

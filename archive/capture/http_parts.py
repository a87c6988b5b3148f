"""Which parts of an HTML page the http engine fetches, so that its static view shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from lxml import etree, html

from archive.errors import AddressError
from archive.urlkey import Address

# XPath of the attribute that names the part, and the part's kind as in the loss ledger.
SOURCES: Final = (
    (
        "//link[contains(concat(' ', normalize-space(@rel), ' '), ' stylesheet ')]/@href",
        "stylesheet",
    ),
    ("//img/@src", "image"),
    ("//img[not(@src)]/@srcset", "image"),
    ("//picture/source/@srcset", "image"),
    ("//input[@type='image']/@src", "image"),
    ("//video/@poster", "image"),
    ("//*[local-name()='image']/@href", "image"),
    ("//link[contains(concat(' ', normalize-space(@rel), ' '), ' icon ')]/@href", "image"),
    ("//audio/@src | //audio/source/@src", "media"),
    ("//video/@src | //video/source/@src", "media"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a page that is worth fetching."""

    address: Address
    resource_type: str


@dataclass(frozen=True, slots=True)
class PartList:
    """The parts within the limit, and how many there are beyond it."""

    parts: tuple[Part, ...]
    left_out: int


def find_parts(text: str, page_url: str, limit: int) -> PartList:
    """Pictures, styles and media named in `text`, each target once, styles first.

    Addresses that are not http or https (``data:``, ``blob:``) carry nothing to fetch.

    :param page_url: what relative addresses are relative to, unless ``<base>`` says otherwise
    :param limit: parts given at most
    """
    try:
        # As bytes: lxml refuses a str that carries an XML encoding declaration.
        parser = html.HTMLParser(encoding="utf-8")
        tree = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except etree.ParserError:  # no element at all
        return PartList((), 0)
    bases = _strings(tree, "//base/@href")
    base = _join(page_url, bases[0]) if bases else page_url
    found: dict[str, Part] = {}
    for path, kind in SOURCES:
        for value in _strings(tree, path):
            reference = _first_candidate(value) if path.endswith("@srcset") else value
            address = _parse(_join(base, reference))
            if address is not None and reference.strip():
                found.setdefault(address.target, Part(address, kind))
    parts = tuple(found.values())
    return PartList(parts[:limit], max(0, len(parts) - limit))


def _strings(tree: html.HtmlElement, path: str) -> list[str]:
    values = tree.xpath(path)
    return [str(value) for value in values] if isinstance(values, list) else []


def _first_candidate(srcset: str) -> str:
    """The address of the first image candidate (HTML, srcset attribute)."""
    words = srcset.split()
    return words[0].rstrip(",") if words else ""


def _join(base: str, reference: str) -> str:
    try:
        return urljoin(base, reference.strip())
    except ValueError:  # "http://[" and the like
        return ""


def _parse(url: str) -> Address | None:
    try:
        return Address.parse(url)
    except AddressError:
        return None

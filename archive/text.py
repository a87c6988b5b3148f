"""The text of a page: everything a reader would see, in document order, the same every time.

Blocks begin new lines, inline elements do not break words, space is collapsed as HTML does
(CSS Text 3, 4.1). Nothing is normalised further: the text is evidence, search does its own.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from lxml import etree, html

from archive.markup import spared

TEXT_VERSION: Final = "holdfast-text/1"
# Not head: libxml2 puts an article that no body opens before into it.
_HIDDEN: Final = frozenset(
    "script style noscript template title iframe object embed svg math audio video canvas "
    "select datalist option textarea input".split()
)
_BLOCKS: Final = frozenset(
    "address article aside blockquote body br dd details dialog div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr li main nav ol p pre section summary "
    "table tbody td tfoot th thead tr ul caption center legend".split()
)
_SPACE: Final = re.compile(r"[ \t\n\r\f]+")
_LINES: Final = re.compile(r" *\n[ \n]*")
# XML 1.0, 2.2: what a tree cannot hold.
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class TextRendition:
    """A page's text; `sha256` in hex, of the text in UTF-8; `version` names what made it."""

    title: str
    text: str
    language_claimed: str | None
    version: str
    sha256: str


def parse_html(markup: str) -> html.HtmlElement | None:
    """Parse markup as tolerantly as lxml can; None where there is nothing to parse."""
    cleaned = spared(_NOT_XML.sub("\ufffd", markup))
    if not cleaned.strip():
        return None
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True, recover=True)
    try:
        tree = html.document_fromstring(cleaned.encode(), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, AssertionError):
        return None
    return tree


def render_text(markup: str) -> TextRendition:
    """Render a page's text."""
    tree = parse_html(markup)
    if tree is None:
        return rendition("", "", None)
    title = tree.find(".//title")
    return rendition(
        _SPACE.sub(" ", title.text_content()).strip() if title is not None else "",
        visible_text(tree),
        (tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang") or "").strip()
        or None,
    )


def rendition(title: str, text: str, language: str | None) -> TextRendition:
    """Put a rendition together; for text that comes from elsewhere than HTML too."""
    return TextRendition(
        title=title,
        text=text,
        language_claimed=language,
        version=TEXT_VERSION,
        sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
    )


def visible_text(element: html.HtmlElement) -> str:
    """Return the visible text below one element."""
    pieces: list[str] = []
    _gather(element, pieces)
    text = _LINES.sub("\n", "".join(pieces))
    return text.strip()


def _gather(root: html.HtmlElement, pieces: list[str]) -> None:
    """Walk without recursion: hostile pages nest deeper than the stack."""
    stack: list[tuple[html.HtmlElement, bool]] = [(root, False)]
    while stack:
        element, leaving = stack.pop()
        tag = element.tag
        if leaving:
            if tag in _BLOCKS:
                pieces.append("\n")
            _add(pieces, element.tail if element is not root else None)
            continue
        if not isinstance(tag, str) or tag in _HIDDEN or element.get("hidden") is not None:
            _add(pieces, element.tail if element is not root else None)
            continue
        if tag in _BLOCKS:
            pieces.append("\n")
        _add(pieces, element.text)
        stack.append((element, True))
        stack.extend((child, False) for child in reversed(element))


def _add(pieces: list[str], text: str | None) -> None:
    if text:
        collapsed = _SPACE.sub(" ", text)
        if collapsed.startswith(" ") and pieces and pieces[-1].endswith((" ", "\n")):
            collapsed = collapsed[1:]
        pieces.append(collapsed)

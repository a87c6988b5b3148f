"""The text of a page: everything a reader would see, in document order, the same every time.

Blocks begin new lines, inline elements do not break words, space is collapsed as HTML does
(CSS Text 3, 4.1). Nothing is normalised further: the text is evidence, search does its own.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from html import unescape
from typing import Final

from lxml import etree, html
from selectolax.lexbor import LexborHTMLParser, LexborNode

from archive.markup import spared, uncrowded

TEXT_VERSION: Final = "holdfast-text/2"
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
# What follows one of these begins a line itself, or the table ends: a parser moves any text that
# stands between them out of the table (HTML, 13.2.6.4.9).
_IN_TABLES: Final = frozenset("caption tbody td tfoot th thead tr".split())
_DROPPED: Final = _HIDDEN | {"noembed", "noframes"}
_SPACES: Final = bytes.maketrans(b"\t\n\x0b\f\r", b"     ")
_CONTROLS: Final = bytes([*range(9), 0x0B, *range(0x0E, 0x1E), 0x1F])
_DEEPEST: Final = 5000  # elements left open, by a rough count, above which no tree is made
_TAG: Final = re.compile(r"<[/!?]?([A-Za-z][A-Za-z0-9]*)?[^>]*>")
_TITLE: Final = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_TITLE_BEGINS: Final = re.compile(r"<title", re.IGNORECASE)
_RAW_NAMES: Final = ("script", "style", "noscript", "template", "title", "textarea")
_RAW_BEGINS: Final = re.compile(rf"<({'|'.join(_RAW_NAMES)})\b|<!--", re.IGNORECASE)
_RAW_ENDS: Final = {"": re.compile("-->")} | {
    name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in _RAW_NAMES
}
_SLICE: Final = 16_384  # bytes counted at once
_MARK: Final = b"\x1e"  # stands where a block begins or ends, until space is collapsed
_SPACE: Final = re.compile(r"[ \t\n\r\f]+")
_LINES: Final = re.compile(r" *\n[ \n]*")
# XML 1.0, 2.2: what a tree cannot hold.
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _numbers(*names: str) -> list[int]:
    """Return lexbor's numbers of elements: a name costs it a new string each time it is asked."""
    parser = LexborHTMLParser("")
    return [parser.create_node(name).tag_id for name in names]


_LINE_ENDS: Final = {
    number: ends
    for names, ends in ((_DROPPED, 0), (_BLOCKS - _IN_TABLES, 2), (_IN_TABLES, 1))
    for number in _numbers(*names)
}
"""By lexbor's number of an element, at how many of its ends a line ends; 0: it is dropped."""


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
    """Render a page's text.

    The tree is lexbor's, as a browser would build it. Its own text method breaks `wo<b>rd</b>` in
    two or joins blocks; so the ends of blocks are marked in the tree first, and text is joined
    without anything between.
    """
    readable = _readable(markup)
    if not markup or (markup.isspace() and readable.decode().isspace()):
        return rendition("", "", None)
    if _may_be_deep(readable):
        return _render_deep(readable.decode())
    tree = LexborHTMLParser(uncrowded(readable))
    root = tree.root
    if root is None:
        return rendition("", "", None)
    language = root.attributes.get("lang") or root.attributes.get("xml:lang") or ""
    named = _mark_blocks(root)
    for element in tree.css("[hidden]"):
        element.decompose()
    return rendition(
        _NOT_XML.sub("\ufffd", named),
        _collapsed(root.text(deep=True, separator="")),
        language.strip() or None,
    )


def _may_be_deep(markup: bytes) -> bool:
    """Tell whether elements may nest deeper than lexbor takes in good time (it is quadratic)."""
    if markup.count(b"<") <= _DEEPEST:
        return False
    depth = 0
    for start in range(0, len(markup), _SLICE):
        end = start + _SLICE
        depth += markup.count(b"<", start, end) - 2 * markup.count(b"</", start, end)
        if depth > _DEEPEST:
            return True
        depth = max(depth, 0)
    return False


def _render_deep(markup: str) -> TextRendition:
    """Render a page that nests deeper than any parser here takes: tags told by their letters."""
    # Past the last ">" no tag ends: looked for there, each "<" would cost a search to the end.
    title = _TITLE.search(markup) if ">" in markup[_first_title(markup) :] else None
    bare = _without_raw_elements(markup)
    last = bare.rfind(">") + 1
    mark = _MARK.decode()
    marked = _TAG.sub(lambda tag: mark if (tag[1] or "").lower() in _BLOCKS else "", bare[:last])
    text = _collapsed(unescape(marked + bare[last:]))
    named = _SPACE.sub(" ", unescape(title[1])).strip() if title is not None else ""
    return rendition(named, text, None)


def _first_title(markup: str) -> int:
    found = _TITLE_BEGINS.search(markup)
    return found.start() if found is not None else len(markup)


def _without_raw_elements(markup: str) -> str:
    """Put a space in place of each script, style, comment and the like that has an end.

    What has none is not looked for again: in bad markup thousands may begin and none end.
    """
    pieces: list[str] = []
    endless: set[str] = set()
    kept = at = 0
    while (begins := _RAW_BEGINS.search(markup, at)) is not None:
        at = begins.end()
        name = (begins[1] or "").lower()
        if name in endless:
            continue
        ends = _RAW_ENDS[name].search(markup, at)
        if ends is None:
            endless.add(name)
            continue
        pieces += [markup[kept : begins.start()], " "]
        kept = at = ends.end()
    return "".join([*pieces, markup[kept:]])


def _readable(markup: str) -> bytes:
    """Return markup the parser can take, in UTF-8: no halves of characters, no mark of ours."""
    try:
        readable = markup.encode()
    except UnicodeEncodeError:
        readable = b"\0"
    if _MARK in readable or b"\0" in readable:
        return _NOT_XML.sub("\ufffd", markup).replace(_MARK.decode(), " ").encode()
    return readable


def _mark_blocks(root: LexborNode) -> str:
    """Mark where blocks begin and end, drop what nobody reads; return the page's title."""
    dropped = []
    title = ""
    for node in root.traverse():
        ends = _LINE_ENDS.get(node.tag_id)
        if ends:
            node.insert_before(_MARK)
            if ends == 2:
                node.insert_after(_MARK)
        elif ends is not None:
            dropped.append(node)
            if not title and node.tag == "title":
                title = _SPACE.sub(" ", node.text(deep=True)).strip()
    for node in dropped:
        node.decompose()
    return title


def _collapsed(joined: str) -> str:
    """Collapse space as HTML does: in bytes, where only ASCII space is split at, and fast."""
    lines = []
    for marked in joined.encode("utf-8", "replace").translate(_SPACES).split(_MARK):
        line = marked.strip(b" ")
        if line:
            lines.append(b" ".join(line.split()) if b"  " in line else line)
    letters = b"\n".join(lines)
    if len(letters.translate(None, _CONTROLS)) != len(letters):
        return _NOT_XML.sub("\ufffd", letters.decode())
    return letters.decode()


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

"""Archived HTML and CSS made harmless: an allow-list, and no reference that leaves the capture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urljoin

from lxml import etree, html

from archive.text import parse_html

Rewrite = Callable[[str], str | None]
"""Takes an absolute address; gives where to fetch it from in the capture, or None."""

_TAGS: Final = frozenset(
    "html head title body a abbr address article aside audio b bdi bdo big blockquote br caption "
    "center cite code col colgroup data dd del details dfn dir div dl dt em figcaption figure "
    "font footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd label legend li main map mark "
    "menu meter nav ol output p picture pre progress q rp rt ruby s samp section small source "
    "span strike strong style sub summary sup svg table tbody td tfoot th thead time tr track tt "
    "u ul var video wbr button form fieldset g path rect circle ellipse line polyline polygon "
    "text tspan defs lineargradient radialgradient stop clippath mask pattern image link".split()
)
_ATTRIBUTES: Final = frozenset(
    "class id lang dir title alt width height colspan rowspan headers scope align valign bgcolor "
    "color face size start reversed type value datetime cite style role hidden open span border "
    "cellpadding cellspacing media label name kind srclang controls loop muted d points x y x1 "
    "x2 y1 y2 cx cy r rx ry fill stroke stroke-width viewbox transform opacity offset "
    "stop-color fill-opacity fill-rule clip-rule preserveaspectratio text-anchor".split()
)
_INERT: Final = {"form": "div", "button": "span"}
_DROPPED_WHOLE: Final = frozenset(
    "script noscript template object embed applet base meta frame frameset param input textarea "
    "select option iframe".split()
)
_LAZY: Final = ("data-src", "data-original", "data-lazy-src")
_CSS_URL: Final = re.compile(r"""url\(\s*(?:"([^"]*)"|'([^']*)'|([^)"']*))\s*\)""", re.IGNORECASE)
_CSS_IMPORT: Final = re.compile(r"""@import\s+(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_CSS_HARM: Final = re.compile(r"expression\s*\(|-moz-binding|behavior\s*:", re.IGNORECASE)


def sanitise_html(markup: str, base: str, rewrite: Rewrite) -> bytes:
    """Return the page as HTML that runs nothing and asks for nothing outside the capture.

    Links keep their address as data, so that it can be read but not followed.
    """
    tree = parse_html(markup)
    if tree is None:
        tree = html.document_fromstring("<html><body></body></html>")
    declared = tree.find(".//base")
    if declared is not None and declared.get("href"):
        base = urljoin(base, declared.get("href"))
    for element in list(_elements(tree)):
        _clean(element, base, rewrite)
    body: bytes = etree.tostring(tree, method="html", encoding="utf-8", doctype="<!DOCTYPE html>")
    return body


def sanitise_css(sheet: str, base: str, rewrite: Rewrite) -> str:
    """Return a style sheet whose every address leads into the capture or nowhere."""

    def url(match: re.Match[str]) -> str:
        wanted = next((group for group in match.groups() if group is not None), "").strip()
        return f'url("{_rewritten(wanted, base, rewrite) or "data:,"}")'

    def imported(match: re.Match[str]) -> str:
        wanted = match[1] if match[1] is not None else match[2]
        return f'@import "{_rewritten(wanted, base, rewrite) or "data:text/css,"}"'

    harmless = _CSS_HARM.sub("none(", sheet.replace("\x00", ""))
    return _CSS_IMPORT.sub(imported, _CSS_URL.sub(url, harmless)).replace("</", "<\\/")


def _elements(tree: html.HtmlElement) -> Iterator[html.HtmlElement]:
    yield from tree.iter()


def _clean(element: html.HtmlElement, base: str, rewrite: Rewrite) -> None:
    parent = element.getparent()
    tag = element.tag.lower() if isinstance(element.tag, str) else ""
    if tag == "iframe" and parent is not None:
        _placeholder(element, f"a frame of {urljoin(base, element.get('src') or '')}")
        return
    if parent is not None and (not tag or tag in _DROPPED_WHOLE or _is_other_link(element, tag)):
        element.drop_tree()
        return
    if tag not in _TAGS and parent is not None:
        element.drop_tag()
        return
    if tag in _INERT:
        element.tag = _INERT[tag]
    _clean_attributes(element, tag, base, rewrite)
    if tag == "style" and element.text:
        element.text = sanitise_css(element.text, base, rewrite)


def _is_other_link(element: html.HtmlElement, tag: str) -> bool:
    return tag == "link" and "stylesheet" not in (element.get("rel") or "").lower().split()


def _clean_attributes(element: html.HtmlElement, tag: str, base: str, rewrite: Rewrite) -> None:
    old = dict(element.attrib)
    for name in old:
        del element.attrib[name]
    for name, value in old.items():
        plain = str(name).lower()
        if plain == "style":
            element.set("style", sanitise_css(str(value), base, rewrite))
        elif plain in _ATTRIBUTES or plain.startswith("aria-"):
            element.set(plain, str(value))
    if tag == "a" and old.get("href"):
        element.set("data-href", urljoin(base, str(old["href"])))
        element.set("title", urljoin(base, str(old["href"])))
    elif tag == "link":
        element.set("rel", "stylesheet")
        element.set("href", _rewritten(str(old.get("href", "")), base, rewrite) or "data:text/css,")
    elif tag in {"img", "source", "video", "audio", "track", "image"}:
        _media(element, old, base, rewrite)


def _media(element: html.HtmlElement, old: dict[str, str], base: str, rewrite: Rewrite) -> None:
    candidates = [old.get("src"), *(old.get(name) for name in _LAZY), _largest(old.get("srcset"))]
    candidates.append(old.get("href"))
    wanted = [candidate for candidate in candidates if candidate]
    if old.get("poster"):
        poster = _rewritten(str(old["poster"]), base, rewrite)
        if poster:
            element.set("poster", poster)
    for candidate in wanted:
        found = _rewritten(str(candidate), base, rewrite)
        if found:
            element.set("href" if element.tag == "image" else "src", found)
            return
    if wanted and element.tag == "img":
        element.set("data-missing", urljoin(base, str(wanted[0])))
        element.set("alt", element.get("alt") or f"not in the capture: {wanted[0]}"[:200])


def _largest(srcset: str | None) -> str | None:
    parts = [part.split() for part in (srcset or "").split(",") if part.strip()]
    return parts[-1][0] if parts else None


def _rewritten(reference: str, base: str, rewrite: Rewrite) -> str | None:
    reference = reference.strip()
    if reference.lower().startswith("data:"):
        kind = reference[5:40].lower()
        return reference if kind.startswith(("image/", "font/", "audio/", "video/")) else None
    if reference.lower().startswith("cid:"):
        return rewrite(reference)
    try:
        absolute = urljoin(base, reference)
    except ValueError:
        return None
    return rewrite(absolute) if absolute.startswith(("http://", "https://")) else None


def _placeholder(element: html.HtmlElement, words: str) -> None:
    parent = element.getparent()
    if parent is None:
        return
    box = etree.SubElement(parent, "p")
    box.set("class", "holdfast-placeholder")
    box.text = f"[Not shown here: {words}]"
    box.tail = element.tail
    parent.replace(element, box)

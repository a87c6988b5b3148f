"""Archived HTML made harmless: parsed as browsers parse it, written anew from an allow-list.

The page is read by an HTML5 parser and written by us, element by element: nothing that is not
named here gets through, and no text is ever written as it stood. Links keep their address as
data, so that it can be read but not followed. Frames become sandboxed parts of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final
from urllib.parse import quote, urljoin

from selectolax.lexbor import LexborHTMLParser

from archive.css import Rewrite, absolute_address, inline, rewritten, sanitise_css
from archive.markup import spared, srcset_candidates, straight

_TAGS: Final = frozenset(
    "html head title body a abbr address article aside audio b bdi bdo big blockquote br button "
    "caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt "
    "em fieldset figcaption figure font footer h1 h2 h3 h4 h5 h6 header hgroup hr i img input ins "
    "kbd label legend li link main map mark menu meter nav nobr ol optgroup option output p "
    "picture pre progress q rb rp rt rtc ruby s samp search section select small source span "
    "strike strong style sub summary sup table tbody td textarea tfoot th thead time tr track tt "
    "u ul var video wbr "
    "svg g path rect circle ellipse line polyline polygon text tspan defs symbol use "
    "linearGradient radialGradient stop clipPath mask pattern image desc "
    "math mi mn mo ms mtext mrow mfrac msqrt mroot msub msup msubsup munder mover munderover "
    "mtable mtr mtd mspace mpadded mphantom menclose merror mstyle semantics".split()
)
_ATTRIBUTES: Final = frozenset(
    "class id lang dir title alt width height colspan rowspan headers scope align valign bgcolor "
    "color face size start reversed type value datetime role hidden open span border cellpadding "
    "cellspacing media label kind srclang controls loop muted checked selected disabled multiple "
    "placeholder rows cols wrap low high optimum min max nowrap clear hspace vspace noshade "
    "compact for d points x y x1 x2 y1 y2 cx cy r rx ry fx fy dx dy fill stroke stroke-width "
    "stroke-linecap stroke-linejoin stroke-dasharray stroke-dashoffset stroke-miterlimit "
    "stroke-opacity viewBox transform opacity offset stop-color stop-opacity fill-opacity "
    "fill-rule clip-rule clip-path mask preserveAspectRatio text-anchor dominant-baseline "
    "font-family font-size font-weight font-style letter-spacing gradientUnits gradientTransform "
    "spreadMethod patternUnits patternTransform patternContentUnits clipPathUnits maskUnits "
    "visibility display overflow vector-effect xml:space "
    "mathvariant mathsize mathcolor displaystyle scriptlevel stretchy fence separator accent "
    "linethickness columnalign rowalign columnspacing rowspacing lspace rspace".split()
)
_CUSTOM: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+")  # an element a script would define
_INERT: Final = {"form": "div", "frameset": "div", "marquee": "div", "noframes": "div"}
_DROPPED_WHOLE: Final = frozenset(
    "script template applet base meta param noembed foreignObject animate set animateTransform "
    "animateMotion maction annotation-xml handler listener portal fencedframe xml".split()
)
_VOID: Final = frozenset("br col hr img input link source track wbr".split())
_MEDIA: Final = frozenset({"img", "video", "audio", "source", "track", "image"})
_LAZY: Final = ("data-src", "data-original", "data-lazy-src", "data-lazy")
_LAZY_SETS: Final = ("srcset", "data-srcset", "data-lazy-srcset")
_INPUTS: Final = frozenset("text checkbox radio button submit reset range number search".split())
_DEEPEST: Final = 512  # elements within one another; browsers stop there too
MOST_MARKUP: Final = 32_000_000  # characters of one page shown
FrameRewrite = Callable[[str | None, str | None, str], str | None]
"""Takes a frame's absolute address, its srcdoc, and what to call it; gives where it is shown."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Something the page refers to that the capture does not hold."""

    address: str
    kind: str  # the element that asked for it: img, link, iframe, …


@dataclass(slots=True)
class Sanitiser:
    """Makes one page harmless; `missing` tells afterwards what it refers to in vain."""

    base: str
    rewrite: Rewrite
    frame: FrameRewrite | None = None
    scripts_ran: bool = False
    """The markup is what a browser held after its scripts ran, so noscript was never shown."""
    silent: bool = False
    """Films and sounds come muted, and load nothing before they are started."""
    missing: list[Missing] = field(default_factory=list)
    _out: list[str] = field(default_factory=list)
    _frames: int = 0

    def page(self, markup: str) -> bytes:
        """Return the page in UTF-8."""
        tree = LexborHTMLParser(spared(markup[:MOST_MARKUP]))
        declared = tree.css_first("base[href]")
        if declared is not None:
            self.base = absolute_address(declared.attributes.get("href") or "", self.base) or (
                self.base
            )
        self._out = ["<!DOCTYPE html>" if _has_doctype(markup) else ""]
        self._walk(tree.root)
        return "".join(self._out).encode("utf-8", "replace")

    def _walk(self, root: Any) -> None:
        """Write the elements below `root` without recursion: hostile pages nest deeply."""
        todo: list[Any] = [root]
        depth = 0
        while todo:
            node = todo.pop()
            if isinstance(node, str):
                if node:
                    self._out.append(f"</{node}>")
                depth -= 1
                continue
            if node is not root and node.next is not None:
                todo.append(node.next)
            closing = self._open(node, depth)
            if closing is None:
                continue
            todo.append(closing)
            depth += 1
            if node.first_child is not None:
                todo.append(node.first_child)

    def _open(self, node: Any, depth: int) -> str | None:
        """Write a node's beginning; return the tag to close, "" for none, None to pass over it."""
        if node.is_text_node:
            self._out.append(escape(node.text_content or "", quote=False))
            return None
        if not node.is_element_node:
            return None
        tag = str(node.tag)
        small = tag.lower()
        if small in _DROPPED_WHOLE or tag in _DROPPED_WHOLE:
            return None
        if small == "noscript":
            return None if self.scripts_ran else ""
        attributes = node.attributes
        if small in {"iframe", "frame"}:
            self._put_frame(small, attributes)
            return None
        if small in {"object", "embed"}:
            self._put_object(small, attributes)
            return "" if small == "object" else None
        if small == "style":
            sheet = sanitise_css(_text_of(node), self.base, self._css)
            media = attributes.get("media")
            said = f' media="{escape(media)}"' if media else ""
            self._out.append(f"<style{said}>{inline(sheet)}</style>")
            return None
        if tag == "title":
            # What turns the direction of writing could make a title bar say anything.
            self._out.append(f"<title>{escape(straight(_text_of(node)), quote=False)}</title>")
            return None
        if small == "link" and not _is_sheet(attributes):
            return None
        name = _INERT.get(small, tag)
        if depth > _DEEPEST or not (name in _TAGS or _CUSTOM.fullmatch(name)):
            return ""
        return self._put_element(node, name, attributes)

    def _put_element(self, node: Any, tag: str, attributes: dict[str, str | None]) -> str | None:
        written = self._plain_attributes(tag, attributes)
        if tag in _MEDIA:
            if not self._lead_media(tag, attributes, written):
                return None
        elif tag == "link":
            found = self._held(attributes.get("href"), "link")
            if found is None:
                return None
            written |= {"rel": "stylesheet", "href": found}
        elif tag == "a":
            self._keep_link(attributes, written)
        elif tag == "use":
            target = attributes.get("href") or attributes.get("xlink:href") or ""
            if not target.startswith("#"):
                return None
            written["href"] = target
        elif tag in {"input", "button", "select", "textarea"}:
            _make_inert(tag, attributes, written)
        self._out.append(f"<{tag}{_written(written)}>")
        if tag == "textarea":
            self._out.append(escape(_text_of(node), quote=False) + "</textarea>")
            return None
        return None if tag in _VOID else tag

    def _plain_attributes(self, tag: str, attributes: dict[str, str | None]) -> dict[str, str]:
        written: dict[str, str] = {}
        for name, value in attributes.items():
            text = value or ""
            if name == "style":
                written["style"] = sanitise_css(text, self.base, self._css)
            elif name in _ATTRIBUTES or (name.startswith("aria-") and name[5:].isalpha()):
                telling = "(" in text or "\\" in text
                written[name] = sanitise_css(text, self.base, self._css) if telling else text
            elif name == "background" and tag in {"body", "table", "td", "th", "tr"}:
                found = self._held(text, tag)
                if found is not None:
                    written["background"] = found
        return written

    def _css(self, address: str) -> str | None:
        found = self.rewrite(address)
        if found is None:
            self.missing.append(Missing(address, "style"))
        return found

    def _held(self, reference: str | None, kind: str, *, note: bool = True) -> str | None:
        if not reference or not reference.strip():
            return None
        found = rewritten(reference, self.base, self.rewrite)
        if found is None and note:
            self.missing.append(Missing(_absolute(reference, self.base), kind))
        return found

    def _lead_media(
        self, tag: str, attributes: dict[str, str | None], written: dict[str, str]
    ) -> bool:
        """Lead a picture, film or sound into the capture; False where nothing is left to show."""
        if tag in {"video", "audio"}:
            written["controls"] = ""  # the page's own were a script
            if self.silent:
                written |= {"muted": "", "preload": "none"}
        poster = self._held(attributes.get("poster"), "poster")
        if poster is not None:
            written["poster"] = poster
        candidates = [
            one for name in _LAZY_SETS for one in srcset_candidates(attributes.get(name) or "")
        ]
        held_set = self._held_set(candidates)
        source = self._source(attributes)
        if tag == "track":
            return False
        if tag == "image":
            written |= {"href": source} if source is not None else {}
            return source is not None
        if tag == "source":
            written |= {"srcset": ", ".join(held_set)} if held_set else {}
            written |= {"src": source} if source is not None else {}
            return bool(held_set) or source is not None
        if source is None and held_set:
            source = held_set[0].partition(" ")[0]
        if source is not None:
            written["src"] = source
            if held_set and tag == "img":
                written["srcset"] = ", ".join(held_set)
            return True
        wanted = attributes.get("src") or next((one for one, _size in candidates), None)
        if wanted:
            self._mark_missing(tag, _absolute(wanted, self.base), written)
        return True  # a film's sources may stand within it; a picture keeps its place

    def _held_set(self, candidates: list[tuple[str, str]]) -> list[str]:
        """Return those of a set of pictures that are held, each with its descriptor."""
        led = [(self._held(one, "img", note=False), size) for one, size in candidates]
        return [
            f"{found} {size}".strip()
            for found, size in led
            if found is not None and not found.startswith("data:")
        ]

    def _source(self, attributes: dict[str, str | None]) -> str | None:
        """Return the first of an element's sources that is held; a lazy one before a blank."""
        plain = attributes.get("src") or attributes.get("href") or attributes.get("xlink:href")
        lazy = [attributes.get(name) for name in _LAZY]
        blank = plain is not None and plain.strip()[:5].lower() == "data:"
        for one in [*lazy, plain] if blank else [plain, *lazy]:
            found = self._held(one, "img", note=False)
            if found is not None:
                return found
        return None

    def _mark_missing(self, tag: str, address: str, written: dict[str, str]) -> None:
        self.missing.append(Missing(address, tag))
        written["data-missing"] = address
        if tag == "img":
            written["src"] = PLACEHOLDER
            written["alt"] = written.get("alt") or f"not in the capture: {address}"[:200]
            written["title"] = f"not in the capture: {address}"[:500]

    def _keep_link(self, attributes: dict[str, str | None], written: dict[str, str]) -> None:
        reference = attributes.get("href")
        if reference:
            address = _absolute(reference, self.base)
            written["data-href"] = address
            written.setdefault("title", address)

    def _put_frame(self, tag: str, attributes: dict[str, str | None]) -> None:
        self._frames += 1
        source = attributes.get("src") or ""
        srcdoc = attributes.get("srcdoc")
        address = source if source[:4].lower() == "cid:" else absolute_address(source, self.base)
        shown = None
        if self.frame is not None and (address or srcdoc is not None):
            shown = self.frame(address, srcdoc, str(self._frames))
        if shown is None:
            if source and source.lower() != "about:blank":
                self.missing.append(Missing(_absolute(source, self.base), tag))
                self._out.append(
                    f'<div class="holdfast-missing" role="note">[a frame that is not in the '
                    f"capture: {escape(_absolute(source, self.base)[:300])}]</div>"
                )
            return
        written = {
            name: attributes.get(name) or ""
            for name in ("width", "height", "class", "id", "title")
            if attributes.get(name)
        }
        if attributes.get("style"):
            written["style"] = sanitise_css(attributes["style"] or "", self.base, self._css)
        written |= {"sandbox": "allow-same-origin", "src": shown, "loading": "lazy"}
        self._out.append(f"<iframe{_written(written)}></iframe>")

    def _put_object(self, tag: str, attributes: dict[str, str | None]) -> None:
        reference = attributes.get("data") or attributes.get("src")
        if not reference:
            return
        kind = (attributes.get("type") or "").lower()
        address = _absolute(reference, self.base)
        found = self._held(reference, tag, note=False)
        if found is not None and kind.startswith("image/"):
            self._out.append(f'<img src="{escape(found)}" alt="">')
            return
        self.missing.append(Missing(address, tag))
        self._out.append(
            f'<div class="holdfast-missing" role="note">[an embedded object, not shown here: '
            f"{escape(address[:300])}]</div>"
        )


PLACEHOLDER: Final = "data:image/svg+xml," + quote(
    "<svg xmlns='http://www.w3.org/2000/svg' width='120' height='60' viewBox='0 0 120 60'>"
    "<rect width='120' height='60' fill='#eee' stroke='#777' stroke-dasharray='4 3'/>"
    "<path d='M0 60 120 0M0 0l120 60' stroke='#bbb'/></svg>"
)


def _make_inert(tag: str, attributes: dict[str, str | None], written: dict[str, str]) -> None:
    """Keep a control's look and value; it can be neither filled in nor sent."""
    written["disabled"] = ""
    if tag == "input":
        kind = (attributes.get("type") or "text").lower()
        if kind == "hidden":
            written["hidden"] = ""
        if kind == "password":
            written.pop("value", None)
        written["type"] = kind if kind in _INPUTS else "text"
    elif tag == "button":
        written["type"] = "button"


def _is_sheet(attributes: dict[str, str | None]) -> bool:
    words = (attributes.get("rel") or "").lower().split()
    return "stylesheet" in words and "alternate" not in words


def _absolute(reference: str, base: str) -> str:
    try:
        return urljoin(base, reference.strip())
    except ValueError:
        return reference.strip()


def _text_of(node: Any) -> str:
    return "".join(
        child.text_content or "" for child in node.iter(include_text=True) if child.is_text_node
    )


def _written(attributes: dict[str, str]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())


def _has_doctype(markup: str) -> bool:
    return "<!doctype" in markup[:2000].lower()

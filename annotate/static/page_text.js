// The page in its frame, laid beside the text of its capture.
//
// The frame runs no script, ever: its sandbox and its content policy forbid it. This module runs
// in our own page and reads the frame's tree, which is of the same origin. What it reads is only
// text; an archived page could put elements there whose names hide methods of the document, so
// the methods are taken from their prototypes. Nothing is written into the tree: highlights are
// painted by the CSS Custom Highlight API.
//
// The two texts differ in white space only, or in places, so both are compared without it. Where
// words stand more than once, what stands around them decides; a tie is not guessed at.
import { stretch, unitsAt } from "./places.js";

const SPACE = /\s/;
const UNREAD = new Set(
  `SCRIPT STYLE NOSCRIPT TEMPLATE TITLE IFRAME OBJECT EMBED SVG MATH AUDIO VIDEO CANVAS SELECT
  DATALIST OPTION TEXTAREA INPUT NOEMBED NOFRAMES`.split(/\s+/),
);
const AROUND = 4000; // units of context compared
const own = (kind, name) => Object.getOwnPropertyDescriptor(kind.prototype, name);
const selectionOf = own(Document, "getSelection").value;
const walkerOf = own(Document, "createTreeWalker").value;
const rangeOf = own(Document, "createRange").value;
const rootOf = own(Document, "documentElement").get;

function bare(text) {
  const letters = [];
  const places = [];
  for (let unit = 0; unit < text.length; unit += 1) {
    if (SPACE.test(text[unit])) continue;
    letters.push(text[unit]);
    places.push(unit);
  }
  return { letters: letters.join(""), places };
}

function isRead(node) {
  for (let one = node.parentNode; one && one.nodeType === Node.ELEMENT_NODE; one = one.parentNode) {
    if (UNREAD.has(one.nodeName.toUpperCase())) return false;
    if (Element.prototype.hasAttribute.call(one, "hidden")) return false;
  }
  return true;
}

function occurrences(whole, piece) {
  const found = [];
  for (let at = whole.indexOf(piece); at >= 0 && found.length < 5000; at = whole.indexOf(piece, at + 1)) {
    found.push(at);
  }
  return found;
}

// How far two texts agree from two places on, backwards and forwards.
function agreement(one, at, other, there, length) {
  let before = 0;
  while (before < AROUND && one[at - 1 - before] && one[at - 1 - before] === other[there - 1 - before]) before += 1;
  let after = 0;
  while (after < AROUND && one[at + length + after] && one[at + length + after] === other[there + length + after]) after += 1;
  return before + after;
}

// Finds where a stretch of one text stands in another: -1 not at all, -2 in several places.
export function counterpart(one, at, length, other) {
  const piece = one.slice(at, at + length);
  const places = occurrences(other, piece);
  if (places.length < 2) return places[0] ?? -1;
  let best = -1;
  let most = -1;
  let ties = 0;
  for (const there of places) {
    const score = agreement(one, at, other, there, length);
    if (score === most) ties += 1;
    if (score > most) [best, most, ties] = [there, score, 0];
  }
  if (!ties) return best;
  const mine = occurrences(one, piece);
  return mine.length === places.length ? places[mine.indexOf(at)] : -2;
}

export class PageText {
  constructor(page, text) {
    this.page = page;
    this.text = text;
    this.held = bare(text);
    const letters = [];
    this.nodes = [];
    this.units = [];
    const walker = walkerOf.call(page, rootOf.call(page), NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (!isRead(node)) continue;
      const data = node.data;
      for (let unit = 0; unit < data.length; unit += 1) {
        if (SPACE.test(data[unit])) continue;
        letters.push(data[unit]);
        this.nodes.push(node);
        this.units.push(unit);
      }
    }
    this.letters = letters.join("");
  }

  // The words selected in the page, as places of the capture's text; or why there are none.
  selected() {
    const selection = selectionOf.call(this.page);
    if (!selection || !selection.rangeCount || selection.isCollapsed) return { reason: "none" };
    const range = selection.getRangeAt(0);
    const from = this.#first((node, unit) => range.comparePoint(node, unit) >= 0);
    const to = this.#first((node, unit) => range.comparePoint(node, unit + 1) > 0);
    if (to <= from) return { reason: "none" };
    const at = counterpart(this.letters, from, to - from, this.held.letters);
    if (at < 0) return { reason: at === -1 ? "absent" : "several" };
    const places = this.held.places;
    return stretch(this.text, places[at], places[at + (to - from) - 1] + 1);
  }

  // The range of the page where a stretch of the text stands, in code points; null if it does not.
  range(start, end) {
    const [first, last] = [unitsAt(this.text, start), unitsAt(this.text, end)];
    const from = this.held.places.findIndex((unit) => unit >= first);
    if (from < 0) return null;
    let to = from;
    while (to < this.held.places.length && this.held.places[to] < last) to += 1;
    if (to === from) return null;
    const at = counterpart(this.held.letters, from, to - from, this.letters);
    if (at < 0) return null;
    const range = rangeOf.call(this.page);
    range.setStart(this.nodes[at], this.units[at]);
    const end_ = at + (to - from) - 1;
    range.setEnd(this.nodes[end_], this.units[end_] + 1);
    return range;
  }

  // The first letter of which something holds, all later ones holding it too.
  #first(holds) {
    let [low, high] = [0, this.nodes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.nodes[middle], this.units[middle])) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

// Text as it is kept: a mark of byte order at its beginning is a character like any other.
export async function fetchText(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(String(answer.status));
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await answer.arrayBuffer());
}

// Calls back when the frame shows its page, also where it does so already.
export function whenShown(frame, act) {
  frame.addEventListener("load", act);
  const page = frame.contentDocument;
  if (page && page.readyState === "complete" && page.URL !== "about:blank") act();
}

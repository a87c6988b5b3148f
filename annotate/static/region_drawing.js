// One rectangle on one picture: drawn with mouse or pen, moved by keys, always in the picture's
// own pixels. The picture and the rectangle stand in one SVG whose units are those pixels, so that
// any zoom of the page leaves the numbers as they are.
const SVG = "http://www.w3.org/2000/svg";
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class RegionDrawing {
  constructor(svg, changed) {
    this.svg = svg;
    this.changed = changed;
    const { width, height } = svg.viewBox.baseVal;
    [this.width, this.height] = [width, height];
    this.rect = document.createElementNS(SVG, "rect");
    this.rect.setAttribute("class", "region drawn");
    this.rect.setAttribute("tabindex", "0");
    this.rect.setAttribute("role", "group");
    this.rect.setAttribute("aria-label", "The region you are marking. Arrow keys move it, with Shift they change its size, with Alt by ten pixels at a time.");
    svg.addEventListener("pointerdown", (event) => this.#begin(event));
    svg.addEventListener("dragstart", (event) => event.preventDefault());
    this.rect.addEventListener("keydown", (event) => this.#key(event));
  }

  show(region) {
    this.region = region;
    if (!region) {
      this.rect.remove();
      return;
    }
    for (const [name, value] of Object.entries({ x: region.x, y: region.y, width: region.w, height: region.h })) {
      this.rect.setAttribute(name, value);
    }
    if (!this.rect.isConnected) this.svg.append(this.rect);
  }

  #set(region) {
    this.show(region);
    this.changed(region);
  }

  #place(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [this.#within(at.x, this.width), this.#within(at.y, this.height)];
  }

  #within(value, most) {
    return Math.min(most, Math.max(0, Math.round(value)));
  }

  #begin(event) {
    if (event.button !== 0 || event.pointerType === "touch") return;
    event.preventDefault();
    const [x, y] = this.#place(event);
    this.svg.setPointerCapture(event.pointerId);
    const move = (moved) => {
      const [there, below] = this.#place(moved);
      const region = { x: Math.min(x, there), y: Math.min(y, below), w: Math.abs(there - x), h: Math.abs(below - y) };
      if (region.w && region.h) this.#set(region);
    };
    const end = () => {
      this.svg.removeEventListener("pointermove", move);
      if (this.region) this.rect.focus({ preventScroll: true });
    };
    this.svg.addEventListener("pointermove", move);
    this.svg.addEventListener("pointerup", end, { once: true });
    this.svg.addEventListener("pointercancel", end, { once: true });
  }

  #key(event) {
    const step = KEYS[event.key];
    if (!step || !this.region || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const by = event.altKey ? 10 : 1;
    let { x, y, w, h } = this.region;
    if (event.shiftKey) {
      w = Math.max(1, Math.min(this.width - x, w + by * step[0]));
      h = Math.max(1, Math.min(this.height - y, h + by * step[1]));
    } else {
      x = Math.max(0, Math.min(this.width - w, x + by * step[0]));
      y = Math.max(0, Math.min(this.height - h, y + by * step[1]));
    }
    this.#set({ x, y, w, h });
  }
}

// All pictures of a page, of which one at a time has a region being drawn.
export function drawings(changed) {
  const held = new Map();
  for (const svg of document.querySelectorAll("svg.picture")) {
    const { source } = svg.dataset;
    held.set(source, new RegionDrawing(svg, (region) => {
      for (const [other, drawing] of held) if (other !== source) drawing.show(null);
      changed(source, region);
    }));
  }
  return held;
}

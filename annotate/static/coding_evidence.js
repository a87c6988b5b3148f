// Evidence for an answer: the words marked in text or page, the region drawn on a picture, the range
// between two marks of a film. Each is written into the question that is asked for it.
import { PageText, fetchText, whenShown } from "./page_text.js";
import { stretch } from "./places.js";
import { drawings } from "./region_drawing.js";

const form = document.getElementById("unit") ?? document.getElementById("settle");
const saved = document.getElementById("saved");
const text = document.getElementById("text");
const frame = document.querySelector(".frame iframe");
let page = null;
let drawn = null;
const times = {};

if (frame && form?.dataset.text) {
  whenShown(frame, async () => {
    try {
      page = new PageText(frame.contentDocument, await fetchText(form.dataset.text));
      frame.contentDocument.addEventListener("keydown", (event) => {
        const { key } = event;
        if (["h", "r", "t"].includes(key) && !event.ctrlKey && !event.metaKey && !event.altKey) {
          document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        }
      });
    } catch {
      page = null; // words can still be marked in the text beside it
    }
  });
}

if (form) {
  drawings((source, region) => {
    drawn = `${source}${source.includes("#") ? "&" : "#"}xywh=pixel:${region.x},${region.y},${region.w},${region.h}`;
  });
  for (const line of document.querySelectorAll(".film-buttons, .by-number > p")) line.hidden = false;
}

function marked() {
  const selection = getSelection();
  if (text && selection.rangeCount && !selection.isCollapsed) {
    const range = selection.getRangeAt(0);
    if (text.contains(range.startContainer) && text.contains(range.endContainer)) {
      const units = (node, offset) => {
        const before = document.createRange();
        before.setStart(text, 0);
        before.setEnd(node, offset);
        return before.toString().length;
      };
      return stretch(
        text.textContent,
        units(range.startContainer, range.startOffset),
        units(range.endContainer, range.endOffset),
      );
    }
  }
  return page ? page.selected() : { reason: "none" };
}

function quote(question) {
  const field = question?.querySelector("textarea[name^='q.']");
  const found = marked();
  if (!field) return;
  if (found.reason) {
    const why = { absent: "These words are not in the text of the page.", several: "These words stand in several places. Mark a few more of them." };
    if (saved) saved.textContent = why[found.reason] ?? "Mark words in the page or its text first.";
    return;
  }
  field.closest("details").open = true;
  field.value = found.words;
  question.querySelector("input[name^='p.']").value = found.start;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

function add(question, uri, words) {
  const list = question?.querySelector(".marks");
  if (!list) return;
  if ([...list.querySelectorAll("input")].some((one) => one.value === uri)) return;
  const label = document.createElement("label");
  label.className = "tick";
  const input = Object.assign(document.createElement("input"), {
    type: "checkbox", name: `e.${list.dataset.about}`, value: uri, checked: true,
  });
  const said = document.createElement("span");
  said.textContent = words;
  label.append(input, said);
  list.append(label);
  list.closest("details").open = true;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

function region(question) {
  if (!drawn) {
    if (saved) saved.textContent = "Draw a rectangle on the picture first.";
    return;
  }
  const [x, y, w, h] = drawn.slice(drawn.lastIndexOf(":") + 1).split(",");
  add(question, drawn, `${w} × ${h} pixels at ${x}, ${y}`);
}

function time(question) {
  const { source, start, end } = times;
  if (!source || !(Number(end) > Number(start))) {
    if (saved) saved.textContent = "Press Start here and End here under a film first.";
    return;
  }
  add(question, `${source}${source.includes("#") ? "&" : "#"}t=npt:${start},${end}`, `${start} s to ${end} s`);
}

document.addEventListener("click", (event) => {
  const set = event.target.closest("[data-set]");
  if (set && form) {
    const film = set.closest(".frame").querySelector(".film");
    if (times.source !== set.dataset.source) delete times[set.dataset.set === "start" ? "end" : "start"];
    times.source = set.dataset.source;
    times[set.dataset.set] = film.currentTime.toFixed(3).replace(/\.?0+$/, "");
    if (saved) saved.textContent = `${set.textContent.trim()}: ${times[set.dataset.set]} s`;
  }
  const take = event.target.closest("[data-take]");
  if (take) ({ region, time })[take.dataset.take](take.closest(".question, form"));
});

// A quote that is typed or changed has no place yet; the server looks for it.
form?.addEventListener("input", (event) => {
  if (!event.target.name?.startsWith("q.")) return;
  event.target.closest("details").querySelector("input[name^='p.']").value = "";
});

export const evidence = { h: quote, r: region, t: time };

// Highlights in the page as it was captured: selecting fills the form, and what is marked is
// painted over the page without changing it.
import { PageText, fetchText, whenShown } from "./page_text.js";

const frame = document.querySelector(".frame iframe");
const form = document.getElementById("mark");
const said = document.getElementById("said");
const cards = [...document.querySelectorAll("[data-start]")];
const WHY = {
  absent: "These words are not in the text of the capture, so they cannot be marked. They may belong to a picture, a form or a frame.",
  several: "These words stand in several places of the text. Mark a few more of them, so that the place is clear.",
};
let page = null;
const ranges = new Map();

function paint() {
  const view = frame.contentWindow;
  if (!view?.CSS?.highlights) {
    said.textContent = "This browser cannot paint highlights in the page. They are listed here and shown under Text.";
    return;
  }
  let lost = 0;
  ranges.clear();
  for (const card of cards) {
    const range = page.range(Number(card.dataset.start), Number(card.dataset.end));
    if (range) ranges.set(card.id, range);
    else lost += 1;
    const show = card.querySelector("[data-show]");
    if (show) show.parentElement.hidden = !range;
  }
  view.CSS.highlights.set("holdfast", new view.Highlight(...ranges.values()));
  const sheet = new view.CSSStyleSheet();
  sheet.replaceSync("::highlight(holdfast) { background-color: #fde9a9; color: #1d2327; }");
  frame.contentDocument.adoptedStyleSheets = [sheet];
  const painted = ranges.size === 1 ? "1 highlight is painted in the page." : `${ranges.size} highlights are painted in the page.`;
  const others = lost ? ` ${lost} cannot be found in the page; they are shown under Text.` : "";
  said.textContent = cards.length ? painted + others : "";
}

function take() {
  if (!form || !page) return;
  const found = page.selected();
  if (found.reason) {
    if (WHY[found.reason]) said.textContent = WHY[found.reason];
    return;
  }
  said.textContent = "";
  form.elements.quote.value = found.words;
  form.elements.start.value = found.start;
  form.elements.end.value = found.end;
}

async function begin() {
  let text;
  try {
    text = await fetchText(form?.dataset.text ?? frame.src.replace(/view$/, "text.txt"));
  } catch {
    said.textContent = "The text of the capture did not come. Reload the page to mark words in it.";
    return;
  }
  page = new PageText(frame.contentDocument, text);
  frame.contentDocument.addEventListener("selectionchange", take);
  paint();
  take(); // words may have been marked while the text was on its way
}

if (frame) whenShown(frame, begin);
document.getElementById("take")?.addEventListener("click", take);
form?.elements.quote.addEventListener("input", () => {
  form.elements.start.value = "";
  form.elements.end.value = "";
});
document.addEventListener("click", (event) => {
  const card = event.target.closest("[data-show]")?.closest("article");
  const range = card && ranges.get(card.id);
  if (!range) return;
  const top = range.getBoundingClientRect().top + frame.contentWindow.scrollY;
  frame.contentWindow.scrollTo({ top: Math.max(0, top - 80) });
});

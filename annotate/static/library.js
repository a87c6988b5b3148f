// Ticks all rows of the page, counts what is ticked, and shows tags others add. On a narrow
// screen the facets wait folded, so that what was found is seen first.
import { say } from "./say.js";

if (matchMedia("(max-width: 56rem)").matches) {
  document.querySelector(".side details")?.removeAttribute("open");
}

const all = document.getElementById("tick-all");
const told = document.getElementById("ticked");
const ticks = () => [...document.querySelectorAll("input[name=item]")];

function count() {
  const number = ticks().filter((tick) => tick.checked).length;
  if (told) told.textContent = number ? say("{1} ticked", number) : say("none ticked");
}

all?.addEventListener("change", () => {
  for (const tick of ticks()) tick.checked = all.checked;
  count();
});
document.addEventListener("change", count);
count();

document.addEventListener("holdfast:events", async ({ detail }) => {
  const shown = new Set(ticks().map((tick) => tick.value));
  if (!detail.events.some((one) => shown.has(one.item))) return;
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const held of document.querySelectorAll("[data-row]")) {
    const fresh = page.querySelector(`[data-row="${held.dataset.row}"] .meta`);
    if (fresh) held.querySelector(".meta").replaceWith(fresh);
  }
});

// The queue page follows its own numbers, reloads its rows when one of them ended, and counts ticks.
import { say } from "./say.js";

const bar = document.querySelector("progress");
const regions = ["requests", "sums", "pauses"];
const ticks = () => [...document.querySelectorAll("input[name=request]")];

function count() {
  const number = ticks().filter((tick) => tick.checked).length;
  const told = document.getElementById("ticked");
  if (told) told.textContent = number ? say("{1} ticked", number) : say("none ticked");
  const all = document.getElementById("tick-all");
  if (all) all.hidden = false;
}

document.addEventListener("change", ({ target }) => {
  if (target.id === "tick-all") for (const tick of ticks()) tick.checked = target.checked;
  count();
});
count();

function pace(queue) {
  const told = document.getElementById("pace");
  if (!told) return;
  const words = [];
  if (queue.per_minute !== null) {
    const pace = queue.per_minute.toFixed(1);
    words.push(queue.left ? say("{1} a minute, {2} left.", pace, queue.left) : say("{1} a minute.", pace));
  }
  if (queue.later) words.push(say("{1} wait for their time.", queue.later));
  told.textContent = words.join(" ");
}

document.addEventListener("holdfast:events", async ({ detail }) => {
  const { queue } = detail;
  for (const name of ["waiting", "running", "done", "cancelled", "total"]) {
    const cell = document.querySelector(`[data-count="${name}"]`);
    if (cell) cell.textContent = queue[name];
  }
  if (bar) {
    bar.max = queue.total || 1;
    bar.value = queue.done + queue.cancelled;
  }
  pace(queue);
  if (!detail.events.some((one) => /^(request|queue):/.test(one.kind))) return;
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of regions) {
    const held = document.getElementById(id);
    const fresh = page.getElementById(id);
    if (!held || !fresh || held.contains(document.activeElement)) continue;
    const ticked = new Set(ticks().filter((tick) => tick.checked).map((tick) => tick.value));
    held.replaceWith(fresh);
    for (const tick of ticks()) tick.checked = ticked.has(tick.value);
  }
  count();
});

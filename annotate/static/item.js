// What others do to this item appears here without reloading; what is being typed stays.
import { say } from "./say.js";

const item = document.querySelector("[data-item]")?.dataset.item;
const regions = ["sensitive", "tags", "notes", "comments", "memos", "fields", "same", "history"];

document.addEventListener("holdfast:events", async ({ detail }) => {
  if (!detail.events.some((one) => one.item === item)) return;
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of regions) {
    const held = document.getElementById(id);
    const fresh = page.getElementById(id);
    if (!held || !fresh || held.innerHTML === fresh.innerHTML) continue;
    const typing = [...held.querySelectorAll("input[type=text], textarea")].some(
      (field) => field === document.activeElement || field.value !== field.defaultValue,
    );
    if (typing) {
      const box = document.getElementById("live");
      box.textContent = say("Somebody changed this item. Yours is kept as you typed it.");
      box.hidden = false;
      continue;
    }
    held.replaceWith(fresh);
  }
});

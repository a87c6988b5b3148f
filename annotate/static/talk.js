import { say } from "./say.js";

// What others say appears in an open list of comments without reloading; what is being typed stays.
document.addEventListener("holdfast:events", async ({ detail }) => {
  if (!detail.events.some((one) => one.kind.startsWith("comment:"))) return;
  const held = document.getElementById("comments");
  const typing = [...held.querySelectorAll("textarea")].some(
    (field) => field === document.activeElement || field.value !== field.defaultValue,
  );
  if (typing) {
    const box = document.getElementById("live");
    box.textContent = say("Somebody wrote a comment. Reload when you have saved yours.");
    box.hidden = false;
    return;
  }
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("comments");
  if (fresh && fresh.innerHTML !== held.innerHTML) held.replaceWith(fresh);
});

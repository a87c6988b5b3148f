// Asks every two seconds what happened since this page was made, and says so; a page that has
// a better use for the answer listens for "holdfast:events".
import { say } from "./say.js";

const { events: source, after } = document.body.dataset;
const box = document.getElementById("live");
let position = Number(after || 0);

function showUnread(number) {
  const told = document.getElementById("unread");
  if (!told || number === undefined) return;
  told.querySelector("[data-number]").textContent = number;
  told.hidden = !number;
}

async function look() {
  if (document.hidden) return;
  let answer;
  try {
    answer = await fetch(`${source}?after=${position}`, { headers: { Accept: "application/json" } });
  } catch {
    return;
  }
  if (answer.status === 401) {
    box.textContent = say("Your sign-in is over. What is typed here is still here: sign in in another tab, then save.");
    box.hidden = false;
    return;
  }
  if (!answer.ok) return;
  const news = await answer.json();
  position = news.position;
  showUnread(news.for_you);
  document.dispatchEvent(new CustomEvent("holdfast:events", { detail: news }));
}

if (source && after !== "") setInterval(look, 2000);

// Coding by keyboard. Everything here is also a button, a link or a field of the form.
import { evidence } from "./coding_evidence.js";
import { say } from "./say.js";

const form = document.getElementById("unit");
const saved = document.getElementById("saved");
const questions = [...form.querySelectorAll(".question")];
const began = Date.now() - 1000 * Number(form.elements.seconds.value);
let timer;
let current = 0;

function answersTo(key) {
  return [...form.querySelectorAll(`input[name="v.${CSS.escape(key)}"]:checked`)].map((one) => one.value);
}

function isAsked(question) {
  const { asked, values } = question.dataset;
  if (!asked) return true;
  const other = questions.find((one) => one.dataset.variable === asked);
  return isAsked(other) && answersTo(asked).some((value) => values.split("|").includes(value));
}

function showAsked() {
  for (const question of questions) question.hidden = !isAsked(question);
}

// A missing kind and a code exclude one another, also where several codes can be ticked.
function keepApart(input) {
  if (input.type !== "checkbox" || !input.checked) return;
  const missing = input.value.startsWith("missing:");
  for (const other of form.querySelectorAll(`input[name="${CSS.escape(input.name)}"]`)) {
    if (other !== input && (missing || other.value.startsWith("missing:"))) other.checked = false;
  }
}

async function keepDraft() {
  form.elements.seconds.value = Math.round((Date.now() - began) / 1000);
  try {
    const answer = await fetch(form.dataset.draft, {
      method: "POST", body: new FormData(form), headers: { Accept: "application/json" },
    });
    saved.textContent = answer.ok ? say("draft kept") : (await answer.json()).error;
  } catch {
    saved.textContent = say("The server does not answer. What you typed is still in this page; leave it open.");
  }
}

function changed(event) {
  if (event.target.name?.startsWith("v.")) keepApart(event.target);
  showAsked();
  clearTimeout(timer);
  timer = setTimeout(keepDraft, 600);
}

function asked() {
  return questions.filter((one) => !one.hidden);
}

function focused() {
  const held = document.activeElement?.closest(".question");
  return held ?? asked()[Math.min(current, asked().length - 1)];
}

function choose(stroke) {
  const order = [focused(), ...asked()];
  for (const question of order) {
    const options = [...question.querySelectorAll("input[type=radio], input[type=checkbox]")];
    const open = options.filter((one) => !one.value.startsWith("missing:"));
    const hit = options.find((one) => one.dataset.stroke === stroke)
      ?? (/^[1-9]$/.test(stroke) && question === order[0] && !options.some((one) => /^\d$/.test(one.dataset.stroke ?? ""))
        ? open[Number(stroke) - 1] : undefined);
    if (!hit) continue;
    hit.checked = hit.type === "radio" || !hit.checked;
    hit.focus();
    hit.dispatchEvent(new Event("change", { bubbles: true }));
    if (hit.type === "radio") {
      current = asked().indexOf(question) + 1;
      asked()[current]?.querySelector("input, textarea")?.focus();
    }
    return true;
  }
  return false;
}

function remark() {
  const field = focused()?.querySelector("textarea[name^='m.']");
  if (!field) return;
  field.closest("details").open = true;
  field.focus();
}

function seal() {
  form.elements.seconds.value = Math.round((Date.now() - began) / 1000);
  form.requestSubmit();
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    event.preventDefault();
    seal();
    return;
  }
  const typing = event.target.matches?.("textarea, select, input:not([type=radio]):not([type=checkbox])");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const acts = {
    s: seal,
    j: () => document.getElementById("next")?.click(),
    k: () => document.getElementById("previous")?.click(),
    n: remark,
    ...Object.fromEntries(Object.entries(evidence).map(([key, act]) => [key, () => act(focused())])),
  };
  if (!choose(event.key)) {
    if (!acts[event.key]) return;
    acts[event.key]();
  }
  event.preventDefault();
});

form.addEventListener("input", changed);
form.addEventListener("change", changed);
form.addEventListener("submit", () => {
  clearTimeout(timer);
  form.elements.seconds.value = Math.round((Date.now() - began) / 1000);
});
showAsked();
const open = asked().find((one) => !one.querySelector("input:checked") && ![...one.querySelectorAll("[name^='v.']:not([type=radio]):not([type=checkbox])")].some((field) => field.value));
(open ?? asked()[0])?.querySelector("input, textarea, select")?.focus();

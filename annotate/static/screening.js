// Screening by keyboard: each decision is saved at once; without this the page is one form.
const form = document.getElementById("screening");
const rows = [...(form?.querySelectorAll("li.screen") ?? [])];
const told = document.getElementById("told");
const token = form?.elements.csrf_token.value;
const done = []; // what z takes back, the last one last
let at = 0;

const field = (row, name) => row.querySelector(`[name^="${name}."]`);
const chosen = (row) => row.querySelector('input[type="radio"]:checked')?.value ?? "undecided";
const standing = (row) => ({ verdict: field(row, "was").value, reason: field(row, "because").value });

function show(number) {
  if (!rows.length) return;
  rows[at].removeAttribute("aria-current");
  at = Math.max(0, Math.min(number, rows.length - 1));
  rows[at].setAttribute("aria-current", "true");
  rows[at].focus();
}

function set(row, { verdict, reason }) {
  for (const radio of row.querySelectorAll('input[type="radio"]')) radio.checked = radio.value === verdict;
  field(row, "reason").value = reason;
}

// One save after the other: a row's next save carries the version the one before it made.
let queue = Promise.resolve();
function save(row, { undoing = false } = {}) {
  const wanted = { verdict: chosen(row), reason: field(row, "reason").value.trim() };
  if (wanted.verdict === "excluded" && !wanted.reason) return;
  if (wanted.verdict !== "excluded" && wanted.verdict !== "included") wanted.reason = "";
  queue = queue.then(() => send(row, wanted, undoing));
}

async function send(row, wanted, undoing) {
  const before = standing(row);
  if (before.verdict === wanted.verdict && before.reason === wanted.reason) return;
  const say = row.querySelector("[data-told]");
  const body = new FormData();
  for (const [name, value] of Object.entries({ ...wanted, csrf_token: token, version: field(row, "version").value })) body.set(name, value);
  try {
    const answer = await fetch(row.dataset.save, { method: "POST", body, headers: { Accept: "application/json" } });
    const got = await answer.json();
    if (!answer.ok) {
      say.textContent = got.theirs ? `${got.error} (${got.theirs})` : got.error;
      return;
    }
    field(row, "version").value = got.version;
    field(row, "was").value = wanted.verdict;
    field(row, "because").value = wanted.reason;
    if (!undoing) done.push({ row, before });
    say.textContent = "saved";
    told.textContent = `${rows.filter((one) => standing(one).verdict !== "undecided").length} of ${rows.length} on this page decided`;
  } catch {
    say.textContent = "The server does not answer. Your choice is still in this page; save the page when it is back.";
  }
}

function decide(verdict) {
  const row = rows[at];
  set(row, { verdict, reason: verdict === "undecided" ? "" : field(row, "reason").value });
  if (verdict === "excluded" && !field(row, "reason").value.trim()) {
    field(row, "reason").focus();
    return;
  }
  save(row);
  if (verdict !== "undecided") show(at + 1);
}

function undo() {
  const last = done.pop();
  if (!last) return;
  set(last.row, last.before);
  save(last.row, { undoing: true });
  show(rows.indexOf(last.row));
}

document.addEventListener("keydown", (event) => {
  if (!rows.length || event.isComposing || event.keyCode === 229) return; // an input method is at work
  const typing = event.target.matches?.("textarea, select, input:not([type=radio]):not([type=checkbox])");
  if (typing) {
    const row = event.target.closest("li.screen");
    if (row && event.key === "Enter") {
      event.preventDefault();
      at = rows.indexOf(row);
      save(row);
      show(at + 1);
    } else if (row && event.key === "Escape") {
      show(rows.indexOf(row));
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const acts = {
    j: () => show(at + 1),
    k: () => show(at - 1),
    1: () => decide("included"),
    2: () => decide("excluded"),
    0: () => decide("undecided"),
    r: () => field(rows[at], "reason").focus(),
    z: undo,
  };
  if (!acts[event.key]) return;
  acts[event.key]();
  event.preventDefault();
});

form?.addEventListener("focusin", (event) => {
  const row = event.target.closest("li.screen");
  if (row && rows.indexOf(row) !== at) {
    rows[at].removeAttribute("aria-current");
    at = rows.indexOf(row);
    row.setAttribute("aria-current", "true");
  }
});
form?.addEventListener("change", (event) => {
  const row = event.target.closest("li.screen");
  if (row) save(row);
});
show(0);

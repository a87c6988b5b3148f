// The queue page follows its own numbers, and reloads its rows when one of them ended.
const bar = document.querySelector("progress");
let done = Number(bar?.value ?? 0);

document.addEventListener("holdfast:events", async ({ detail }) => {
  const { queue } = detail;
  for (const name of ["waiting", "running", "done", "cancelled", "total"]) {
    const cell = document.querySelector(`[data-count="${name}"]`);
    if (cell) cell.textContent = queue[name];
  }
  if (bar) {
    bar.max = queue.total;
    bar.value = queue.done + queue.cancelled;
  }
  if (!detail.events.some((one) => one.kind.startsWith("request:"))) return;
  done = queue.done;
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("requests");
  const held = document.getElementById("requests");
  if (fresh && held && !held.contains(document.activeElement)) held.replaceWith(fresh);
  const sums = page.getElementById("sums");
  if (sums) document.getElementById("sums").replaceWith(sums);
});

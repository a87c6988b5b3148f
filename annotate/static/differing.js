// Deciding by keyboard. Every key is also a button, a link or a field of the form.
const form = document.getElementById("decide");
const acts = {
  j: () => document.getElementById("next")?.click(),
  k: () => document.getElementById("previous")?.click(),
  n: () => form?.elements.reason.focus(),
  o: () => form?.elements.value.focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches?.("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const button = form?.querySelector(`button[data-stroke="${CSS.escape(event.key)}"]`);
  if (!button && !acts[event.key]) return;
  event.preventDefault();
  if (button) button.click();
  else acts[event.key]();
});

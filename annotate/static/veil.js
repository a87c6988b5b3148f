// Lifts a veil where it is, without loading the page again, so that nothing typed beside it is
// lost. It is lifted for this view only: nothing is stored, and the address stays as it was.
function lift(veil) {
  for (const held of veil.querySelectorAll(".veiled")) {
    held.classList.remove("veiled");
    held.removeAttribute("inert");
  }
  const words = veil.querySelector("[data-veil-ask], [data-veil-button]");
  const next = veil.querySelector("iframe, img, a");
  words?.remove();
  if (next) {
    if (!next.matches("a")) next.tabIndex = -1;
    next.focus({ preventScroll: true });
  }
}

document.addEventListener("submit", (event) => {
  const veil = event.target.closest("[data-veil-ask]")?.closest("[data-veil]");
  if (!veil) return;
  event.preventDefault();
  lift(veil);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-veil-button]");
  if (!button) return;
  event.preventDefault();
  lift(button.closest("[data-veil]"));
});

// Marking a range of a film or sound: the buttons write the time it stands at into the form.
const form = document.getElementById("mark");

if (form) {
  for (const line of document.querySelectorAll(".film-buttons")) line.hidden = false;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-set]");
    if (!button) return;
    const film = button.closest(".frame").querySelector(".film");
    const { set, source } = button.dataset;
    form.elements["t.source"].value = source;
    form.elements[`t.${set}`].value = film.currentTime.toFixed(3).replace(/\.?0+$/, "");
  });
}

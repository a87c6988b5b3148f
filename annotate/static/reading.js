// From mark to mark without loading the page again; the links do the same without this.
const marks = [...document.querySelectorAll("mark[id^=mark-]")];
const told = document.getElementById("mark-at");

function show(number) {
  const at = ((number - 1 + marks.length) % marks.length) + 1;
  for (const mark of marks) mark.classList.toggle("shown", mark.id === `mark-${at}`);
  marks[at - 1].scrollIntoView({ block: "center" });
  told.textContent = at;
  const address = new URL(location.href);
  address.searchParams.set("mark", at);
  address.hash = `mark-${at}`;
  history.replaceState(null, "", address);
}

for (const [id, step] of [["mark-previous", -1], ["mark-next", 1]]) {
  document.getElementById(id)?.addEventListener("click", (event) => {
    event.preventDefault();
    show(Number(told.textContent) + step);
  });
}

// Marking words of the text fills the form with the words and their place.
import { stretch } from "./places.js";

const text = document.getElementById("text");
const form = document.getElementById("mark");

function unitsBefore(node, offset) {
  const range = document.createRange();
  range.setStart(text, 0);
  range.setEnd(node, offset);
  return range.toString().length;
}

function take() {
  const selection = getSelection();
  if (!form || !text || !selection.rangeCount || selection.isCollapsed) return;
  const range = selection.getRangeAt(0);
  if (!text.contains(range.startContainer) || !text.contains(range.endContainer)) return;
  const found = stretch(
    text.textContent,
    unitsBefore(range.startContainer, range.startOffset),
    unitsBefore(range.endContainer, range.endOffset),
  );
  form.elements.quote.value = found.words;
  form.elements.start.value = found.start;
  form.elements.end.value = found.end;
}

document.addEventListener("selectionchange", take);
take(); // what was marked while this script was on its way

// Words pasted or typed have no place yet; the server looks for them.
form?.elements.quote.addEventListener("input", () => {
  form.elements.start.value = "";
  form.elements.end.value = "";
});

text?.addEventListener("click", (event) => {
  const of = event.target.closest("mark")?.dataset.of;
  if (of && getSelection().isCollapsed) location.hash = `h-${of.split(" ")[0]}`;
});

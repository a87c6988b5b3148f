// Marking words of the text fills the form: the words, and their place in code points, since
// browsers count UTF-16 units and the archive counts characters.
const text = document.getElementById("text");
const form = document.getElementById("mark");
const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function codePoints(string) {
  return [...string].length;
}

// Widens a place to the edge of the visible character it falls into.
function edge(whole, unit, forward) {
  if (unit <= 0 || unit >= whole.length) return unit;
  const { index, segment } = segmenter.segment(whole).containing(unit);
  if (index === unit) return unit;
  return forward ? index + segment.length : index;
}

function unitsBefore(node, offset) {
  const range = document.createRange();
  range.setStart(text, 0);
  range.setEnd(node, offset);
  return range.toString().length;
}

document.addEventListener("selectionchange", () => {
  const selection = getSelection();
  if (!form || !selection.rangeCount || selection.isCollapsed) return;
  const range = selection.getRangeAt(0);
  if (!text.contains(range.startContainer) || !text.contains(range.endContainer)) return;
  const whole = text.textContent;
  const start = edge(whole, unitsBefore(range.startContainer, range.startOffset), false);
  const end = edge(whole, unitsBefore(range.endContainer, range.endOffset), true);
  form.elements.quote.value = whole.slice(start, end);
  form.elements.start.value = codePoints(whole.slice(0, start));
  form.elements.end.value = codePoints(whole.slice(0, end));
});

// Words pasted or typed have no place yet; the server looks for them.
form?.elements.quote.addEventListener("input", () => {
  form.elements.start.value = "";
  form.elements.end.value = "";
});

text?.addEventListener("click", (event) => {
  const of = event.target.closest("mark")?.dataset.of;
  if (of && getSelection().isCollapsed) location.hash = `h-${of.split(" ")[0]}`;
});

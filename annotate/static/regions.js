// Marking a region of a picture: the drawing and the numbers of the form follow one another.
import { drawings } from "./region_drawing.js";

const form = document.getElementById("mark");
const field = (name) => form.elements[`r.${name}`];

if (form) {
  const held = drawings((source, region) => {
    field("source").value = source;
    for (const name of ["x", "y", "w", "h"]) field(name).value = region[name];
  });
  form.addEventListener("input", () => {
    const numbers = ["x", "y", "w", "h"].map((name) => Number.parseInt(field(name).value, 10));
    const whole = numbers.every(Number.isFinite) && numbers[2] > 0 && numbers[3] > 0;
    const [x, y, w, h] = numbers;
    for (const [source, drawing] of held) {
      drawing.show(whole && source === field("source").value ? { x, y, w, h } : null);
    }
  });
}

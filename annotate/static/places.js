// Places in texts. Browsers count UTF-16 units, the archive counts characters (code points), and a
// reader sees grapheme clusters: a flag, a letter with its accents.
const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

export function codePoints(string) {
  return [...string].length;
}

// Turns a place in code points into one in UTF-16 units.
export function unitsAt(whole, points) {
  let units = 0;
  for (let passed = 0; passed < points && units < whole.length; passed += 1) {
    units += whole.codePointAt(units) > 0xffff ? 2 : 1;
  }
  return units;
}

// Widens a place to the edge of the visible character it falls into.
export function edge(whole, unit, forward) {
  if (unit <= 0 || unit >= whole.length) return unit;
  const { index, segment } = segmenter.segment(whole).containing(unit);
  if (index === unit) return unit;
  return forward ? index + segment.length : index;
}

// A stretch of a text, in UTF-16 units, as a form sends it: words and code points.
export function stretch(whole, from, to) {
  const start = edge(whole, from, false);
  const end = edge(whole, to, true);
  const first = codePoints(whole.slice(0, start));
  const words = whole.slice(start, end);
  return { words, start: first, end: first + codePoints(words) };
}

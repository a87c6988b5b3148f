// One step of what a reader would do: unfold, ask for more, start a film, go down a screen.
// Runs in a world of its own: the page's scripts cannot see or change it. Only words that stand
// in the list are pressed, never a link that leads elsewhere and never the button of a form.
(config) => {
  const state = (globalThis.__steps ??= {
    pressed: new WeakSet(), presses: 0, unfolded: 0, films: 0, played: new WeakSet(),
  });
  const words = new Set(config.words);
  const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/[0-9\u0660-\u0669\u06f0-\u06f9]+(?:[.,'\u00a0 ]?[0-9]+)*[km]?/g, "#")
    .replace(/[\s\u200e\u200f]+/g, " ").replace(/^[^\p{L}\p{N}#]+|[^\p{L}\p{N}#]+$/gu, "").trim();
  const visible = (e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) &&
    e.getBoundingClientRect().width > 0;
  const leadsAway = (e) => {
    const link = e.closest("a[href]");
    if (!link) return false;
    const href = link.getAttribute("href").trim().toLowerCase();
    return !(href === "" || href.startsWith("#") || href.startsWith("javascript:"));
  };
  const sends = (e) => {
    const button = e.closest("button,input");
    return Boolean(button && button.form && (button.type === "submit" || button.type === "image"));
  };
  let acted = 0;

  for (const one of document.querySelectorAll("details:not([open])")) {
    if (state.unfolded >= config.presses) break;
    one.open = true; state.unfolded += 1; acted += 1;
  }
  const named = config.click.length ? [...document.querySelectorAll(config.click.join(","))] : [];
  const wanted = document.querySelectorAll(
    "button,[role=button],a:not([href]),a[href=''],a[href^='#'],a[href^='javascript:' i],[onclick],span[tabindex],div[tabindex]");
  const press = (e, byWord) => {
    if (state.presses >= config.presses || state.pressed.has(e) || !visible(e)) return;
    if (leadsAway(e) || sends(e)) return;
    if (byWord) {
      const text = e.innerText || e.getAttribute("aria-label") || "";
      if (text.length > 60 || !words.has(plain(text))) return;
    }
    state.pressed.add(e); state.presses += 1; acted += 1;
    e.click();
  };
  for (const e of named) press(e, false);
  if (words.size) for (const e of wanted) press(e, true);

  if (config.films) for (const film of document.querySelectorAll("video")) {
    if (state.films >= config.films || state.played.has(film)) continue;
    state.played.add(film); state.films += 1; acted += 1;
    film.muted = true; film.play().catch(() => {});
  }

  // Some pages scroll a box and not the document: the largest box that scrolls counts then.
  const root = document.scrollingElement || document.documentElement;
  const tall = (e) => e.scrollHeight - e.clientHeight > 50;
  let box = root;
  if (!tall(root)) {
    const boxes = [...document.querySelectorAll("main,section,article,div,ul")].filter((e) =>
      tall(e) && /(auto|scroll)/.test(getComputedStyle(e).overflowY));
    const area = (e) => e.clientWidth * e.clientHeight;
    box = boxes.sort((a, b) => area(b) - area(a))[0] || root;
  }
  const before = box.scrollTop;
  if (config.scroll) box.scrollTop = before + (box === root ? innerHeight : box.clientHeight) * 0.9;
  state.box = box;
  return { acted, moved: box.scrollTop > before, presses: state.presses, films: state.films,
    unfolded: state.unfolded };
}

// While somebody types a name, the registry offers entries; without this, names work all the same.
let waiting;

async function offer(input) {
  const address = new URL(input.dataset.suggest, location.href);
  address.searchParams.set("q", input.value);
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const list = input.list;
  list.replaceChildren(
    ...(await answer.json()).map(({ value, words }) => {
      const option = document.createElement("option");
      option.value = value;
      option.label = words;
      return option;
    }),
  );
}

for (const input of document.querySelectorAll("input[data-suggest]")) {
  input.addEventListener("focus", () => offer(input), { once: true });
  input.addEventListener("input", (event) => {
    if (event.isComposing) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => offer(input), 150);
  });
  input.addEventListener("compositionend", () => offer(input));
}

const list = document.getElementById("posts");
const more = document.getElementById("more");
let next = 0;
let loading = false;

async function load() {
  if (loading || next === null) return;
  loading = true;
  const answer = await fetch(`${list.dataset.api}?from=${next}`);
  const page = await answer.json();
  for (const post of page.posts) {
    const entry = document.createElement("li");
    const link = document.createElement("a");
    link.href = post.url;
    link.lang = post.lang;
    link.dir = "auto";
    link.textContent = post.text;
    entry.append(link);
    list.append(entry);
  }
  next = page.next;
  more.hidden = next === null;
  loading = false;
}

new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting)) load();
}, { rootMargin: "200px" }).observe(more);
load();

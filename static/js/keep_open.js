// A part of the page that fetches itself anew keeps open what somebody opened in it: <details id="…">.
let opened = [];

document.addEventListener("htmx:beforeSwap", (event) => {
  const there = event.detail.target?.querySelectorAll?.("details[id][open]") ?? [];
  opened = [...there].map((details) => details.id);
});

document.addEventListener("htmx:afterSwap", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  opened = [];
});

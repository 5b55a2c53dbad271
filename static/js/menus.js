// <details data-menu>: works without this module; with it one is open at a time, Escape and a
// press elsewhere close it, and the arrow keys walk through its entries.
const menus = () => document.querySelectorAll("details[data-menu][open]");

function close(menu, { refocus = false } = {}) {
  menu.open = false;
  if (refocus) menu.querySelector("summary").focus();
}

document.addEventListener("toggle", (event) => {
  const opened = event.target;
  if (!opened.matches?.("details[data-menu]") || !opened.open) return;
  for (const menu of menus()) if (menu !== opened) close(menu);
}, true);

document.addEventListener("click", (event) => {
  for (const menu of menus()) {
    const entry = event.target.closest(".menu-item");
    if (!menu.contains(event.target) || (entry && menu.contains(entry))) close(menu);
  }
});

document.addEventListener("focusout", (event) => {
  const menu = event.target.closest?.("details[data-menu][open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) close(menu);
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details[data-menu]");
  if (!menu) return;
  if (event.key === "Escape" && menu.open) {
    event.preventDefault();
    close(menu, { refocus: true });
    return;
  }
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  event.preventDefault();
  menu.open = true;
  const entries = [...menu.querySelectorAll(".menu-item")];
  const step = event.key === "ArrowDown" ? 1 : -1;
  const at = entries.indexOf(document.activeElement);
  const next = at === -1 ? (step === 1 ? 0 : entries.length - 1) : (at + step + entries.length) % entries.length;
  entries[next]?.focus();
});

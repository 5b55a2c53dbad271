// A dialog that htmx has put into [data-dialog-slot] is opened as a modal one; closing it empties
// the slot and gives the focus back to what opened it. Without scripts the opener is an ordinary
// link to a page that holds the same dialog, and nothing here runs.
const slot = document.querySelector("[data-dialog-slot]");
let opener = null;

// In a row menu the entry that was pressed is hidden once the menu has closed: return to the menu.
const resting = (element) => element?.closest("details[data-menu]")?.querySelector("summary") ?? element;

document.addEventListener("htmx:beforeRequest", (event) => {
  if (slot && event.detail.target === slot) opener = resting(event.detail.elt);
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (!slot || event.detail.target !== slot) return;
  const dialog = slot.querySelector("dialog");
  if (!dialog || dialog.matches(":modal")) return;
  dialog.removeAttribute("open");
  dialog.showModal();
  dialog.addEventListener("close", () => {
    slot.replaceChildren();
    opener?.focus();
    opener = null;
  }, { once: true });
});

document.addEventListener("click", (event) => {
  const dialog = event.target.closest?.("dialog");
  if (!dialog?.matches(":modal")) return;
  const dismiss = event.target.closest("[data-dialog-close]");
  // The inner box fills the dialog, so a press on the dialog itself is a press on the backdrop.
  if (!dismiss && event.target !== dialog) return;
  event.preventDefault();
  dialog.close();
});

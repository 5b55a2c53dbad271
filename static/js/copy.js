// <button data-copy="#id">: copy the value or text of #id. Where the clipboard is refused the text
// is selected instead, and the note beside the button says which of the two happened.
function select(source) {
  if ("select" in source) {
    source.focus();
    source.select();
    return;
  }
  const range = document.createRange();
  range.selectNodeContents(source);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  if (!source) return;
  const note = button.dataset.copyNote && document.querySelector(button.dataset.copyNote);
  let copied = true;
  try {
    await navigator.clipboard.writeText("value" in source ? source.value : source.textContent);
  } catch {
    copied = false;
    select(source);
  }
  const words = copied ? "Copied" : "Selected. Press Ctrl+C, or ⌘C on a Mac, to copy.";
  if (note) {
    note.dataset.copied = copied ? "yes" : "no";
    note.textContent = words;
  }
  document.dispatchEvent(new CustomEvent("announce", { detail: words }));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (button) copy(button);
});
document.addEventListener("focusin", (event) => {
  if (event.target.matches?.("[data-select-on-focus]")) event.target.select();
});

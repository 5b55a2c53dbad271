// While a form is on its way its button says so, and a second press sends nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const method = (event.submitter?.getAttribute("formmethod") || form.method).toLowerCase();
  if (method !== "post") return;
  if (form.dataset.pending === "yes") {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  form.dataset.pending = "yes";
  (event.submitter ?? form.querySelector("button"))?.setAttribute("aria-busy", "true");
}, true);

function settle(form) {
  delete form.dataset.pending;
  for (const button of form.querySelectorAll('[aria-busy="true"]')) button.removeAttribute("aria-busy");
}

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form[data-pending]");
  if (form) settle(form);
});
// The browser may bring a page back from its memory with the form still marked.
addEventListener("pageshow", () => { document.querySelectorAll("form[data-pending]").forEach(settle); });

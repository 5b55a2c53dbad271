// A panel never is a whole document. When a request for one ends on a page of its own (the sign-in
// page, after a session has run out), go to that page instead of squeezing it into the panel.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!/^\s*<!doctype/i.test(event.detail.serverResponse ?? "")) return;
  if (event.detail.xhr.status >= 400) return;
  event.detail.shouldSwap = false;
  location.assign(event.detail.xhr.responseURL);
});

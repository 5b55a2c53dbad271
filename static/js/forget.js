// <div data-forget>: a secret inside it leaves the page when the person leaves the page, so that
// going Back to a page kept in the browser's memory shows nothing (the server never shows it again).
addEventListener("pagehide", () => {
  for (const holder of document.querySelectorAll("[data-forget]")) {
    for (const field of holder.querySelectorAll("input")) field.value = "";
    for (const code of holder.querySelectorAll("pre")) code.textContent = "";
    for (const file of holder.querySelectorAll("a[download]")) file.removeAttribute("href");
  }
});

// <div data-forget="/where/to">: the page is the answer to a form, which no cache keeps, so going Back
// to it would end on the browser's own error page. Whoever leaves by a link finds that address there.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const holder = document.querySelector("[data-forget]:not([data-forget=''])");
  if (!link || !holder || link.target || link.download || event.defaultPrevented) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  if (link.hash && link.pathname === location.pathname) return;
  history.replaceState(null, "", holder.dataset.forget);
});

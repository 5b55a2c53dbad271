// <div data-forget>: a secret inside it leaves the page when the person leaves the page, so that
// going Back to a page kept in the browser's memory shows nothing (the server never shows it again).
addEventListener("pagehide", () => {
  for (const holder of document.querySelectorAll("[data-forget]")) {
    for (const field of holder.querySelectorAll("input")) field.value = "";
    for (const code of holder.querySelectorAll("pre")) code.textContent = "";
  }
});

// Say an outcome in the page's one status region, and show what htmx could not do.
// Anything may ask: document.dispatchEvent(new CustomEvent("announce", {detail: "Copied"})).
const region = document.querySelector("[data-status]");
const failure = document.querySelector("[data-page-failure]");

function say(text) {
  if (!region) return;
  region.textContent = "";
  // A pause makes screen readers repeat a sentence they have just read.
  setTimeout(() => { region.textContent = text; }, 50);
}

function fail(text) {
  if (!failure) return;
  failure.hidden = false;
  failure.querySelector("[data-page-failure-text]").textContent = text;
}

document.addEventListener("announce", (event) => say(event.detail));

// [data-outcome] is said in its own words, [data-announce] in those of the attribute.
const OUTCOMES = "[data-outcome], [data-announce]";
function sayOutcomes(part) {
  const found = [...part.querySelectorAll(OUTCOMES)];
  if (part.matches(OUTCOMES)) found.unshift(part);
  const words = found.map(
    (element) => element.dataset.announce || element.textContent.trim().replace(/\s+/g, " "),
  );
  if (words.length) say(words.join(" "));
}

sayOutcomes(document.body);
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.elt instanceof Element) sayOutcomes(event.detail.elt);
});
document.addEventListener("htmx:beforeRequest", () => { if (failure) failure.hidden = true; });
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status === 403) fail("You may not do this with your present role or plan, or the page was open for too long: reload it.");
  else if (status === 404) fail("This is no longer here. Reload the page to see what is.");
  else if (status === 413) fail("That is larger than a form may be. Nothing was changed: send less at a time.");
  else fail("The server could not do this. Reload the page and try again.");
});
document.addEventListener("htmx:sendError", () => fail("The server cannot be reached. Check the connection and try again."));

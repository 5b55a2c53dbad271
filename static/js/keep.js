// <form data-keep>: what was typed survives a reload and going back. It is kept in this entry of the tab's own
// history, as browsers keep fields themselves, and nowhere else; a form that had a result is sent again.
function fields(form) {
  return [...form.elements].filter((field) => field.name && !["hidden", "submit"].includes(field.type));
}

function keep(form, sent) {
  const values = fields(form).map((field) => (field.type === "radio" ? field.checked : field.value));
  try {
    history.replaceState({ ...history.state, kept: { values, sent } }, "");
  } catch {
    // too much for this browser's history: the page works without
  }
}

const form = document.querySelector("form[data-keep]");
if (form) {
  const kept = history.state?.kept;
  const there = fields(form);
  if (kept && kept.values.length === there.length) {
    there.forEach((field, number) => {
      if (field.type === "radio") field.checked = kept.values[number];
      else field.value = kept.values[number];
    });
    if (kept.sent && !document.querySelector("#rehearsal-result")) {
      addEventListener("load", () => form.requestSubmit());
    }
  }
}

document.addEventListener("change", (event) => {
  if (event.target.form?.matches("form[data-keep]")) keep(event.target.form, false);
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-keep]")) keep(event.target, true);
});

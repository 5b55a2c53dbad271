// Help words appear by hover and focus alone; Escape hides them until pointer and focus have left.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const help of document.querySelectorAll("[data-help]:is(:hover, :focus-within)")) help.dataset.dismissed = "";
});
for (const leaving of ["pointerout", "focusout"]) {
  document.addEventListener(leaving, (event) => {
    const help = event.target.closest?.("[data-help][data-dismissed]");
    if (help && !help.contains(event.relatedTarget)) delete help.dataset.dismissed;
  });
}

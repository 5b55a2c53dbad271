// On a narrow screen the tabs scroll in their own box: bring the current one into it.
for (const box of document.querySelectorAll("[data-tabs]")) {
  const current = box.querySelector("[aria-current]");
  if (current) box.scrollLeft = current.offsetLeft - box.offsetLeft - (box.clientWidth - current.offsetWidth) / 2;
}

/* Elements and the places in memory where they lie: a hand or the keys on one shows the others. */

/** Link the cells of every picture with this id (a page may show one output twice). */
function linkPlaces(id) {
  for (const picture of document.querySelectorAll(`[id="${id}"]`)) {
    if (picture.dataset.linked) continue;
    picture.dataset.linked = "true";
    for (const section of picture.querySelectorAll("section")) link(section);
  }
}

function link(section) {
  const cells = [...section.querySelectorAll("td[data-at]")];
  const show = (at) => cells.forEach((cell) => cell.classList.toggle("linked", cell.dataset.at === at));
  const place = (event) => event.target.closest("td[data-at]")?.dataset.at;
  section.addEventListener("pointerover", (event) => show(place(event)));
  section.addEventListener("pointerleave", () => show(undefined));
  section.addEventListener("focusin", (event) => show(place(event)));
  section.addEventListener("focusout", () => show(undefined));
}

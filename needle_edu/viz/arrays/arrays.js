/* Elements and the places in memory where they lie: a hand or the keys on one shows the others, and a button how they
   come from there. */

/** Link the cells of every picture with this id (a page may show one output twice). */
function linkPlaces(id) {
  for (const picture of document.querySelectorAll(`[id="${id}"]`)) {
    if (picture.dataset.linked) continue;
    picture.dataset.linked = "true";
    for (const section of picture.querySelectorAll("section")) {
      link(section);
      addFlights(section);
    }
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

/* ---- from one picture to the other: each element flies from where it lay to where it is shown ---- */

const FLIGHT = 700; // milliseconds of one element
const STARTS = 1200; // within so many all have started, one after the other
const flights = new WeakMap(); // section -> what ends its flight

/** Give each grid a button for each place its elements may come from: the memory, and the first grid beside it. */
function addFlights(section) {
  const memory = section.querySelector(".memory");
  const [first, ...others] = section.querySelectorAll(".grids > figure");
  const add = (from, name, to) => {
    if (!to.querySelector("td[data-at]")) return; // no elements
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `▶ from ${name}`;
    button.title = "watch each element come from its place there";
    button.addEventListener("click", () => fly(section, from, to));
    let row = to.querySelector(".flights");
    if (!row) to.querySelector("p").after((row = Object.assign(document.createElement("div"), { className: "flights" })));
    row.append(button);
  };
  add(memory, "memory", first);
  for (const figure of others) {
    add(memory, "memory", figure);
    add(first, first.querySelector("h4").textContent, figure);
  }
}

/** Where each address is shown in a picture; several cells of a broadcast array show one. */
function placesIn(figure) {
  const places = new Map();
  for (const cell of figure.querySelectorAll("td[data-at]")) {
    if (!places.has(cell.dataset.at)) places.set(cell.dataset.at, cell);
  }
  return places;
}

function fly(section, from, to) {
  flights.get(section)?.();
  const cells = [...to.querySelectorAll("td[data-at]")];
  const [places, memory] = [placesIn(from), placesIn(section.querySelector(".memory"))];
  const taken = new Set(cells.map((cell) => cell.dataset.at));
  const left = [...places.values()].filter((cell) => !taken.has(cell.dataset.at));
  const layer = Object.assign(document.createElement("div"), { className: "flight", ariaHidden: "true" });
  const end = () => {
    layer.remove();
    for (const cell of cells) cell.classList.remove("coming");
    for (const cell of left) cell.classList.remove("left");
    flights.delete(section);
  };
  flights.set(section, end);
  section.append(layer);
  left.forEach((cell) => cell.classList.add("left"));
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches; // then they appear one by one
  const origin = layer.getBoundingClientRect();
  const last = cells.map((cell, k) => {
    const source = (places.get(cell.dataset.at) ?? memory.get(cell.dataset.at)).getBoundingClientRect();
    const target = cell.getBoundingClientRect();
    const flyer = Object.assign(document.createElement("span"), { textContent: cell.textContent });
    flyer.style.cssText = `--h:${cell.style.getPropertyValue("--h")};left:${target.left - origin.left}px;` +
      `top:${target.top - origin.top}px;width:${target.width}px;height:${target.height}px`;
    layer.append(flyer);
    cell.classList.add("coming");
    const begin = still ? "none" : `translate(${source.left - target.left}px, ${source.top - target.top}px)`;
    const delay = (k * STARTS) / cells.length;
    const steps = [{ transform: begin, opacity: still ? 0 : 1 }, { transform: "none", opacity: 1 }];
    return flyer.animate(steps, { duration: still ? 1 : FLIGHT, delay, fill: "both", easing: "ease-in-out" });
  }).at(-1);
  last.finished.then(() => flights.get(section) === end && end(), () => {});
}

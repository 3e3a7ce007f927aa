/* The numbers in the stepper's panel: tables, as numbers.py writes them, and parts of large arrays that a kernel sends. */

/** A piece of the panel; a table comes as its numbers: cells apart by blanks, rows by semicolons. */
function written(piece) {
  if (piece[0] !== "\t") return piece;
  const row = (cells) => `<tr>${cells.split(" ").map(cell).join("")}</tr>`;
  return `<table><tbody>${piece.slice(1).split(";").map(row).join("")}</tbody></table>`;
}

/** Zeros are written faintly (one sees at a glance what a relu or a mask let through), nan and inf in red. */
function cell(text) {
  const kind = /^-?(nan|inf)$/.test(text) ? "bad" : /^[0.-]*$/.test(text) ? "zero" : "";
  return kind ? `<td class="${kind}">${text}</td>` : `<td>${text}</td>`;
}

/** A number that JSON may not be able to write. */
function read(number) {
  return { inf: Infinity, nan: NaN }[number] ?? number;
}

/** Under every summary of a large array a field: which part of it shall be shown? */
function mountSlices(panel, ask) {
  for (const figure of panel.querySelectorAll("figure:has(.summary)")) {
    figure.insertAdjacentHTML("beforeend", `<form class="part"><label>part <input type="text" class="stop" placeholder="0:3, :5"></label></form><div class="asked"></div>`);
    const form = figure.querySelector("form");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const parts = await ask(figure.dataset.role, form.querySelector("input").value);
      figure.querySelector(".asked").innerHTML = parts.map(written).join("");
    });
  }
}

/* Memory over a run: a slider over the moments, and what is held at the one where it stands. */

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text) => text.replace(/[&<>"]/g, (c) => ESCAPES[c]);

/** A number of bytes for people, as Python writes it. */
export function sizeText(nbytes) {
  let size = nbytes, unit = "B";
  for (const larger of ["KiB", "MiB", "GiB", "TiB"]) {
    if (size < 1024) break;
    [size, unit] = [size / 1024, larger];
  }
  return `${Number(size.toPrecision(size >= 100 ? 4 : 3))} ${unit}`;
}

function enliven(root, data) {
  const { moments, blocks, roles } = data;
  const $ = (selector) => root.querySelector(selector);
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 0, max: moments.length - 1, step: 1, value: data.peak });
  slider.setAttribute("aria-label", "moment of the run");
  $(".pull").append(slider);
  const line = $(".here"), rest = line.getAttribute("d").replace(/^M\S+ /, "");

  function show() {
    const k = Number(slider.value), [event, what, total] = moments[k];
    const held = blocks.filter(([, begin, end]) => begin <= event && event < end);
    $(".at").textContent = `event ${event + 1} of ${data.events}: ${what}`;
    $(".sum").textContent = sizeText(total);
    $(".moment tbody").innerHTML = held.slice(0, data.listed).map(([size, , , role, holders]) =>
      `<tr><td class="mono">${sizeText(size)}</td><td><i class="role${role}"></i>${roles[role]}</td><td>${escaped(holders)}</td></tr>`).join("");
    $(".more").textContent = held.length > data.listed ? `and ${held.length - data.listed} smaller ones` : "";
    line.setAttribute("d", `M${(data.left + (data.wide * (k + 0.5)) / moments.length).toFixed(1)} ${rest}`);
    slider.setAttribute("aria-valuetext", `event ${event + 1}, ${what}, ${sizeText(total)}`);
  }

  slider.addEventListener("input", show);
  root.querySelector("svg.chart").addEventListener("click", (event) => {
    const box = root.querySelector("svg.chart").getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * (data.left + data.wide + 8);
    slider.value = Math.floor(((at - data.left) / data.wide) * moments.length);
    show();
  });
  show();
}

/* The playground: a slider over the steps that were taken; with a kernel, buttons to take more and fields to choose. */

const COLOURS = [[0.12, 0.44, 0.92], [0.91, 0.35, 0.05]]; // of the classes, as in plane.py
const STEPS = 5; // that a running network takes for each picture
const LABELS = { data: "points", layers: "layers", activation: "activation", lr: "step size" };

/** Colour the plane: paler where the network is unsure. */
export function paint(canvas, bytes, grid) {
  canvas.width = canvas.height = grid;
  const image = new ImageData(grid, grid);
  for (let k = 0; k < grid * grid; k++) {
    const share = bytes.charCodeAt(k) / 255, colour = COLOURS[share > 0.5 ? 1 : 0];
    const sure = Math.min(0.7, Math.max(0.05, (Math.max(share, 1 - share) - 0.5) * 1.4));
    for (let c = 0; c < 3; c++) image.data[4 * k + c] = 255 * (sure * colour[c] + 1 - sure);
    image.data[4 * k + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Colour what a unit gives: white at 0, blue below, orange above. */
export function paintUnit(canvas, bytes, from, grid) {
  canvas.width = canvas.height = grid;
  const image = new ImageData(grid, grid);
  for (let k = 0; k < grid * grid; k++) {
    const share = (bytes.charCodeAt(from + k) - 128) / 127, colour = COLOURS[share < 0 ? 0 : 1], much = Math.abs(share);
    for (let c = 0; c < 3; c++) image.data[4 * k + c] = 255 * (much * colour[c] + 1 - much);
    image.data[4 * k + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function enliven(root, first, tell) {
  let data = first, running = false, asked = false;
  const $ = (selector) => root.querySelector(selector);
  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = 0;
  slider.setAttribute("aria-label", "step");
  $(".pull").append(slider);
  slider.addEventListener("input", show);
  let canvas, units, cards, line;
  if (tell) controls();
  place();

  /** After the parts of the picture were put in place: the canvas over the plane, the cards, the line in the chart. */
  function place() {
    canvas = document.createElement("canvas");
    $(".plane img").replaceWith(canvas);
    units = [...root.querySelectorAll(".units")].map((row) => [...row.querySelectorAll("img")].map((image) => {
      const own = document.createElement("canvas");
      own.setAttribute("role", "img");
      own.setAttribute("aria-label", image.alt);
      image.replaceWith(own);
      return own;
    }));
    cards = [...root.querySelectorAll(".graph [data-node]")].map((g) => ({
      value: g.querySelector(".ndl-value .ndl-number"), grad: g.querySelector(".ndl-grad:not(.ndl-absent) .ndl-number"),
    }));
    const axis = $(".chart .axis").getAttribute("d").match(/[\d.]+/g).map(Number); // left, top, bottom, right
    line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("class", "here");
    line.axis = axis;
    $(".chart").append(line);
    slider.max = data.frames.length - 1;
    slider.value = data.frames.length - 1;
    show();
  }

  function write(spot, text) {
    if (!spot || text === null) return;
    spot.textContent = text;
    spot.classList.toggle("ndl-bad", /nan|inf/.test(text));
  }

  function show() {
    const frame = data.frames[Number(slider.value)];
    paint(canvas, atob(frame.plane), data.grid);
    units.forEach((row, layer) => {
      const bytes = atob(frame.units[layer]), grid = data.unitGrid;
      row.forEach((own, k) => paintUnit(own, bytes, k * grid * grid, grid));
    });
    cards.forEach((card, k) => { write(card.value, frame.values[k]); write(card.grad, frame.grads[k]); });
    $(".now").textContent = frame.now;
    $(".number").textContent = Math.max(frame.step, 1);
    slider.setAttribute("aria-valuetext", frame.now);
    const [left, top, bottom, right] = line.axis, last = data.frames[data.frames.length - 1].step;
    const x = left + ((right - left) * frame.step) / Math.max(last, 1);
    line.setAttribute("d", `M${x.toFixed(1)} ${top}V${bottom}`);
  }

  // ---- with a kernel ----

  function controls() {
    const { choice, options } = data;
    const list = (name) => `<label>${LABELS[name]}<select name="${name}">${options[name]
      .map((value) => `<option${value === choice[name] ? " selected" : ""}>${value}</option>`).join("")}</select></label>`;
    $(".choices").innerHTML = `${list("data")}
      <label>${LABELS.layers}<input type="text" name="layers" value="${choice.layers.join(", ")}"></label>
      ${list("activation")}${list("lr")}
      <button class="run">Run</button><button class="one">Step</button><button class="anew">Start anew</button>
      <p class="wrong" role="alert"></p>`;
    $(".choices").addEventListener("keydown", (event) => { if (!forThePage(event)) event.stopPropagation(); });
    $(".choices").addEventListener("change", choose);
    $(".anew").addEventListener("click", choose);
    $(".one").addEventListener("click", () => { run(false); ask(1); });
    $(".run").addEventListener("click", () => { run(!running); if (running) ask(STEPS); });
  }

  function ask(count) {
    if (!asked) tell({ do: "step", count });
    asked = true;
  }

  function run(on) {
    running = on;
    $(".run").textContent = on ? "Pause" : "Run";
    $(".run").setAttribute("aria-pressed", on);
  }

  function choose() {
    run(false);
    const field = (name) => $(`[name="${name}"]`).value;
    const layers = field("layers").split(/[\s,]+/).filter(Boolean).map(Number);
    tell({ do: "choose", choice: { data: field("data"), layers, activation: field("activation"), lr: Number(field("lr")) } });
  }

  /** The next frame from Python: the parts of the picture are replaced, the controls stay. */
  function update(frame) {
    asked = false;
    $(".wrong").textContent = frame.error ?? "";
    if (frame.error) return;
    data = frame.data;
    const next = document.createElement("template");
    next.innerHTML = frame.still;
    for (const part of [".facts", ".now", ".top", ".step-graph h4", ".graph"]) {
      const at = part === ".graph" ? [$(part).scrollLeft, $(part).scrollTop] : null;
      $(part).replaceWith(next.content.querySelector(part));
      if (at) $(part).scrollTo(...at);
    }
    place();
    if (running) setTimeout(() => running && ask(STEPS), 60);
  }
  return { update, stop: () => { running = false; } };
}

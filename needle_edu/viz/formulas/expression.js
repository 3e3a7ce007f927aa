/* The formula's graph, computed again for every place of a slider: each operation forward, and what it contributes to its
   operands backward, as in the library (needle_edu/ops), which a test compares. */

const sigmoid = (a) => 1 / (1 + Math.exp(-a));
const shared = (first, second) => (first > second ? 1 : first < second ? 0 : first === second ? 0.5 : NaN); // a tie is shared
// name: [forward(operands, by), contributions(adjoint, operands, result, by)]
export const OPERATIONS = {
  add: [([a, b]) => a + b, (g) => [g, g]],
  add_scalar: [([a], s) => a + s, (g) => [g]],
  multiply: [([a, b]) => a * b, (g, [a, b]) => [g * b, g * a]],
  mul_scalar: [([a], s) => a * s, (g, _, y, s) => [g * s]],
  divide: [([a, b]) => a / b, (g, [a, b]) => [g / b, (-g * a) / (b * b)]],
  divide_scalar: [([a], s) => a / s, (g, _, y, s) => [g / s]],
  negate: [([a]) => -a, (g) => [-g]],
  power_scalar: [([a], s) => a ** s, (g, [a], y, s) => [s === 0 ? 0 : g * s * a ** (s - 1)]],
  power: [([a, b]) => a ** b, (g, [a, b], y) => [
    g * b * (a === 0 && b === 0 ? 1 : a) ** (b - 1), g * y * Math.log(a === 0 ? 1 : a)]],
  square: [([a]) => a * a, (g, [a]) => [2 * g * a]],
  sqrt: [([a]) => Math.sqrt(a), (g, _, y) => [g / (2 * y)]],
  sin: [([a]) => Math.sin(a), (g, [a]) => [g * Math.cos(a)]],
  cos: [([a]) => Math.cos(a), (g, [a]) => [-g * Math.sin(a)]],
  tan: [([a]) => Math.tan(a), (g, _, y) => [g * (1 + y * y)]],
  sinh: [([a]) => Math.sinh(a), (g, [a]) => [g * Math.cosh(a)]],
  cosh: [([a]) => Math.cosh(a), (g, [a]) => [g * Math.sinh(a)]],
  tanh: [([a]) => Math.tanh(a), (g, _, y) => [g * (1 - y * y)]],
  exp: [([a]) => Math.exp(a), (g, _, y) => [g * y]],
  log: [([a]) => Math.log(a), (g, [a]) => [g / a]],
  sigmoid: [([a]) => sigmoid(a), (g, _, y) => [g * y * (1 - y)]],
  relu: [([a]) => Math.max(a, 0), (g, [a]) => [a > 0 ? g : 0 * g]],
  abs: [([a]) => Math.abs(a), (g, [a]) => [g * Math.sign(a)]],
  maximum: [([a, b]) => Math.max(a, b), (g, [a, b]) => [g * shared(a, b), g * shared(b, a)]],
  minimum: [([a, b]) => Math.min(a, b), (g, [a, b]) => [g * shared(b, a), g * shared(a, b)]],
};

/** All values, operands first, as the nodes stand. */
export function forward(nodes, values) {
  const found = [];
  for (const node of nodes) {
    found.push(node.op ? OPERATIONS[node.op][0](node.of.map((k) => found[k]), node.by)
      : node.name !== null ? values[node.name] : node.is ?? NaN);
  }
  return found;
}

/** The adjoint of every node: from the result back, each contribution added. */
export function backward(nodes, found) {
  const adjoints = nodes.map(() => 0);
  adjoints[nodes.length - 1] = 1;
  for (let k = nodes.length - 1; k >= 0; k--) {
    if (!nodes[k].op) continue;
    const given = nodes[k].of.map((i) => found[i]);
    OPERATIONS[nodes[k].op][1](adjoints[k], given, found[k], nodes[k].by)
      .forEach((part, i) => { adjoints[nodes[k].of[i]] += part; });
  }
  return adjoints;
}

const WIDE = 220, HIGH = 130, MARGIN = 20, POINTS = 161;

/** f along one variable, the others where they are, with the tangent whose slope is the gradient. */
function curve(nodes, values, name, [low, high], slope) {
  const places = Array.from({ length: POINTS }, (_, i) => low + ((high - low) * i) / (POINTS - 1));
  const last = nodes.length - 1;
  const heights = places.map((x) => forward(nodes, { ...values, [name]: x })[last]);
  const here = forward(nodes, values)[last];
  const finite = heights.filter(Number.isFinite).sort((a, b) => a - b);
  if (!finite.length) return `<figure><h4>f along ${escaped(name)}</h4><p>no finite value here</p></figure>`;
  // A pole must not flatten the rest: 3 % at each end may leave the picture, the present point may not.
  const cut = Math.floor(0.03 * finite.length);
  let [bottom, top] = [finite[cut], finite[finite.length - 1 - cut]];
  if (Number.isFinite(here)) [bottom, top] = [Math.min(bottom, here), Math.max(top, here)];
  if (top - bottom < 1e-9 * Math.max(1, Math.abs(top))) [bottom, top] = [bottom - 1, top + 1];
  const room = 0.08 * (top - bottom);
  [bottom, top] = [bottom - room, top + room];
  const right = (x) => MARGIN + ((x - low) / (high - low)) * (WIDE - 2 * MARGIN);
  const up = (y) => HIGH - MARGIN - ((y - bottom) / (top - bottom)) * (HIGH - 2 * MARGIN);
  let path = "", drawn = false;
  places.forEach((x, i) => {
    const inside = heights[i] >= bottom - (top - bottom) && heights[i] <= top + (top - bottom);
    if (inside) path += `${drawn ? "L" : "M"}${right(x).toFixed(1)} ${up(heights[i]).toFixed(1)}`;
    drawn = inside;
  });
  const reach = (high - low) / 6;
  const line = (x) => `${right(x).toFixed(1)} ${up(here + slope * (x - values[name])).toFixed(1)}`;
  const tangent = Number.isFinite(slope) && Number.isFinite(here)
    ? `<path class="slope" d="M${line(values[name] - reach)}L${line(values[name] + reach)}"/>` : "";
  const point = Number.isFinite(here) ? `<circle class="point" cx="${right(values[name]).toFixed(1)}" cy="${up(here).toFixed(1)}" r="4.5"/>` : "";
  const label = `f along ${name}: at ${number(values[name])} the slope is ${number(slope)}`;
  const clip = `<svg x="${MARGIN}" y="${MARGIN}" width="${WIDE - 2 * MARGIN}" height="${HIGH - 2 * MARGIN}" viewBox="${MARGIN} ${MARGIN} ${WIDE - 2 * MARGIN} ${HIGH - 2 * MARGIN}" style="overflow:hidden;max-width:none;min-width:0">`;
  return `<figure style="margin:0"><svg class="chart" viewBox="0 0 ${WIDE} ${HIGH}" role="img" aria-label="${escaped(label)}">
    <path class="axis" d="M${MARGIN} ${MARGIN}V${HIGH - MARGIN}H${WIDE - MARGIN}"/>
    ${clip}<path class="line" d="${path}"/>${tangent}${point}</svg>
    <text x="${MARGIN}" y="13">${number(top)}</text><text x="${MARGIN}" y="${HIGH - 5}">${number(low)}</text>
    <text x="${WIDE / 2}" y="${HIGH - 5}" text-anchor="middle">f along ${escaped(name)}</text>
    <text x="${WIDE - MARGIN}" y="${HIGH - 5}" text-anchor="end">${number(high)}</text></svg></figure>`;
}

const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** Give the still form its sliders and curves; see island.js. */
function enliven(root, data, tell) {
  const { nodes, span } = data, values = { ...data.values };
  const $ = (selector) => root.querySelector(selector);
  const cards = [...root.querySelectorAll("[data-node]")].map((g) => ({
    value: g.querySelector(".ndl-value .ndl-number"), grad: g.querySelector(".ndl-grad:not(.ndl-absent) .ndl-number"),
  }));
  const ranges = {}, rows = {}, slopes = {};
  for (const row of root.querySelectorAll("tr[data-variable]")) {
    const name = row.dataset.variable, out = Math.max(span, Math.ceil(2 * Math.abs(values[name])) * (Math.abs(values[name]) > span));
    ranges[name] = [-out, out];
    rows[name] = row;
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: -out, max: out, step: out / 500, value: values[name] });
    slider.setAttribute("aria-label", name);
    slider.addEventListener("input", () => { values[name] = Number(slider.value); show(); });
    row.querySelector(".pull").append(slider);
  }

  function write(place, x) {
    if (!place) return;
    place.textContent = number(x);
    const bad = !Number.isFinite(x);
    place.classList.toggle(place.closest("svg") ? "ndl-bad" : "bad", bad);
  }

  function show() {
    const found = forward(nodes, values), adjoints = backward(nodes, found);
    cards.forEach((card, k) => { write(card.value, found[k]); write(card.grad, adjoints[k]); });
    $(".result").textContent = `= ${number(found[found.length - 1])}`;
    const drawn = [];
    for (const name of Object.keys(rows)) {
      const k = nodes.findIndex((node) => node.name === name), slope = k < 0 ? 0 : adjoints[k];
      slopes[name] = slope;
      write(rows[name].querySelector(".value"), values[name]);
      write(rows[name].querySelector(".gradient"), slope);
      rows[name].querySelector("input").setAttribute("aria-valuetext", `${name} ${number(values[name])}, gradient ${number(slope)}`);
      drawn.push(curve(nodes, values, name, ranges[name], slope));
    }
    $(".curves").innerHTML = drawn.join("");
    drawSurface?.();
  }

  const figure = $(".surface"), names = Object.keys(rows);
  const drawSurface = figure && turning(figure, (turn, lift) => relief({
    f: (x, y) => forward(nodes, { [names[0]]: x, [names[1]]: y }).at(-1), names, turn, lift,
    at: names.map((name) => values[name]), sides: names.map((name) => ranges[name][1]), slopes: names.map((name) => slopes[name]),
  }));
  if (tell) ask();
  show();

  /** A field for another formula; Python reads it and draws its graph. */
  function ask() {
    const form = document.createElement("form");
    form.innerHTML = '<input type="text" class="mono" aria-label="another formula" spellcheck="false"><button>Show</button>';
    const field = form.querySelector("input");
    field.value = $("h3").textContent.replace(/^f = /, "");
    form.addEventListener("submit", (event) => { event.preventDefault(); tell({ formula: field.value, values }); });
    form.addEventListener("keydown", (event) => { if (!forThePage(event)) event.stopPropagation(); });
    $(".bar").append(form);
    const wrong = document.createElement("p");
    wrong.className = "wrong mono";
    wrong.setAttribute("role", "alert");
    $(".bar").append(wrong);
  }

  /** A frame from Python: another formula, or what is wrong with the one that was typed. */
  function update(frame) {
    if (frame.error) { $(".wrong").textContent = frame.error; return; }
    root.innerHTML = `<div class="${frame.scope}"><style>${frame.css}</style>${frame.still}</div>`;
    Object.assign(this, enliven(root, frame.data, tell));
    root.querySelector("form input").focus();
  }
  return { update };
}

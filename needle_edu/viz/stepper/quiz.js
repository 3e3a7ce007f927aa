/* Predict, then reveal: with the button "Predict" on, a step of the backward pass keeps its result to itself until the
   reader has typed it (or gives up). Grading forgives rounding, and says what a wrong answer looks like. */

const PREDICT = `<button class="predict" aria-pressed="false" title="type each result of the backward pass before it is shown">Predict</button>
<span class="score" role="status"></span>`;
const FORGIVEN = 0.01; // of the number itself; and half as much of the largest one

class Quiz {
  constructor(root, data, again) {
    this.steps = data.steps;
    this.on = false;
    this.answered = new Map(); // step -> whether the reader knew it
    this.score = root.querySelector(".score");
    const button = root.querySelector(".predict");
    button.addEventListener("click", () => {
      this.on = !this.on;
      button.setAttribute("aria-pressed", this.on);
      this.answered.clear();
      this.count();
      again();
    });
    this.again = again;
  }

  /** Whether step `k` must be guessed before it is shown. */
  asks(k) {
    return this.on && this.steps[k].q !== undefined && !this.answered.has(k);
  }

  count() {
    const known = [...this.answered.values()].filter(Boolean).length;
    this.score.textContent = this.on ? `${known} of ${this.steps.filter((step) => step.q).length} known` : "";
  }

  /** In place of the result of step `k`: a field for the reader's guess. */
  mount(panel, k) {
    if (!this.asks(k)) return;
    const [shape, wanted] = this.steps[k].q;
    const figure = panel.querySelector(".outcome figure"), caption = figure.querySelector("figcaption");
    figure.replaceChildren(caption);
    panel.querySelector(".why")?.remove();
    const size = shape.length ? `(${shape.join(", ")}${shape.length === 1 ? "," : ""})` : "()";
    figure.insertAdjacentHTML("beforeend", `<form class="quiz"><input type="text" class="guess" autocomplete="off"
      aria-label="your prediction, shape ${size}" placeholder="${example(shape)}">
      <button>Check</button><button type="button" class="reveal">Reveal</button></form><p class="graded" role="status"></p>`);
    const guess = figure.querySelector(".guess"), graded = figure.querySelector(".graded");
    const below = figure.getBoundingClientRect().bottom - panel.getBoundingClientRect().bottom;
    if (below > 0) panel.scrollTop += below + 8; // scrollIntoView would move the page, too
    const done = (known) => { this.answered.set(k, known); this.count(); this.again(); };
    figure.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const said = grade(guess.value, shape, wanted);
      if (said) graded.textContent = said;
      else done(true);
    });
    figure.querySelector(".reveal").addEventListener("click", () => done(false));
  }

  /** What stands above a result that was known, or revealed. */
  verdict(k) {
    if (!this.on || !this.answered.has(k)) return "";
    return this.answered.get(k) ? '<p class="right">✓ as you said</p>' : '<p class="note">revealed</p>';
  }
}

/** How an array of this shape may be typed: "[0, 0]", "[[0, 0], …]". */
function example(shape) {
  if (!shape.length) return "0";
  const inner = example(shape.slice(1));
  return shape[0] === 1 ? `[${inner}]` : shape[0] === 2 ? `[${inner}, ${inner}]` : `[${inner}, …]`;
}

/** "" if the text says these numbers, else what is wrong with it. */
function grade(text, shape, wanted) {
  const typed = parse(text);
  if (typed.wrong) return typed.wrong;
  const size = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  if (typed.shape && typed.shape.join() !== shape.join() && typed.shape.length + shape.length > 0 && wanted.length > 1) {
    const ours = `(${typed.shape.join(", ")}${typed.shape.length === 1 ? "," : ""})`;
    return `Your array has shape ${ours}; this one has shape ${size}: an adjoint has the shape of its value.`;
  }
  if (typed.numbers.length !== wanted.length) {
    return `${typed.numbers.length} number${typed.numbers.length === 1 ? "" : "s"}; shape ${size} has ${wanted.length}.`;
  }
  const largest = Math.max(...wanted.map(Math.abs));
  const near = (a, b) => Math.abs(a - b) <= FORGIVEN * Math.abs(b) + 0.5 * FORGIVEN * largest * (b !== 0 || wanted.length > 1) + 1e-9;
  const fits = (numbers) => numbers.every((x, i) => near(x, wanted[i]));
  if (fits(typed.numbers)) return "";
  if (fits(typed.numbers.map((x) => -x))) return "Right but for the sign.";
  if (shape.length === 2 && fits(turned(typed.numbers, shape))) return "The right numbers, transposed.";
  const i = wanted.findIndex((x) => x !== 0), factor = typed.numbers[i] / wanted[i];
  if (wanted.length > 1 && factor && fits(typed.numbers.map((x) => x / factor))) {
    return `Every element is ${Number(factor.toPrecision(3))} times what it should be.`;
  }
  const right = typed.numbers.filter((x, k) => near(x, wanted[k])).length;
  return wanted.length === 1 ? "Not yet." : `${right} of ${wanted.length} elements are right.`;
}

/** The elements of a table of this shape, read column by column. */
function turned(numbers, [rows, columns]) {
  return numbers.map((_, k) => numbers[(k % columns) * rows + Math.floor(k / columns)]);
}

/** Numbers, as 1 2 3, as [[1, 2], [3, 4]] (then with their shape), or with semicolons after rows; 1/3 is a number, too. */
function parse(text) {
  const plain = text.replace(/[−–]/g, "-").trim();
  if (!plain) return { wrong: "Type your prediction first." };
  const numbers = [], lengths = [];
  let depth = 0, deepest = 0;
  const counts = [];
  for (const token of plain.replace(/;/g, " ").match(/[[\]]|[^[\],\s]+/g) ?? []) {
    if (token === "[") {
      if (depth) counts[depth - 1] += 1;
      counts[depth] = 0;
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (token === "]") {
      if (!depth) return { wrong: "A ] without its [." };
      depth -= 1;
      if (lengths[depth] !== undefined && lengths[depth] !== counts[depth]) return { wrong: "Rows of different lengths." };
      lengths[depth] = counts[depth];
    } else {
      const match = /^([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?:\/(\d+\.?\d*))?$/i.exec(token);
      if (!match) return { wrong: `“${token}” is no number.` };
      numbers.push(Number(match[1]) / Number(match[2] ?? 1));
      if (depth) counts[depth - 1] += 1;
    }
  }
  if (depth) return { wrong: "A [ is never closed." };
  return { numbers, shape: deepest ? lengths : null };
}

/* Breakpoints of the stepper, and its answer to "why is this zero?": both only read what Python wrote beside the steps
   (breakpoints.py and causes.py say what is meant). */

const STOPS = `
<label class="stops">stop at <input class="stop" type="text" spellcheck="false" autocomplete="off"
  title="names of operations or tensors, nan, or a bound such as norm > 10; several with commas"
  placeholder="relu, W1, nan, norm > 10"></label><span class="stopped" role="status"></span>`;
const NORM = /^norm\s*([<>])\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)$/;
const CHAIN_SHOWN = [4, 4]; // of a long chain, so many steps at its beginning and at its end

/** Where the walk stops: the steps that fit what the reader typed. */
class Stops {
  constructor(root, data) {
    this.data = data;
    this.field = root.querySelector(".stop");
    this.said = root.querySelector(".stopped");
    this.marks = root.querySelector(".marks");
    this.field.value = data.stops.join(", ");
    this.find(data.stops);
    this.field.addEventListener("input", () => this.find(this.field.value.split(",")));
  }

  find(names) {
    const wanted = names.map((name) => name.trim()).filter((name) => name);
    const { steps } = this.data;
    this.places = steps.map((_, k) => k).filter((k) => wanted.some((name) => this.fits(name, steps[k])));
    this.said.textContent = wanted.length ? (this.places.length ? `${this.places.length} of ${steps.length} steps` : "no step") : "";
    this.field.setAttribute("aria-invalid", wanted.length > 0 && !this.places.length);
    const share = (k) => k / Math.max(1, steps.length - 1);
    this.marks.innerHTML = this.places.map((k) => `<i style="left:calc(8px + ${share(k)} * (100% - 16px))"></i>`).join("");
  }

  fits(name, step) {
    const bound = NORM.exec(name), { nodes } = this.data;
    if (name === "nan") return step.a === 1;
    if (name === "departs") return step.d === 1;
    if (bound) return step.m !== undefined && (bound[1] === ">" ? read(step.m) > Number(bound[2]) : read(step.m) < Number(bound[2]));
    const op = step.o !== undefined ? nodes[step.o][1] : step.v !== undefined ? nodes[step.n][1] : null;
    return name === nodes[step.n][0] || name === op;
  }

  /** The next step to stop at; the last one of all if there is none. */
  after(index) {
    return this.places.find((k) => k > index) ?? this.data.steps.length - 1;
  }
}

/** The steps that lead from step `k` back to where its trouble was made. */
function chainOf(steps, k) {
  const chain = [];
  for (let at = k; at !== undefined; at = steps[at].w) chain.push(at);
  return chain;
}

/** What the panel says at the end of a step whose result is zero, huge, tiny or NaN. */
function whyHtml(data, k) {
  const { steps, pieces } = data, why = steps[k].y;
  if (!why) return "";
  const [word, made, sentence] = why;
  const item = (at) => {
    const norm = steps[at].m === undefined ? "" : ` <small>norm ${read(steps[at].m)}</small>`;
    return `<li${at === made ? ' class="made"' : ""}><button class="to" data-to="${at}">step ${at + 1}</button> <span></span>${norm}</li>`;
  };
  const chain = chainOf(steps, k), shown = chain.map(item);
  const left = chain.length - CHAIN_SHOWN[0] - CHAIN_SHOWN[1];
  if (chain.length === 1) shown.pop(); // this step itself
  if (left > 1) shown.splice(CHAIN_SHOWN[0], left, `<li class="more">… ${left} steps …</li>`);
  return `<details class="why"><summary>Why is this ${word}?</summary><p>${pieces[sentence]}</p><ol>${shown.join("")}</ol></details>`;
}

/** Fill in the titles (as text: they hold the reader's names), and show the chain in the graph while it is open. */
function mountWhy(panel, data, k, nodes, go) {
  const details = panel.querySelector(".why");
  if (!details) return;
  for (const button of details.querySelectorAll(".to")) {
    const to = Number(button.dataset.to);
    button.nextElementSibling.textContent = data.steps[to].t;
    button.addEventListener("click", () => go(to));
  }
  details.addEventListener("toggle", () => {
    for (const at of chainOf(data.steps, k)) {
      for (const node of [data.steps[at].n, data.steps[at].o]) if (nodes[node]) nodes[node].g.classList.toggle("cause", details.open);
    }
  });
}

/* The backpropagation stepper: one module for both forms. As static HTML, `mountAll(id)` finds its place in the page; as a
   live widget, anywidget calls `render`. Everything shown was made in Python; this file only puts it in place. It lives in
   a shadow root, so that neither the page's styles nor a second stepper can interfere. `View` is drawing/view.js's; the
   files beside this one come before it in the page. */

const TEMPLATE = `
<div class="stepper" role="group" aria-label="Step through the forward and the backward pass" tabindex="0">
  <div class="bar">
    <button class="first" title="first step (Home)" aria-label="first step"><svg viewBox="0 0 16 16"><path d="M2 2h2v12H2zM14 2v12L5 8z"/></svg></button>
    <button class="back" title="one step back (left arrow)" aria-label="one step back"><svg viewBox="0 0 16 16"><path d="M12 2v12L3 8z"/></svg></button>
    <button class="play" title="play or pause (space)">Play</button>
    <button class="next" title="one step on (right arrow)" aria-label="one step on"><svg viewBox="0 0 16 16"><path d="M4 2v12l9-6z"/></svg></button>
    <button class="last" title="to the next breakpoint, or to the last step (End)" aria-label="to the next breakpoint, or to the last step"><svg viewBox="0 0 16 16"><path d="M12 2h2v12h-2zM2 2v12l9-6z"/></svg></button>
    <div class="track">
      <div class="marks" aria-hidden="true"></div>
      <input class="slider" type="range" min="0" value="0" step="1" aria-label="step">
      <div class="phases" aria-hidden="true"></div>
    </div>
    <div class="where"><span class="phase"></span> <span class="count"></span></div>
    <div class="tools">${STOPS}${PREDICT}</div>
  </div>
  <div class="main">
    <div class="graph" tabindex="-1"></div>
    <div class="panel" role="region" aria-label="what happens in this step" aria-live="polite" tabindex="0"></div>
    <div class="code" tabindex="0" role="region" aria-label="code" hidden></div>
  </div>
  <div class="legend">
    <span><i class="key param"></i>parameter</span><span><i class="key data"></i>data</span>
    <span><i class="key op"></i>operation</span><span class="hint">click a node to jump to its step &middot; arrow keys, + &minus; 0 work too</span>
    ${ZOOM_BUTTONS}
  </div>
</div>`;

let asked = 0; // numbers the questions to the kernel, of all steppers
const PLAY_MS = 1300;
const MANY = 100; // of so many nodes a jump changes too many for each to fade
const NOT_A_NUMBER = /nan|inf/; // in a card's text

/** Build the stepper inside `el`. `onIndex(i)` is told of every move; `ask(step, role, part)`, where a kernel is alive,
    promises the pieces of a part of an array. Returns { go, index, stop }. */
export function mount(el, data, onIndex = () => {}, ask = null) {
  const root = el.shadowRoot || el.attachShadow({ mode: "open" });
  root.innerHTML = `<style>${data.css}</style><div class="${data.scope}">${TEMPLATE}</div>`;
  ownKeys(el);
  const $ = (selector) => root.querySelector(selector);
  const box = $(".stepper"), graph = $(".graph"), panel = $(".panel"), slider = $(".slider"), play = $(".play");
  graph.innerHTML = data.svg;

  const steps = data.steps, last = steps.length - 1;
  const svg = graph.querySelector("svg");
  const view = new View(graph, svg, root);
  const nodes = [...svg.querySelectorAll("[data-node]")].map((g) => ({
    g, value: g.querySelector(".ndl-value .ndl-number"), grad: g.querySelector(".ndl-grad .ndl-number"),
  }));
  const edges = [...svg.querySelectorAll("[data-edge]")];
  for (const node of nodes) {
    node.final = node.value ? node.value.textContent : "";
    node.absent = node.grad && node.grad.closest(".ndl-absent") ? node.grad.textContent : null;
  }
  const stops = new Stops(root, data);
  const quiz = new Quiz(root, data, () => go(index, true));
  const code = new Code(root, data, (target) => { stop(); go(target); });
  let index = 0, timer = null;
  box.classList.toggle("many", nodes.length > MANY);

  const manual = (action) => (...what) => { stop(); action(...what); };

  slider.max = last;
  drawPhases();

  function drawPhases() {
    // One coloured stretch per run of steps of the same phase.
    const runs = [];
    for (const step of steps) {
      const run = runs[runs.length - 1];
      if (run && run.p === step.p) run.n += 1;
      else runs.push({ p: step.p, n: 1 });
    }
    const strip = $(".phases");
    strip.innerHTML = "";
    for (const run of runs) {
      const part = document.createElement("span");
      part.className = run.p ? "backward" : "forward";
      part.style.flexGrow = run.n;
      if (run.n / steps.length > 0.12) part.textContent = run.p ? "backward" : "forward";
      strip.append(part);
    }
  }

  function go(target, quiet = false) {
    index = Math.max(0, Math.min(last, target));
    const step = steps[index];
    // What is known at this step is the sum of what the steps up to here brought.
    const computed = new Set(), grads = new Map();
    for (let k = 0; k <= index; k++) {
      if (steps[k].v !== undefined) computed.add(steps[k].v);
      if (steps[k].g && !(k === index && quiz.asks(k))) grads.set(steps[k].g[0], steps[k].g[1]);
    }
    nodes.forEach((node, k) => {
      const known = computed.has(k) || grads.has(k) || node.final === "";
      node.g.classList.toggle("todo", !known && !node.never);
      node.g.classList.toggle("now", k === step.n);
      if (k === step.n) node.g.setAttribute("aria-current", "step");
      else node.g.removeAttribute("aria-current");
      node.g.classList.toggle("from", k === step.o);
      node.g.classList.toggle("cause", false);
      if (node.value) write(node.value, known ? node.final : "");
      if (node.grad && node.absent === null) {
        write(node.grad, grads.get(k) ?? "");
        node.grad.parentNode.classList.toggle("blank", !grads.has(k));
      }
    });
    edges.forEach((edge, k) => {
      edge.classList.toggle("flow", step.e.includes(k));
      edge.classList.toggle("todo", !computed.has(Number(edge.dataset.to)) && !step.e.includes(k));
    });
    box.classList.toggle("is-backward", step.p === 1);
    panel.innerHTML = step.h.map((part) => (typeof part === "number" ? written(data.pieces[part]) : part)).join("")
      + quiz.verdict(index) + whyHtml(data, index);
    quiz.mount(panel, index);
    mountWhy(panel, data, index, nodes, manual(go));
    if (ask) mountSlices(panel, (role, part) => ask(index, role, part));
    slider.value = index;
    slider.setAttribute("aria-valuetext", `step ${index + 1} of ${steps.length}, ${step.t}`);
    $(".phase").textContent = step.p ? "backward" : "forward";
    $(".count").textContent = `step ${index + 1} of ${steps.length}`;
    // Not `disabled`: a browser takes the focus from a button that is, and the arrow keys would go nowhere.
    for (const name of ["first", "back"]) $(`.${name}`).setAttribute("aria-disabled", index === 0);
    for (const name of ["next", "last"]) $(`.${name}`).setAttribute("aria-disabled", index === last);
    if (index === last) stop();
    show(step);
    code.mark(index);
    if (!quiet) onIndex(index);
  }

  function write(place, text) {
    if (place.textContent !== text) place.textContent = text; // else the browser would lay all cards out again
    place.classList.toggle("ndl-bad", NOT_A_NUMBER.test(text));
  }

  /** Scroll the graph (never the page) so that what happens is in sight. */
  function show(step) {
    const rects = [step.n, step.o].filter((k) => nodes[k]).map((k) => nodes[k].g.getBoundingClientRect());
    const frame = graph.getBoundingClientRect();
    if (!rects.length || !frame.height) return;
    const top = Math.min(...rects.map((r) => r.top)), bottom = Math.max(...rects.map((r) => r.bottom));
    const left = Math.min(...rects.map((r) => r.left)), right = Math.max(...rects.map((r) => r.right));
    const by = { top: 0, left: 0 };
    if (top < frame.top + 8 || bottom > frame.bottom - 8) by.top = (top + bottom) / 2 - (frame.top + frame.bottom) / 2;
    if (left < frame.left + 8 || right > frame.right - 8) by.left = (left + right) / 2 - (frame.left + frame.right) / 2;
    if (by.top || by.left) graph.scrollBy(by);
  }

  function fit() {
    if (graph.clientWidth <= PADDING) return; // not in sight yet
    view.fit();
    show(steps[index]);
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  }

  function toggle() {
    if (timer) return stop();
    if (index === last) go(0);
    timer = setInterval(() => go(index + 1), PLAY_MS);
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
  }

  /** To the step of a node: the one in the present phase, or the other if we are there already. */
  function jump(k) {
    const mine = steps.map((step, i) => [step, i]).filter(([step]) => step.n === k);
    const places = (phase) => mine.filter(([step]) => step.p === phase).map(([, i]) => i);
    const [here, there] = steps[index].p ? [places(1), places(0)] : [places(0), places(1)];
    const target = here.length && !here.includes(index) ? here[0] : (there[0] ?? here[0]);
    if (target !== undefined) { stop(); go(target); }
  }

  $(".first").addEventListener("click", manual(() => go(0)));
  $(".back").addEventListener("click", manual(() => go(index - 1)));
  $(".next").addEventListener("click", manual(() => go(index + 1)));
  $(".last").addEventListener("click", manual(() => go(stops.after(index))));
  play.addEventListener("click", toggle);
  slider.addEventListener("input", manual(() => go(Number(slider.value))));
  nodes.forEach((node, k) => {
    node.never = !steps.some((step) => step.n === k);
    if (node.never) return;
    node.g.setAttribute("role", "button");
    node.g.setAttribute("tabindex", "0");
    node.g.addEventListener("click", () => jump(k));
  });
  box.addEventListener("keydown", (event) => {
    const on = event.target, key = event.key;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (on === slider && key !== " ") return; // the slider moves by itself
    if (on.matches("input[type=text], summary, .to")) return void event.stopPropagation(); // they have their own meaning
    const node = nodes.findIndex((n) => n.g === on);
    if (key === "ArrowRight") { stop(); go(index + 1); }
    else if (key === "ArrowLeft") { stop(); go(index - 1); }
    else if (key === "Home") { stop(); go(0); }
    else if (key === "End") { stop(); go(last); }
    else if (node >= 0 && (key === "Enter" || key === " ")) jump(node);
    else if (key === " " && on.tagName !== "BUTTON") toggle();
    else if (!view.key(key)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  new ResizeObserver(fit).observe(graph);
  go(data.index || 0, true);
  fit();
  return { go, stop, get index() { return index; } };
}

/** Static HTML form: fill every place with this id that is still empty (a page may show one output twice). */
export function mountAll(id) {
  for (const host of document.querySelectorAll(`[id="${id}"]`)) {
    if (host.shadowRoot) continue;
    const data = JSON.parse(host.querySelector("script.ndl-data").textContent);
    data.svg = host.querySelector("svg").outerHTML;
    data.css = host.querySelector("style").textContent;
    host.firstElementChild.remove(); // the still picture for pages without scripts
    mount(host, data);
  }
}

/** The static form of a stepper that is alive: a second output of its cell, for pages without a kernel. */
function hideStatic(scope) {
  const name = `[id="needle-stepper-${scope.slice(4)}"]`;
  const hide = () => document.querySelectorAll(name).forEach((place) => { place.hidden = true; });
  hide();
  const watch = new MutationObserver(hide); // it may come later than the widget
  watch.observe(document.body, { childList: true, subtree: true });
  setTimeout(() => watch.disconnect(), 10_000);
}

/** Live form: the same stepper; its position is the traitlet `index`. */
function render({ model, el }) {
  const host = document.createElement("div");
  el.append(host);
  const data = { ...model.get("data"), index: model.get("index") };
  hideStatic(data.scope);
  const waiting = new Map(); // questions that the kernel has not answered
  const ask = (step, role, part) => new Promise((resolve) => {
    waiting.set(asked, resolve);
    model.send({ ask: asked, step, role, part });
    asked += 1;
  });
  const hear = (message) => {
    waiting.get(message.ask)?.(message.parts);
    waiting.delete(message.ask);
  };
  model.on("msg:custom", hear);
  const stepper = mount(host, data, (index) => { model.set("index", index); model.save_changes(); }, ask);
  const follow = () => { if (model.get("index") !== stepper.index) stepper.go(model.get("index"), true); };
  model.on("change:index", follow);
  return () => { stepper.stop(); model.off("change:index", follow); model.off("msg:custom", hear); };
}

export default { render };

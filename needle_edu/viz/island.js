/* What all views of this kind share: find the still form in the page and bring it to life in a shadow root. A view
   defines `enliven(root, data, tell)`, which may return { update(data), stop() }; `tell(message)` reaches Python. */

/** Static form: every place with this id that is still as it was (a page may show one output twice). */
export function mountAll(id) {
  for (const host of document.querySelectorAll(`[id="${id}"]`)) {
    if (host.shadowRoot) continue;
    const data = JSON.parse(host.querySelector("script.ndl-data").textContent);
    const root = host.attachShadow({ mode: "open" });
    root.append(host.firstElementChild);
    ownKeys(host);
    enliven(root, data, null);
  }
}

/** Live form: anywidget calls it; Python sends a new frame by the traitlet of that name. */
function render({ model, el }) {
  const host = document.createElement("div");
  ownKeys(host);
  el.append(host);
  const root = host.attachShadow({ mode: "open" });
  const tell = (message) => model.send(message);
  let alive = null;
  const show = () => {
    const frame = model.get("frame");
    if (alive?.update) return alive.update(frame);
    alive?.stop?.();
    root.innerHTML = `<div class="${frame.scope}"><style>${frame.css}</style>${frame.still}</div>`;
    alive = enliven(root, frame.data, tell);
  };
  show();
  hideStatic(model.get("name"));
  model.on("change:frame", show);
  return () => { alive?.stop?.(); model.off("change:frame", show); };
}

/** A number with at most four significant digits, as Python's cards write it. */
export function number(x) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (x === Math.trunc(x) && Math.abs(x) < 1e6) return String(x + 0);
  const [digits, power] = x.toExponential(3).split("e");
  if (power >= -4 && power < 4) return String(Number(x.toPrecision(4)));
  const short = digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
  return `${short}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

export default { render };

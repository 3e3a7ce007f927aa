/* The code beside a drawing: a line marks the nodes that it made, and a node the line that made it. What the mouse or
   the focus is on is marked for as long; a click, or Enter, keeps it marked until another one, or Escape. */

function linkCode(root) {
  const lines = [...root.querySelectorAll("button.ndl-made")];
  const numbers = (text) => (text ? text.split(" ") : []);
  const lineOf = new Map(), parts = new Map();
  let kept = null;
  for (const line of lines) {
    const find = (name, list) => list.map((number) => root.querySelector(`[data-${name}="${number}"]`)).filter(Boolean);
    const nodes = find("node", numbers(line.dataset.nodes)), boxes = find("box", numbers(line.dataset.boxes));
    parts.set(line, [...nodes, ...boxes]);
    for (const part of nodes) {
      lineOf.set(part, line);
      part.classList.add("ndl-pick");
      part.setAttribute("role", "button");
      part.setAttribute("tabindex", "0");
    }
    for (const part of boxes) lineOf.set(part, line);
    listen(line, () => line);
  }
  for (const [part, line] of lineOf) listen(part, () => line);

  function listen(element, line) {
    element.addEventListener("pointerenter", () => mark(line(), element));
    element.addEventListener("pointerleave", () => mark(kept));
    element.addEventListener("focus", () => mark(line(), element));
    element.addEventListener("blur", () => mark(kept));
    element.addEventListener("click", () => keep(kept === line() ? null : line(), element));
    if (element.tagName !== "BUTTON") element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      keep(kept === line() ? null : line(), element);
    });
  }
  root.addEventListener("keydown", (event) => { if (event.key === "Escape" && kept) keep(null); });

  function keep(line, from) {
    kept = line;
    for (const one of lines) one.setAttribute("aria-pressed", String(one === line));
    mark(line, from);
  }

  /** Mark a line and its nodes, or nothing; from a node, the line is brought into sight, and the other way round. */
  function mark(line, from) {
    for (const one of root.querySelectorAll(".ndl-marked")) one.classList.remove("ndl-marked");
    if (!line) return;
    line.classList.add("ndl-marked");
    const shown = parts.get(line).map(visible);
    for (const part of shown) part.classList.add("ndl-marked");
    if (from && from !== line) inSight(line, line.closest(".ndl-lines"));
    else if (from && kept === line && shown.length) inSight(shown[0], root.querySelector(".ndl-window"));
  }

  /** The part itself, or the outermost closed box around it. */
  function visible(part) {
    let found = part;
    for (let box = part.parentElement.closest("[data-box]"); box; box = box.parentElement.closest("[data-box]"))
      if (!box.classList.contains("ndl-open")) found = box;
    return found;
  }

  /** Scroll inside its window only: the page stays where it is. */
  function inSight(element, frame) {
    const inner = element.getBoundingClientRect(), outer = frame.getBoundingClientRect();
    if (inner.top < outer.top || inner.bottom > outer.bottom)
      frame.scrollTop += inner.top - outer.top - (outer.height - inner.height) / 2;
    if (element.tagName !== "BUTTON" && (inner.left < outer.left || inner.right > outer.right))
      frame.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
  }
}

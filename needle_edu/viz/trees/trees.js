/* The tree of a model: with a kernel it is changed here, by buttons, by keys (Delete, Alt with ↑ and ↓), and by dragging a
   layer onto another one's place. Python makes every change; the page only asks for it. Without one it folds. */

function enliven(root, first, tell) {
  let data = first, chosen = tell ? first.selected : null, kind = Object.keys(first.offered)[0];
  const $ = (selector) => root.querySelector(selector);
  const layers = () => [...root.querySelectorAll(".layer")];
  const row = (path) => data.rows.find((one) => one[0] === path);
  const layer = (path) => layers().find((one) => one.dataset.path === path);
  for (const one of layers()) if (!one.matches("summary")) one.setAttribute("title", row(one.dataset.path)[1]);
  if (tell) edit();

  function edit() {
    tools();
    for (const one of layers()) mount(one);
    choose(chosen ?? "", false);
  }

  /** A layer is chosen by the mouse or the focus, moved by keys, and dragged. */
  function mount(one) {
    const { path } = one.dataset, [, words, , editable] = row(path);
    if (!one.matches("summary")) {
      one.tabIndex = 0;
      one.setAttribute("role", "button");
      one.setAttribute("aria-label", words);
    }
    one.addEventListener("focus", () => choose(path));
    one.addEventListener("click", () => choose(path));
    one.addEventListener("keydown", (event) => {
      if (event.key === "Delete" && editable) tell({ do: "remove", path });
      else if (event.altKey && ["ArrowUp", "ArrowDown"].includes(event.key)) shift(event.key === "ArrowUp" ? -1 : 1);
      else if (["ArrowUp", "ArrowDown"].includes(event.key)) {
        const all = layers().filter((other) => other.checkVisibility());
        all[all.indexOf(one) + (event.key === "ArrowUp" ? -1 : 1)]?.focus();
      } else return;
      event.preventDefault();
      event.stopPropagation();
    });
    if (!editable) return;
    one.draggable = true;
    one.addEventListener("dragstart", (event) => { event.dataTransfer.setData("text/plain", path); event.stopPropagation(); });
    one.addEventListener("dragover", (event) => { event.preventDefault(); one.classList.add("over"); });
    one.addEventListener("dragleave", () => one.classList.remove("over"));
    one.addEventListener("drop", (event) => {
      event.preventDefault();
      one.classList.remove("over");
      const from = event.dataTransfer.getData("text/plain");
      if (from !== path && row(from)) tell({ do: "move", path: from, to: path });
    });
  }

  /** The chosen layer changes places with the one before or after it. */
  function shift(by) {
    const at = chosen.lastIndexOf("."), to = `${chosen.slice(0, at)}.${Number(chosen.slice(at + 1)) + by}`;
    if (row(chosen)?.[3] && row(to)?.[3]) tell({ do: "move", path: chosen, to });
  }

  function tools() {
    const options = Object.keys(data.offered).map((name) => `<option${name === kind ? " selected" : ""}>${name}</option>`);
    $(".tools").innerHTML = `<select aria-label="layer">${options.join("")}</select>
      <input type="text" class="mono" aria-label="its arguments" spellcheck="false">
      <button class="add">Add</button><button class="replace">Replace</button><button class="remove">Remove</button>
      <button class="up" aria-label="move up">↑</button><button class="down" aria-label="move down">↓</button>`;
    $(".tools select").addEventListener("change", (event) => { kind = event.target.value; suggest(); });
    $(".tools input").addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") ask("add");
    });
    $(".add").addEventListener("click", () => ask("add"));
    $(".replace").addEventListener("click", () => row(chosen)?.[3] && ask("replace"));
    $(".remove").addEventListener("click", () => row(chosen)?.[3] && tell({ do: "remove", path: chosen }));
    $(".up").addEventListener("click", () => shift(-1));
    $(".down").addEventListener("click", () => shift(1));
  }

  function ask(what) {
    tell({ do: what, path: chosen, layer: `${kind}(${$(".tools input").value})` });
  }

  /** Arguments that fit behind the chosen layer, as far as its shape tells. */
  function suggest() {
    const shape = (row(chosen)?.[2] ?? "").match(/\d+/g) ?? [];
    const numbers = { last: shape.at(-1) ?? 10, channels: shape[1] ?? 1 };
    $(".tools input").value = data.offered[kind].replace(/\{(\w+)\}/g, (_, name) => numbers[name]);
  }

  function choose(path, fresh = true) {
    if (fresh && path === chosen) return;
    chosen = path;
    for (const one of layers()) {
      const here = one.dataset.path === path;
      one.matches("summary") ? one.classList.toggle("selected", here) : one.setAttribute("aria-pressed", String(here));
    }
    const free = Boolean(row(path)?.[3]);
    for (const name of ["replace", "remove", "up", "down"]) $(`.${name}`).setAttribute("aria-disabled", String(!free));
    suggest();
  }

  /** What Python made of the wish: the new tree, or what is wrong with it. */
  function update(frame) {
    if (frame.error) { $(".wrong").textContent = frame.error; return; }
    const inside = root.activeElement?.className, folds = new Map();
    for (const box of root.querySelectorAll("details")) folds.set(box.firstElementChild.dataset.path, box.open);
    root.innerHTML = `<div class="${frame.scope}"><style>${frame.css}</style>${frame.still}</div>`;
    data = frame.data;
    chosen = data.selected;
    for (const box of root.querySelectorAll("details")) box.open = folds.get(box.firstElementChild.dataset.path) ?? true;
    for (const wanted of [layer(chosen), $(".misfit")])
      for (let box = wanted?.parentElement; box; box = box.parentElement) if (box.matches("details")) box.open = true;
    edit();
    const again = inside && !inside.includes("layer") && $(`.tools .${inside}`);
    (again || layer(chosen))?.focus();
  }
  return { update };
}

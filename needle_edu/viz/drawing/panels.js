/* Opening and closing the boxes of a drawing. Python has laid every panel out; when a box changes its size, its
   neighbours in the row make way, the rows below move, the curves follow, and so on outwards. Needs no layout engine. */

/** The boxes of one picture: `data` as `panel_data` made it. `onResize` is told when the picture has another size. */
class Boxes {
  constructor(svg, data, onResize) {
    this.svg = svg;
    this.data = data;
    this.onResize = onResize;
    this.panels = data.panels.map((panel, number) => ({
      ...panel,
      element: svg.querySelector(`[data-panel="${number}"]`),
      now: panel.sizes.map((size) => size.slice()), // sizes of the parts as they are shown
      size: panel.size,
    }));
    this.boxes = new Map(); // by number: where a box stands, and whether it is open
    this.panels.forEach((panel, home) => panel.boxes.forEach(([unit, number, inner, open]) =>
      this.boxes.set(number, { home, unit, inner, open: Boolean(open), element: svg.querySelector(`[data-box="${number}"]`) })));
    for (const [number, box] of this.boxes) this.mount(number, box);
  }

  mount(number, box) {
    const header = box.element.querySelector(":scope > .ndl-header");
    for (const [name, value] of Object.entries({ role: "button", tabindex: "0", "aria-expanded": String(box.open) }))
      header.setAttribute(name, value);
    header.setAttribute("aria-label", box.element.getAttribute("aria-label"));
    box.header = header;
    box.element.classList.add("ndl-folds");
    box.element.addEventListener("click", (event) => {
      if (event.target.closest("[data-box]") !== box.element) return; // one further inside was meant
      if (box.open && !event.target.closest(".ndl-header")) return; // what is written inside is for reading
      this.toggle(number);
    });
    header.addEventListener("keydown", (event) => {
      const way = { Enter: !box.open, " ": !box.open, ArrowRight: true, ArrowLeft: false }[event.key];
      if (way === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      if (way !== box.open) this.toggle(number);
    });
  }

  toggle(number) {
    const box = this.boxes.get(number);
    box.open = !box.open;
    box.header.setAttribute("aria-expanded", String(box.open));
    box.element.classList.toggle("ndl-open", box.open);
    const mark = box.header.querySelector(".ndl-mark");
    mark.textContent = box.open ? "▾" : "▸";
    box.element.querySelector(":scope > .ndl-inside").setAttribute("display", box.open ? "inline" : "none");
    box.element.querySelector(":scope > .ndl-rows")?.setAttribute("display", box.open ? "none" : "inline");
    this.resized(number);
  }

  /** A box has another size: so have all around it. */
  resized(number) {
    const { svg, data } = this;
    for (let box = this.boxes.get(number); box; ) {
      const panel = this.panels[box.home];
      panel.now[box.unit] = this.sizeOf(box);
      this.arrange(panel);
      box = [...this.boxes.values()].find((outer) => this.panels[outer.inner] === panel);
    }
    const width = Math.max(this.panels[0].size[0], data.least) + 2 * data.margin;
    const height = this.panels[0].size[1] + 2 * data.margin + data.above;
    svg.setAttribute("viewBox", `${-data.margin} ${-data.margin - data.above} ${width} ${height}`);
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    this.onResize(width, height);
  }

  sizeOf(box) {
    const closed = this.panels[box.home].closed[box.unit];
    if (!box.open) return closed;
    const [width, height] = this.panels[box.inner].size;
    return [Math.max(width + 2 * this.data.side, closed[0]), height + this.data.header + this.data.side];
  }

  /** Places of all parts of a panel from their sizes now. */
  arrange(panel) {
    const { turned, dummy, gap } = this.data;
    const extent = (size) => (turned ? [size[1], size[0]] : size);
    const across = {}, along = {}, layer = {}, tops = [], bottoms = [];
    let edge = 0;
    panel.rows.forEach((row, number) => {
      const height = Math.max(0, ...row.filter((k) => k >= 0).map((k) => extent(panel.now[k])[1]));
      tops.push(edge);
      bottoms.push(edge + height);
      const grown = row.map((k) => (k < 0 ? 0 : extent(panel.now[k])[0] - extent(panel.sizes[k])[0]));
      const most = grown.reduce((best, by, i) => (Math.abs(by) > Math.abs(grown[best]) ? i : best), 0);
      let shift = 0; // neighbours of the part that grew most keep their distance from its border
      for (let i = most; i < row.length; i++) {
        if (i > most) shift += (grown[i - 1] + grown[i]) / 2;
        across[row[i]] = panel.across[row[i]] + shift;
      }
      shift = 0;
      for (let i = most - 1; i >= 0; i--) {
        shift -= (grown[i + 1] + grown[i]) / 2;
        across[row[i]] = panel.across[row[i]] + shift;
      }
      for (const k of row) [layer[k], along[k]] = [number, edge + height / 2];
      edge += height + gap;
    });
    const widthOf = (k) => (k < 0 ? dummy : extent(panel.now[k])[0]);
    const all = panel.rows.flat();
    const left = Math.min(...all.map((k) => across[k] - widthOf(k) / 2));
    for (const k of all) across[k] -= left;
    const wide = Math.max(...all.map((k) => across[k] + widthOf(k) / 2));
    panel.size = turned ? [bottoms.at(-1), wide] : [wide, bottoms.at(-1)];
    const point = (x, y) => (turned ? [y, x] : [x, y]);

    const [curves, parts] = panel.element.children;
    panel.now.forEach((size, k) => {
      const [x, y] = point(across[k], along[k]);
      parts.children[k].setAttribute("transform", `translate(${x - size[0] / 2} ${y - size[1] / 2})`);
    });
    for (const [unit, number] of panel.boxes) this.frame(this.boxes.get(number), panel.now[unit]);
    panel.routes.forEach((route, index) => {
      const [source, from] = route[0], [target, to] = route.at(-1);
      const start = across[source] + from, end = across[target] + to;
      const points = [[start, along[source] + extent(panel.now[source])[1] / 2], [start, bottoms[layer[source]]]];
      for (const [k] of route.slice(1, -1)) points.push([across[k], tops[layer[k]]], [across[k], bottoms[layer[k]]]);
      points.push([end, tops[layer[target]]], [end, along[target] - extent(panel.now[target])[1] / 2]);
      drawCurve(curves.children[index], smooth(points).map(([x, y]) => point(x, y)));
    });
  }

  /** The frame of a box, what stands at its right, and where its inside begins. */
  frame(box, [width, height]) {
    for (const rect of box.element.querySelectorAll(":scope > rect")) {
      rect.setAttribute("width", width);
      rect.setAttribute("height", height);
    }
    box.header.querySelector(".ndl-hit").setAttribute("width", width);
    box.header.querySelector(".ndl-badge")?.setAttribute("x", width - 10);
    const inset = (width - this.panels[box.inner].size[0]) / 2;
    box.element.querySelector(":scope > .ndl-inside").setAttribute("transform", `translate(${inset} ${this.data.header})`);
  }
}

/** Control points of cubic Bézier pieces through `points`, leaving and arriving along the layers' direction. */
function smooth(points) {
  const path = [points[0]];
  for (let i = 1; i < points.length; i++) {
    const [x0, y0] = points[i - 1], [x1, y1] = points[i];
    if (y1 > y0) path.push([x0, (y0 + y1) / 2], [x1, (y0 + y1) / 2], [x1, y1]);
  }
  return path;
}

/** One curve with its arrow head and its letter along new control points. */
function drawCurve(group, path) {
  const [wire, stub, tip, back] = group.children, ARROW = 7;
  const head = arrow(path, ARROW), tail = arrow(path.slice().reverse(), ARROW);
  const points = [tail.base, ...path.slice(1, -1), head.base];
  const text = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  wire.setAttribute("d", `M${text(points[0])}C${points.slice(1).map(text).join(" ")}`);
  stub.setAttribute("d", `M${text(path[0])}L${text(tail.base)}`);
  tip.setAttribute("points", head.corners.map(text).join(" "));
  back.setAttribute("points", tail.corners.map(text).join(" "));
  const letter = group.querySelector(".ndl-operand");
  if (letter && group.end) { // it moves as the curve's end does
    letter.setAttribute("x", Number(letter.getAttribute("x")) + path.at(-1)[0] - group.end[0]);
    letter.setAttribute("y", Number(letter.getAttribute("y")) + path.at(-1)[1] - group.end[1]);
  }
  group.end = path.at(-1);
}

/** The head of an arrow at the end of a path: its corners, and where it begins. */
function arrow(path, length) {
  const [x2, y2] = path.at(-1);
  const [x1, y1] = path.slice(0, -1).reverse().find(([x, y]) => Math.hypot(x - x2, y - y2) > 0.5) ?? path[0];
  const far = Math.hypot(x2 - x1, y2 - y1) || 1, ux = (x2 - x1) / far, uy = (y2 - y1) / far;
  const x = x2 - length * ux, y = y2 - length * uy, side = 0.45 * length;
  return { corners: [[x2, y2], [x - side * uy, y + side * ux], [x + side * uy, y - side * ux]], base: [x, y] };
}

/* The overview of a drawing that is larger than its window: a small map of all boxes, with a frame around what the window
   shows. The frame moves with the window, and the window with the frame: by mouse, or by the arrow keys. */

const MAP_SIZE = [150, 120]; // pixels, at most
const MAP_MARGIN = 16; // pixels, as in the style sheet
const NARROW = 480; // pixels: in a narrower window a map would cover too much
const KEY_STEP = 0.25; // of the window

class Overview {
  /** `root` holds the drawing, `frame` is the window that scrolls over `svg`. */
  constructor(root, frame, svg) {
    Object.assign(this, { frame, svg });
    root.insertAdjacentHTML("beforeend", `<div class="ndl-map" tabindex="0" role="application" hidden
      aria-label="overview of the graph: the arrow keys move the window over it"><svg aria-hidden="true">
      <path class="ndl-map-open"/><path class="ndl-map-card"/><rect class="ndl-map-window" rx="2"/></svg></div>`);
    this.map = root.querySelector(".ndl-map");
    frame.addEventListener("scroll", () => requestAnimationFrame(() => this.place()), { passive: true });
    const watch = new ResizeObserver(() => this.draw());
    watch.observe(frame);
    watch.observe(svg); // boxes that open, and another zoom
    this.mount();
  }

  mount() {
    const { map, frame } = this;
    const follow = (event) => {
      if (!(event.buttons & 1)) return;
      event.preventDefault();
      const at = map.querySelector("svg").getBoundingClientRect(), all = this.svg.getBoundingClientRect();
      frame.scrollTo((event.clientX - at.left) / at.width * all.width - frame.clientWidth / 2,
        (event.clientY - at.top) / at.height * all.height - frame.clientHeight / 2);
    };
    map.addEventListener("pointerdown", (event) => { map.setPointerCapture(event.pointerId); follow(event); });
    map.addEventListener("pointermove", follow);
    map.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      const end = { Home: 0, End: 1 }[event.key];
      if (way) frame.scrollBy(way[0] * KEY_STEP * frame.clientWidth, way[1] * KEY_STEP * frame.clientHeight);
      else if (end !== undefined) frame.scrollTo(end * frame.scrollWidth, end * frame.scrollHeight);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** The map, of the boxes as they lie now; none where all of the drawing is seen. */
  draw() {
    const { frame, svg, map } = this;
    const all = svg.getBoundingClientRect();
    map.hidden = all.width === 0 || frame.clientWidth < NARROW
      || (frame.scrollWidth <= frame.clientWidth + 1 && frame.scrollHeight <= frame.clientHeight + 1);
    if (map.hidden) return;
    const scale = Math.min(MAP_SIZE[0] / all.width, MAP_SIZE[1] / all.height);
    const picture = map.querySelector("svg");
    picture.setAttribute("width", all.width * scale);
    picture.setAttribute("height", all.height * scale);
    const shapes = { open: [], card: [] }, cards = [];
    for (const box of svg.querySelectorAll(".ndl-box:not(.ndl-behind)")) {
      const place = box.getBoundingClientRect(), { left, top, width, height } = place;
      if (!width) continue; // inside a closed box
      const [x, y, w, h] = [left - all.left, top - all.top, width, height].map((length) => (length * scale).toFixed(1));
      const open = box.parentElement.classList.contains("ndl-open");
      shapes[open ? "open" : "card"].push(`M${x} ${y}h${w}v${h}h-${w}z`);
      if (!open) cards.push(place);
    }
    for (const [name, paths] of Object.entries(shapes)) map.querySelector(`.ndl-map-${name}`).setAttribute("d", paths.join(""));
    this.scale = scale;
    this.choose(cards);
    this.place();
  }

  /** The corner of the window where the map covers the fewest cards. */
  choose(cards) {
    const { map, frame } = this, r = frame.getBoundingClientRect();
    const width = map.offsetWidth + 2 * MAP_MARGIN, height = map.offsetHeight + 2 * MAP_MARGIN;
    const covered = ([across, down]) => {
      const left = across === "end" ? r.right - width : r.left, top = down === "end" ? r.bottom - height : r.top;
      return cards.filter((card) => card.left < left + width && card.right > left
        && card.top < top + height && card.bottom > top).length;
    };
    const corners = [["end", "end"], ["end", "start"], ["start", "end"], ["start", "start"]];
    const best = corners.reduce((best, corner) => (covered(corner) < covered(best) ? corner : best));
    [map.style.justifySelf, map.style.alignSelf] = best;
  }

  /** The frame around what the window shows. */
  place() {
    const { frame, svg, map, scale } = this;
    if (map.hidden) return;
    const all = svg.getBoundingClientRect(), seen = frame.getBoundingClientRect();
    const left = Math.max(0, seen.left - all.left), top = Math.max(0, seen.top - all.top);
    const size = { x: left, y: top, width: Math.min(all.width - left, frame.clientWidth),
      height: Math.min(all.height - top, frame.clientHeight) };
    for (const [name, length] of Object.entries(size)) map.querySelector("rect").setAttribute(name, Math.max(0, length * scale));
  }
}

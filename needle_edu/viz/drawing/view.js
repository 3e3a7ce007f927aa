/* A graph in a window: as much of it as can be read, or all of it, or larger and smaller as the reader likes. Used by
   drawings and by the stepper; the text of this file stands before theirs. */

const READABLE_SCALE = 0.8; // below that the numbers can't be read: scroll instead
const ZOOM = 1.25, SCALES = [0.05, 3];
const LINE = 33; // pixels that a wheel means which counts lines
const PADDING = 14; // pixels beside and below the graph in its window
const ZOOM_BUTTONS = `
<div class="zoom" role="group" aria-label="size of the graph">
  <button class="out" title="smaller (-)" aria-label="smaller">−</button>
  <button class="whole" title="the whole graph (0)">fit</button>
  <button class="in" title="larger (+)" aria-label="larger">+</button>
</div>`;

/** The window `frame` that scrolls over `svg`; the buttons are found in `root`. */
class View {
  constructor(frame, svg, root) {
    this.frame = frame;
    this.svg = svg;
    this.size = [svg.viewBox.baseVal.width, svg.viewBox.baseVal.height];
    this.zoomed = null; // the scale the reader chose; null: as much as can be read
    root.querySelector(".out").addEventListener("click", () => this.zoom(1 / ZOOM));
    root.querySelector(".in").addEventListener("click", () => this.zoom(ZOOM));
    root.querySelector(".whole").addEventListener("click", () => this.zoom(0));
    frame.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return; // without Ctrl the wheel scrolls
      event.preventDefault();
      const turned = event.deltaY * (event.deltaMode ? LINE : 1); // a notch of a wheel is about 100, two fingers send 1 to 10
      const place = frame.getBoundingClientRect();
      this.zoom(Math.max(1 / ZOOM, Math.min(ZOOM, Math.exp(-turned / 100))),
        [event.clientX - place.left, event.clientY - place.top]);
    }, { passive: false });
  }

  /** The scales at which the graph's width, and all of it, fill the window; none is above 1. */
  filling() {
    const wide = Math.min(1, (this.frame.clientWidth - PADDING) / this.size[0]);
    return [wide, Math.min(wide, (this.frame.clientHeight - PADDING) / this.size[1])];
  }

  /** The whole graph if it can be read then, else all of its width, else we scroll. */
  fit() {
    const [wide, whole] = this.filling();
    this.scaleTo(this.zoomed ?? (whole >= READABLE_SCALE ? whole : Math.max(READABLE_SCALE, wide)));
  }

  scaleTo(scale) {
    const [width, height] = this.size.map((length) => `${length * scale}px`);
    Object.assign(this.svg.style, { width, height, minWidth: "0", maxWidth: "none" });
  }

  /** Larger or smaller by a factor around a point of the window, its middle if none is given, or (0) so that the whole
      graph is seen. */
  zoom(factor, point) {
    const { frame, svg } = this, [x, y] = point ?? [frame.clientWidth / 2, frame.clientHeight / 2];
    const before = svg.getBoundingClientRect().width / this.size[0];
    this.zoomed = factor ? Math.max(SCALES[0], Math.min(SCALES[1], before * factor)) : this.filling()[1];
    const by = this.zoomed / before;
    const [left, top] = [frame.scrollLeft + x, frame.scrollTop + y];
    this.scaleTo(this.zoomed);
    frame.scrollTo(left * by - x, top * by - y);
  }

  /** Whether a key was meant for the size of the graph; then it is obeyed. */
  key(key) {
    const factor = { "+": ZOOM, "=": ZOOM, "-": 1 / ZOOM, "0": 0 }[key];
    if (factor !== undefined) this.zoom(factor);
    return factor !== undefined;
  }
}

/* A drawing in a page: boxes open and close; one too large for its place gets buttons and keys for its size, and is
   moved by dragging. Small ones without boxes need no script. */

const WHOLE = [700, 800]; // pixels: so much is seen whole
const REST = 250; // milliseconds

/** Give every drawing with this id its buttons and boxes (a page may show one output twice). */
function mountDrawings(id) {
  for (const root of document.querySelectorAll(`[id="${id}"]`)) mountDrawing(root);
}

/** Give a drawing its buttons and boxes, once. */
function mountDrawing(root) {
  if (root.dataset.mounted) return;
  root.dataset.mounted = "true";
  const frame = root.querySelector(".ndl-window"), foot = root.querySelector(".ndl-foot");
  const svg = frame.querySelector("svg"), data = root.querySelector(".ndl-data");
  let view = null;
  const zoomable = () => {
    if (view) return;
    foot.insertAdjacentHTML("beforeend", `<span class="ndl-hint">drag, or arrow keys: move</span>${ZOOM_BUTTONS}`);
    frame.tabIndex = 0;
    frame.classList.add("ndl-moved");
    view = new SmoothView(frame, svg, root);
    frame.setAttribute("role", "region");
    frame.setAttribute("aria-label", svg.getAttribute("aria-label"));
    drag(frame);
    new Overview(root, frame, svg);
  };
  ownKeys(root);
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !view?.key(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  if (root.querySelector(".ndl-code")) linkCode(root);
  const tooLarge = (width, height) => width > WHOLE[0] || height > WHOLE[1];
  if (tooLarge(...[svg.viewBox.baseVal.width, svg.viewBox.baseVal.height].map((length) => length - 24))) zoomable();
  if (data) new Boxes(svg, JSON.parse(data.textContent), (width, height) => {
    root.style.setProperty("--ndl-width", `${width}px`);
    if (tooLarge(width, height)) zoomable();
    if (!view) return;
    view.size = [width, height];
    if (view.zoomed) view.settle(view.zoomed);
  });
}

/** A view that stretches the picture while its size changes, and draws it anew when that has come to rest: the letters
    of a thousand cards take longer than a frame. */
class SmoothView extends View {
  scaleTo(scale) {
    const { style } = this.svg;
    this.drawn ??= this.svg.getBoundingClientRect().width / this.size[0];
    Object.assign(style, { transformOrigin: "0 0", willChange: "transform", transform: `scale(${scale / this.drawn})` });
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.settle(scale), REST);
  }

  settle(scale) {
    clearTimeout(this.resting);
    Object.assign(this.svg.style, { willChange: "", transform: "" });
    super.scaleTo(scale);
    this.drawn = scale;
  }
}

/** Move the picture under its window with the mouse; a finger scrolls it anyway. */
function drag(frame) {
  let from = null;
  frame.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0 && event.target.closest("svg") && !event.target.closest("text"))
      from = [event.clientX + frame.scrollLeft, event.clientY + frame.scrollTop];
  });
  frame.addEventListener("pointermove", (event) => {
    if (from && event.buttons & 1) frame.scrollTo(from[0] - event.clientX, from[1] - event.clientY);
    else from = null;
  });
}

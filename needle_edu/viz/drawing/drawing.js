/* A drawing too large for its place in a page gets buttons and keys for its size. Small ones need no script. */

/** Give every drawing with this id its buttons, once (a page may show one output twice). */
function mountDrawings(id) {
  for (const frame of document.querySelectorAll(`[id="${id}"]`)) {
    if (frame.querySelector(".zoom")) continue;
    frame.insertAdjacentHTML("beforeend", ZOOM_BUTTONS);
    frame.dataset.lmSuppressShortcuts = "true"; // JupyterLab must not take our keys for its own
    frame.tabIndex = 0;
    const view = new View(frame, frame.querySelector("svg"), frame);
    frame.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !view.key(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
    });
  }
}

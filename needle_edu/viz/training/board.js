/* The board of a training: the panels come from Python, frame by frame; here are only the button and the places. */

/** Give a board that is alive its button; see island.js. */
function enliven(root, data, tell) {
  if (!tell) return {};
  const button = document.createElement("button");
  root.querySelector(".bar").append(button);
  let state = data.state;
  button.addEventListener("click", () => {
    if (state === "running") tell({ do: "stop" });
    else if (state === "paused") tell({ do: "resume" });
  });

  function show() {
    button.textContent = state === "paused" ? "Resume" : state === "running" ? "Stop" : "Ended";
    button.setAttribute("aria-disabled", !["running", "paused"].includes(state));
  }

  /** The next frame: its parts replace those that are there; the button stays, with the focus if it has it. */
  function update(frame) {
    const next = document.createElement("template");
    next.innerHTML = frame.still;
    const at = [...root.querySelectorAll(".panel.table")].map((panel) => panel.scrollLeft);
    for (const part of [".panels", ".state", ".where"]) {
      root.querySelector(part).replaceWith(next.content.querySelector(part));
    }
    root.querySelectorAll(".panel.table").forEach((panel, k) => { panel.scrollLeft = at[k] ?? 0; });
    state = frame.data.state;
    show();
  }

  show();
  return { update };
}

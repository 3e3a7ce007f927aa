/* A drawing with a kernel behind it: a click on a node, or Enter, calls the reader's Python function with that node. What
   the function says, or what went wrong, is shown below the picture, as text. */

const PATIENCE = 2000; // milliseconds until the page says that it waits
const SILENT = "The kernel does not answer: it is busy with a cell, or it was restarted; then run this cell again.";
const STILL = 4; // pixels: who moved farther dragged the picture

let calls = 0; // numbers the questions to the kernel, of all drawings

function render({ model, el }) {
  el.innerHTML = model.get("page");
  const root = el.querySelector(".ndl-window").parentElement, said = root.querySelector(".ndl-said");
  root.removeAttribute("id"); // it is that of the form without a kernel
  root.querySelector(".ndl-window").classList.add("ndl-low");
  mountDrawing(root);
  hideStatic(model.get("name"));
  let asked = null, waiting = null;

  for (const node of root.querySelectorAll("[data-node]")) {
    let from = [0, 0];
    node.classList.add("ndl-pick");
    node.setAttribute("role", "button");
    node.setAttribute("tabindex", "0");
    node.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY]; });
    node.addEventListener("click", (event) => {
      const moved = event.detail && Math.hypot(event.clientX - from[0], event.clientY - from[1]) > STILL;
      if (!moved) ask(node);
    });
    node.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      event.stopPropagation();
      ask(node);
    });
  }

  function ask(node) {
    root.querySelector(".ndl-asked")?.classList.remove("ndl-asked");
    node.classList.add("ndl-asked");
    asked = calls;
    calls += 1;
    clearTimeout(waiting);
    waiting = setTimeout(() => say(SILENT, true), PATIENCE);
    try {
      model.send({ ask: asked, node: Number(node.dataset.node) });
    } catch {
      say(SILENT, true);
    }
  }

  function say(text, wrong) {
    said.textContent = text;
    said.classList.toggle("ndl-wrong", wrong);
  }

  const hear = (answer) => {
    if (answer.ask !== asked) return; // another node was clicked meanwhile
    clearTimeout(waiting);
    say(answer.text, answer.wrong);
  };
  model.on("msg:custom", hear);
  return () => { clearTimeout(waiting); model.off("msg:custom", hear); };
}

export default { render };

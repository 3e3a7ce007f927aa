/* The lines of code beside the steps: the line of the present step is marked, and a click on a line leads to its steps,
   one after the other. */

class Code {
  constructor(root, data, go) {
    this.data = data;
    this.place = root.querySelector(".code");
    this.place.hidden = !data.code;
    if (!data.code) return;
    root.querySelector(".stepper").classList.add("coded");
    this.place.innerHTML = data.code;
    this.buttons = [...this.place.querySelectorAll("[data-line]")];
    this.buttons.forEach((button, line) => button.addEventListener("click", () => go(this.after(line))));
  }

  /** The line of a step: of a contribution, that of the operation it comes from. */
  lineOf(step) {
    return this.data.lines[step.o ?? step.n];
  }

  /** The next step of a line, or its first. */
  after(line) {
    const mine = this.data.steps.map((step, k) => [step, k]).filter(([step]) => this.lineOf(step) === line).map(([, k]) => k);
    return mine.find((k) => k > this.index) ?? mine[0];
  }

  /** Mark the line of step number `index`, and scroll its list, never the page, so that it is in sight. */
  mark(index) {
    this.index = index;
    if (!this.data.code) return;
    const line = this.lineOf(this.data.steps[index]);
    this.buttons.forEach((button, k) => {
      button.classList.toggle("ndl-marked", k === line);
      button.setAttribute("aria-pressed", String(k === line));
    });
    const button = this.buttons[line];
    if (!button) return;
    const inner = button.getBoundingClientRect(), outer = this.place.getBoundingClientRect();
    if (inner.top < outer.top || inner.bottom > outer.bottom)
      this.place.scrollTop += (inner.top + inner.bottom - outer.top - outer.bottom) / 2;
  }
}

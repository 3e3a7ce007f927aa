"""What a person sees of the text in a page: nothing cut off, nothing written over something else.

Text that lies in a part that scrolls counts as far as that part shows it; what is cut off by anything else is a fault.
"""

from __future__ import annotations

from typing import Any

# `faults(selector)`: sentences about all text inside the elements that match, shadow roots included.
SCRIPT = """(selector) => {
  const up = (element) => element.parentElement ?? element.getRootNode().host ?? null;
  const texts = [];
  const collect = (root, view) => {
    for (const child of root.childNodes) {
      if (child.nodeType === 3) {
        if (!child.textContent.trim() || !root.getBoundingClientRect?.().width) continue; // as inside a closed box
        if (root.closest(".ndl-operand, style, script, title, option, math")) continue;
        const range = document.createRange();
        range.selectNodeContents(child);
        for (const rect of range.getClientRects())
          if (rect.width > 1 && rect.height > 1)
            texts.push({ element: root, view, words: child.textContent.trim().slice(0, 40),
              seen: [rect.left, rect.top, rect.right, rect.bottom] });
      } else if (child.nodeType === 1) {
        collect(child, view);
        if (child.shadowRoot) collect(child.shadowRoot, view);
      }
    }
  };
  const roots = [...document.querySelectorAll(selector)];
  roots.forEach((root, number) => collect(root, number));
  const found = [];
  const shown = texts.filter((text) => {
    for (let a = text.element; a; a = up(a)) {
      if (!(a instanceof HTMLElement)) continue;
      const style = getComputedStyle(a), r = a.getBoundingClientRect();
      if (style.visibility === "hidden" || style.opacity === "0") return false;
      if (a === document.body || a === document.documentElement) continue;
      const [l, t, rr, b] = text.seen;
      if (/auto|scroll/.test(style.overflowX + style.overflowY)) {
        text.seen = [Math.max(l, r.left), Math.max(t, r.top), Math.min(rr, r.right), Math.min(b, r.bottom)];
        if (text.seen[2] - text.seen[0] < 2 || text.seen[3] - text.seen[1] < 2) return false;
      } else if (/hidden|clip/.test(style.overflowX + style.overflowY) && style.textOverflow !== "ellipsis") {
        if (l < r.left - 1 || rr > r.right + 1 || t < r.top - 2 || b > r.bottom + 2)
          found.push(`"${text.words}" is cut off`);
      }
    }
    if (text.seen[2] > innerWidth + 1 || text.seen[0] < -1) found.push(`"${text.words}" leaves the page`);
    return true;
  });
  shown.sort((a, b) => a.seen[1] - b.seen[1]);
  for (let i = 0; i < shown.length; i++) {
    const [l, t, r, b] = shown[i].seen;
    for (let k = i + 1; k < shown.length && shown[k].seen[1] < b - 4; k++) {
      const [l2, t2, r2, b2] = shown[k].seen;
      if (shown[k].view === shown[i].view && l < r2 - 2 && l2 < r - 2 && Math.min(b, b2) - Math.max(t, t2) > 4)
        found.push(`"${shown[k].words}" is written over "${shown[i].words}"`);
    }
  }
  return [...new Set(found)];
}"""


def faults(page: Any, selector: str) -> list[str]:
    """What is wrong with the text inside the elements that match `selector`, in sentences."""
    return page.evaluate(SCRIPT, selector)

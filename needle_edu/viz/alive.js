/* What views share that have a kernel behind them. */

/** The static form of a view that is alive: a second output of its cell, for pages without a kernel. */
function hideStatic(name) {
  const hide = () => document.querySelectorAll(`[data-live="${name}"]`).forEach((place) => { place.hidden = true; });
  hide();
  const watch = new MutationObserver(hide); // it may come later than the widget
  watch.observe(document.body, { childList: true, subtree: true });
}

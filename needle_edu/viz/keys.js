/* Which keys JupyterLab may take for its own while a view has the focus: those with Ctrl, Meta or Alt, so that Ctrl+S
   saves. In a text field, what edits text stays with the field. JupyterLab leaves an element's keys alone while it has
   the attribute data-lm-suppress-shortcuts; it looks at the document, and so the attribute is set one step before. */

const EDITING = /^[acvxyz]$/i; // with Ctrl: all, copy, paste, cut, redo, undo

/** Keep the keys of a view inside an element of the page from JupyterLab, but for those with Ctrl, Meta or Alt. */
function ownKeys(element) {
  element.dataset.lmSuppressShortcuts = element.dataset.ndlKeys = "true";
}

/** Whether this key is for the page around the view. */
function forThePage(event) {
  if (!event.ctrlKey && !event.metaKey && !event.altKey) return false;
  if (event.getModifierState("AltGraph")) return false; // types a letter
  const [target] = event.composedPath();
  const field = target.matches?.("input[type=text], input:not([type]), textarea");
  return !(field && EDITING.test(event.key));
}

window.addEventListener("keydown", (event) => {
  const views = event.composedPath().filter((part) => part.dataset?.ndlKeys);
  if (views.length) for (const element of [event.target, ...views]) // a rule for what has the focus looks no further up
    element.toggleAttribute("data-lm-suppress-shortcuts", !forThePage(event));
}, true);

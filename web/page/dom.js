// Elements made by hand: text only ever becomes text.

/** h("a", {href, class, on: {click}, data: {id}}, "text", element…) */
export function h(tag, about = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value" || name === "checked" || name === "max") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Set the text of an element, touching the page only where it changes. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const $ = (selector, within = document) => within.querySelector(selector);

/** Tell people who hear the page. */
export function announce(text) {
  $("#told").textContent = text;
}

let kept;

/** Text into the clipboard, also where the page isn't served securely. */
export async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  kept = h("textarea", { class: "hidden", value: text, "aria-hidden": "true" });
  document.body.append(kept);
  kept.select();
  document.execCommand("copy");
  kept.remove();
}

/**
 * A message that goes by itself, but not while somebody is on it; `action` is {label, run}, `gone` runs when it has gone
 * without the action.
 */
export function toast(text, { action = null, gone = () => {}, stay_s = 8, bad = false } = {}) {
  let over = false;
  const end = (run) => () => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    removeEventListener("pagehide", leave);
    element.remove();
    run();
  };
  const leave = end(gone);
  const element = h(
    "div",
    { class: bad ? "toast bad" : "toast", role: bad && "alert" },
    h("span", {}, text),
    action && h("button", { type: "button", on: { click: end(action.run) } }, action.label),
    !action && h("button", { type: "button", class: "plain", "aria-label": "×", on: { click: leave } }, "×"),
  );
  let timer = 0;
  const wait = () => (clearTimeout(timer), (timer = setTimeout(leave, stay_s * 1000)));
  for (const name of ["focusin", "pointerenter"]) element.addEventListener(name, () => clearTimeout(timer));
  for (const name of ["focusout", "pointerleave"]) element.addEventListener(name, wait);
  wait();
  addEventListener("pagehide", leave);
  $("#toasts").append(element);
  if (!bad) announce(text);
}

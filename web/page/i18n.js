// The page's language: the browser's, or the one that was chosen.
import { TEXTS } from "./texts.js";

let chosen = localStorage.getItem("language") || ofBrowser();

function ofBrowser() {
  for (const tag of navigator.languages || [navigator.language]) {
    const lower = tag.toLowerCase();
    if (/^zh.*(hant|tw|hk|mo)/.test(lower)) return "zh-Hant";
    if (lower.startsWith("zh")) return "zh-Hans";
    if (lower.startsWith("en")) return "en";
  }
  return "en";
}

export const language = () => chosen;

/** The text of a name; {n} in it becomes values.n. */
export function t(name, values = {}) {
  const text = TEXTS[chosen][name] ?? TEXTS.en[name] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

export function chooseLanguage(tag) {
  chosen = tag;
  localStorage.setItem("language", tag);
  translate();
  document.dispatchEvent(new CustomEvent("tx:language"));
}

/** What stands in the HTML. */
export function translate(within = document) {
  document.documentElement.lang = chosen;
  for (const element of within.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of within.querySelectorAll("[data-t-label]"))
    element.setAttribute("aria-label", t(element.dataset.tLabel));
}

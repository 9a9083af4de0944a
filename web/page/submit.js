// The form: files dropped or chosen, a URL, and the options behind a fold.
import { words } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { add, addUrl, uploads } from "./uploads.js";

const CHOICES = {
  language: ["speech", [["", "speechAuto"], ["zh", "mandarin"], ["yue", "cantonese"], ["en", "english"]]],
  script: ["script", [["", "scriptOwn"], ["s2t", "traditional"], ["t2s", "simplified"], ["tw", "scriptTw"], ["hk", "scriptHk"]]],
  channels: ["channels", [["", "channelsMix"], ["split", "channelsSplit"]]],
  skip_silence: ["silences", [["", "asUsual"], ["true", "leaveOut"], ["false", "keepAll"]]],
  priority: ["priority", [["high", "high"], ["", "normal"], ["low", "low"]]],
};

function options(form) {
  const chosen = Object.keys(CHOICES).map((name) => [name, form.elements[name].value]);
  return Object.fromEntries(chosen.filter(([, value]) => value));
}

function field(name) {
  const [label, values] = CHOICES[name];
  const select = h("select", { id: `option-${name}`, name }, values.map(([value, text]) => h("option", { value }, t(text))));
  select.value = localStorage.getItem(`option-${name}`) ?? "";
  select.addEventListener("change", () => localStorage.setItem(`option-${name}`, select.value));
  return h("div", {}, h("label", { for: select.id }, t(label)), select);
}

export function submitForm() {
  const picker = h("input", { id: "files", type: "file", multiple: true, hidden: true });
  const url = h("input", { id: "url", type: "url", name: "url", placeholder: "https://", pattern: "https?://.+", maxlength: 2048 });
  const bad = h("p", { class: "error", role: "alert" });
  const list = h("ul", { class: "uploads", "aria-label": t("uploads") });
  const zone = h(
    "div",
    { class: "zone" },
    h("p", { class: "big" }, t("drop")),
    h("p", { class: "muted" }, t("dropMore")),
    h("button", { type: "button", class: "main", on: { click: () => picker.click() } }, t("choose")),
    picker,
  );
  const send = async (event) => {
    event.preventDefault();
    bad.textContent = "";
    if (!url.value.trim()) return url.focus();
    try {
      await addUrl(url.value.trim(), options(form));
      url.value = "";
    } catch (error) {
      bad.textContent = words(error);
    }
  };
  const form = h(
    "form",
    { class: "card submit", novalidate: true, on: { submit: send } },
    h("h1", {}, t("newTitle")),
    zone,
    h("div", { class: "row" }, h("div", { class: "grow" }, h("label", { for: "url" }, t("orUrl")), url), h("button", {}, t("fetchUrl"))),
    bad,
    h("details", {}, h("summary", {}, t("options")), h("div", { class: "options" }, Object.keys(CHOICES).map(field))),
    list,
  );
  const take = (files) => files.length && add(files, options(form));
  picker.addEventListener("change", () => {
    take([...picker.files]);
    picker.value = "";
  });
  const showUploads = () => {
    for (const upload of uploads) upload.update();
    list.replaceChildren(...uploads.map((upload) => upload.element));
    list.hidden = uploads.length === 0;
  };
  showUploads();
  document.addEventListener("tx:uploads", showUploads);
  const stopDrops = dropping(zone, take);
  return [form, () => (document.removeEventListener("tx:uploads", showUploads), stopDrops())];
}

/** Files may fall anywhere on the page. */
function dropping(zone, take) {
  const over = (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    zone.classList.add("over");
  };
  const out = (event) => event.relatedTarget === null && zone.classList.remove("over");
  const drop = (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    take([...event.dataTransfer.files]);
  };
  const events = { dragover: over, dragleave: out, drop };
  for (const [name, listener] of Object.entries(events)) document.addEventListener(name, listener);
  return () => Object.entries(events).forEach(([name, listener]) => document.removeEventListener(name, listener));
}

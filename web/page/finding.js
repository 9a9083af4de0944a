// Find in the text: across segments, in any case.
import { h, say } from "./dom.js";
import { t } from "./i18n.js";

const MOST = 5000;

/** The matches of a text in segments, each as the stretches of segments that it covers. */
export function matches(segments, wanted) {
  const needle = wanted.toLowerCase();
  if (!needle) return [];
  const starts = [];
  let whole = "";
  for (const segment of segments) {
    starts.push(whole.length);
    whole += lower(segment.text);
  }
  const found = [];
  let n = 0;
  for (let at = whole.indexOf(needle); at >= 0 && found.length < MOST; at = whole.indexOf(needle, at + needle.length)) {
    while (n + 1 < starts.length && starts[n + 1] <= at) n += 1;
    const end = at + needle.length;
    const covered = [];
    for (let m = n; m < starts.length && starts[m] < end; m += 1)
      covered.push({ n: m, from: Math.max(0, at - starts[m]), to: Math.min(end - starts[m], segments[m].text.length) });
    found.push(covered);
  }
  return found;
}

/** In lower case, of the same length. */
function lower(text) {
  const folded = text.toLowerCase();
  return folded.length === text.length ? folded : text;
}

export class Finder {
  constructor(text) {
    this.text = text;
    this.found = [];
    this.place = -1;
    this.field = h("input", { id: "find", type: "search", autocomplete: "off" });
    this.count = h("span", { class: "muted", role: "status" });
    this.element = h(
      "div",
      { class: "find", role: "search" },
      h("label", { for: "find" }, t("find")),
      h(
        "div",
        { class: "row" },
        this.field,
        h("button", { type: "button", "aria-label": t("previous"), on: { click: () => this.step(-1) } }, "↑"),
        h("button", { type: "button", "aria-label": t("next"), on: { click: () => this.step(1) } }, "↓"),
        this.count,
      ),
    );
    this.field.addEventListener("input", () => this.search());
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
      if (event.key === "Escape") ((this.field.value = ""), this.search());
    });
  }

  search() {
    this.found = matches(this.text.segments, this.field.value.trim());
    this.place = -1;
    if (this.found.length) this.step(1);
    else {
      this.text.mark([]);
      say(this.count, this.field.value.trim() ? t("notFound") : "");
    }
  }

  step(by) {
    if (!this.found.length) return;
    this.place = (this.place + by + this.found.length) % this.found.length;
    this.text.mark(this.found[this.place]);
    say(this.count, t("found", { n: this.place + 1, total: this.found.length }));
  }
}

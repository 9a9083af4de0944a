// The recording drawn: what has sounded is coloured, and a click, a drag or the arrow keys go elsewhere.
import { h, say } from "./dom.js";
import { t } from "./i18n.js";
import { clock } from "./units.js";

const SVG = "http://www.w3.org/2000/svg";
/** Full scale of a peak, and the least that is drawn: a line where it is silent. */
const TOP = 255;
const LEAST = 5;
/** Bars of a row at most: a screen shows no more, and frames stay short. */
const BARS = 1500;
/** What each key moves by, in seconds. */
const STEPS = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -60, PageUp: 60 };

export class Waveform {
  /** `seek(time_s)` is called where somebody points. */
  constructor({ duration_s, step_s, channels }, seek) {
    this.duration_s = duration_s;
    this.seek = seek;
    this.time_s = 0;
    const together = Math.max(1, Math.ceil(channels[0].length / BARS));
    const path = outline(channels.map((peaks) => loudest(peaks, together)));
    const size = `0 0 ${duration_s / step_s / together} ${2 * TOP * channels.length}`;
    this.pointed = h("span", { class: "pointed", "aria-hidden": "true", hidden: true });
    this.element = h(
      "div",
      { class: "waveform", role: "slider", tabindex: "0", "aria-label": t("position"), "aria-valuemin": "0", "aria-valuemax": Math.round(duration_s) },
      [drawn(path, size, "all"), drawn(path, size, "played")],
      this.pointed,
    );
    const events = { pointerdown: (event) => this.pressed(event), pointermove: (event) => this.moved(event), pointerleave: () => (this.pointed.hidden = true), keydown: (event) => this.key(event), focus: () => this.tell() };
    for (const [name, listener] of Object.entries(events)) this.element.addEventListener(name, listener);
    this.tell();
  }

  /** It sounds from here; told to those who hear the page only where they aren't listening on it. */
  at(time_s) {
    this.time_s = time_s;
    const played = `${Math.min(100, (100 * time_s) / this.duration_s).toFixed(2)}%`;
    if (played !== this.played) this.element.style.setProperty("--played", (this.played = played));
    if (document.activeElement !== this.element && Math.round(time_s) !== this.told) this.tell();
  }

  tell() {
    this.told = Math.round(this.time_s);
    this.element.setAttribute("aria-valuenow", this.told);
    this.element.setAttribute("aria-valuetext", t("timeOf", { at: clock(this.told), total: clock(this.duration_s) }));
  }

  go(time_s) {
    const there = Math.max(0, Math.min(this.duration_s, time_s));
    this.at(there);
    this.tell();
    this.seek(there);
  }

  timeAt(event) {
    const box = this.element.getBoundingClientRect();
    return (Math.max(0, Math.min(1, (event.clientX - box.left) / box.width))) * this.duration_s;
  }

  pressed(event) {
    if (event.button !== 0) return;
    this.element.setPointerCapture(event.pointerId);
    this.go(this.timeAt(event));
  }

  moved(event) {
    const time_s = this.timeAt(event);
    this.pointed.hidden = false;
    say(this.pointed, clock(time_s));
    this.element.style.setProperty("--pointed", `${(100 * time_s) / this.duration_s}%`);
    if (this.element.hasPointerCapture(event.pointerId)) this.go(time_s);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const there = event.key === "Home" ? 0 : event.key === "End" ? this.duration_s : event.key in STEPS ? this.time_s + STEPS[event.key] : null;
    if (there === null) return;
    event.preventDefault();
    event.stopPropagation(); // else the page's own shortcuts take it as well
    this.go(there);
  }
}

/** Of each so many peaks, the highest. */
function loudest(peaks, together) {
  return Array.from({ length: Math.ceil(peaks.length / together) }, (_, n) => Math.max(...peaks.slice(n * together, (n + 1) * together)));
}

/** A path around all peaks, each channel about a middle line of its own. */
function outline(channels) {
  return channels
    .map((peaks, row) => {
      const middle = TOP * (2 * row + 1);
      const high = peaks.map((peak) => Math.max(LEAST, peak));
      const back = high.map((_, n) => high.length - 1 - n).map((n) => `V${middle + high[n]}H${n}`);
      return `M0 ${middle}${high.map((peak, n) => `V${middle - peak}H${n + 1}`).join("")}${back.join("")}Z`;
    })
    .join("");
}

function drawn(path, size, name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: size, preserveAspectRatio: "none", class: name, "aria-hidden": "true" })) svg.setAttribute(key, value);
  svg.append(document.createElementNS(SVG, "path"));
  svg.firstChild.setAttribute("d", path);
  return svg;
}

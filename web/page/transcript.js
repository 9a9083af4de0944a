// The transcript with its player: sound and text follow each other.
import { address, get, words } from "./api.js";
import { copy, h, say, toast } from "./dom.js";
import { Finder } from "./finding.js";
import { t } from "./i18n.js";
import { Text } from "./text.js";
import { Waveform } from "./waveform.js";

const FORMATS = ["txt", "srt", "vtt", "tsv", "json"];
const SCRIPTS = [["", "scriptOwn"], ["s2t", "traditional"], ["t2s", "simplified"], ["tw", "scriptTw"], ["hk", "scriptHk"]];
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3];
const STEP_S = 5;

export function showTranscript(body, job) {
  const view = new View(job);
  body.replaceChildren(view.element);
  view.load();
  view.draw();
  return () => view.close();
}

class View {
  constructor(job) {
    this.job = job;
    this.path = `v1/jobs/${job.id}`;
    this.audio = h("audio", { controls: true, preload: "metadata", src: address(`${this.path}/audio`), "aria-label": t("player") });
    this.unplayable = h("p", { class: "muted", role: "status" });
    this.audio.addEventListener("error", () => {
      say(this.unplayable, t("unplayable"));
      this.audio.hidden = true;
      this.drawing.hidden = true;
    });
    this.drawing = h("div", { class: "drawing" });
    for (const event of ["play", "seeked", "pause"]) this.audio.addEventListener(event, () => this.tick());
    const speed = h("select", { id: "speed" }, SPEEDS.map((value) => h("option", { value }, `${value}×`)));
    speed.value = 1;
    speed.addEventListener("change", () => (this.audio.playbackRate = Number(speed.value)));
    this.scroll = h("input", { id: "follow", type: "checkbox", checked: true });
    this.keysOn = h("input", { id: "keys-on", type: "checkbox", checked: localStorage.getItem("keys") !== "off" });
    this.keysOn.addEventListener("change", () => localStorage.setItem("keys", this.keysOn.checked ? "on" : "off"));
    this.script = h("select", { id: "script" }, SCRIPTS.map(([value, name]) => h("option", { value }, t(name))));
    this.script.addEventListener("change", () => this.load());
    this.links = FORMATS.map((format) => h("a", { class: "button", download: true, data: { format } }, format.toUpperCase()));
    this.holder = h("div", {}, h("p", { class: "muted" }, t("loading")));
    this.finding = h("div");
    this.element = h(
      "div",
      {},
      h(
        "section",
        { class: "player", "aria-label": t("player") },
        this.drawing,
        this.audio,
        this.unplayable,
        h(
          "div",
          { class: "row wrap" },
          h("button", { type: "button", on: { click: () => this.step(-STEP_S) } }, `−${t("seconds", { n: STEP_S })}`),
          h("button", { type: "button", on: { click: () => this.step(STEP_S) } }, `+${t("seconds", { n: STEP_S })}`),
          h("label", { for: "speed" }, t("speed")),
          speed,
          h("span", { class: "tick" }, this.scroll, h("label", { for: "follow" }, t("follow"))),
        ),
      ),
      h(
        "section",
        { class: "tools", "aria-label": t("transcript") },
        this.finding,
        h("div", {}, h("label", { for: "script" }, t("script")), this.script),
        h("div", {}, h("span", { class: "label", id: "download" }, t("download")), h("div", { class: "row wrap", role: "group", "aria-labelledby": "download" }, this.links, h("a", { class: "button", href: address(`${this.path}/audio`), download: true }, t("audio")))),
        h("button", { type: "button", on: { click: () => this.copy() } }, t("copy")),
      ),
      h("details", { class: "keys" }, h("summary", {}, t("keys")), h("p", {}, t("keysText")), h("p", { class: "tick" }, this.keysOn, h("label", { for: "keys-on" }, t("keysOn")))),
      h("h2", {}, t("transcript")),
      h("p", { class: "muted" }, h("span", { class: "unsure sample" }, "…"), " ", t("unsure")),
      this.holder,
    );
    this.pressed = (event) => this.key(event);
    document.addEventListener("keydown", this.pressed);
  }

  close() {
    document.removeEventListener("keydown", this.pressed);
    this.text?.close();
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.closed = true;
  }

  /** The waveform, where there is one: recordings of an older version have none. */
  async draw() {
    try {
      this.waveform = new Waveform(await get(`${this.path}/waveform`), (time_s) => this.seek(time_s));
      this.drawing.replaceChildren(this.waveform.element);
    } catch {
      this.drawing.hidden = true;
    }
  }

  async load() {
    const script = this.script.value;
    for (const link of this.links) link.href = address(`${this.path}/transcript?format=${link.dataset.format}${script && `&script=${script}`}`);
    try {
      const transcript = await get(`${this.path}/transcript${script && `?script=${script}`}`);
      if (this.closed || script !== this.script.value) return;
      this.show(transcript);
    } catch (error) {
      this.holder.replaceChildren(h("p", { class: "error", role: "alert" }, words(error)));
    }
  }

  show(transcript) {
    this.text?.close();
    this.transcript = transcript;
    this.text = new Text(transcript, (time_s) => this.play(time_s));
    const wanted = this.finder?.field.value ?? "";
    this.finder = new Finder(this.text);
    this.finding.replaceChildren(this.finder.element);
    this.holder.replaceChildren(transcript.segments.length ? this.text.element : h("p", { class: "muted" }, t("noSpeech")));
    if (wanted) ((this.finder.field.value = wanted), this.finder.search());
    if (this.audio.currentTime) this.tick();
  }

  play(time_s) {
    if (this.audio.hidden) return;
    this.audio.currentTime = time_s;
    this.audio.play().catch(() => {});
  }

  seek(time_s) {
    this.audio.currentTime = time_s;
    this.text?.at(time_s, this.scroll.checked);
  }

  step(by_s) {
    this.audio.currentTime = Math.max(0, this.audio.currentTime + by_s);
  }

  /** Once a frame while it sounds. */
  tick() {
    if (this.closed) return;
    this.waveform?.at(this.audio.currentTime);
    this.text?.at(this.audio.currentTime, this.scroll.checked && !this.audio.paused);
    cancelAnimationFrame(this.frame);
    if (!this.audio.paused && !this.audio.ended) this.frame = requestAnimationFrame(() => this.tick());
  }

  async copy() {
    await copy(this.transcript.text);
    toast(t("copied"), { stay_s: 3 });
  }

  sentence(by) {
    const n = Math.min(this.text.segments.length - 1, Math.max(0, (this.text.now?.n ?? -1) + by));
    if (!this.text.segments[n]) return;
    this.text.at(this.text.segments[n].start_s, true); // at once: the next key counts from here
    if (!this.audio.hidden) this.audio.currentTime = this.text.segments[n].start_s;
    this.text.rove(n).focus();
  }

  key(event) {
    if (!this.keysOn.checked || !this.text || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, audio, summary")) return;
    const isButton = event.target.closest("button, a");
    const keys = {
      " ": () => !isButton && (this.audio.paused ? this.audio.play().catch(() => {}) : this.audio.pause(), true),
      ArrowLeft: () => (this.step(-STEP_S), true),
      ArrowRight: () => (this.step(STEP_S), true),
      ArrowUp: () => (this.sentence(-1), true),
      ArrowDown: () => (this.sentence(1), true),
      "/": () => (this.finder.field.focus(), true),
      n: () => (this.finder.step(1), true),
      c: () => (this.copy(), true),
    };
    if (keys[event.key]?.()) event.preventDefault();
  }
}

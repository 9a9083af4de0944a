// The transcript's text on the page. Segments come in chunks that the browser leaves alone (content-visibility) while they
// are far from the window, and get their tokens when they come near.
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { begunAt, tokensOf } from "./tokens.js";
import { clock } from "./units.js";

/** Segments of a chunk, and chunks that are made in a frame. */
const CHUNK = 10;
const CHUNKS = 12;
/** Of a frame, in ms: how long tokens may be made in it. */
const SHARE_MS = 5;
/** Below these confidences a token is shaded, lightly or strongly. */
const UNSURE = 0.75;
const VERY_UNSURE = 0.5;

export class Text {
  /** `play(time_s)` is called where somebody clicks. */
  constructor(transcript, play) {
    this.segments = transcript.segments;
    this.tokens = tokensOf(transcript);
    this.play = play;
    this.element = h("div", { class: "card text", lang: transcript.language || "zh", role: "group", "aria-label": t("transcript"), on: { click: (event) => this.clicked(event) } });
    this.near = new IntersectionObserver((seen) => this.seen(seen), { rootMargin: "600px 0px" });
    this.elements = [];
    this.coming = new Set();
    this.marked = [];
    this.append();
  }

  close() {
    this.closed = true;
    this.near.disconnect();
  }

  append() {
    if (this.closed) return;
    for (let made = 0; made < CHUNKS && this.elements.length < this.segments.length; made += 1) {
      const from = this.elements.length;
      const segments = this.segments.slice(from, from + CHUNK).map((segment, n) => this.segment(segment, from + n));
      this.elements.push(...segments);
      const chunk = h("div", { class: "chunk" }, segments);
      this.element.append(chunk);
      this.near.observe(chunk);
    }
    if (this.elements.length < this.segments.length) requestAnimationFrame(() => this.append());
  }

  segment(segment, n) {
    const time = clock(segment.start_s);
    const button = h("button", { type: "button", class: "time", tabindex: n ? "-1" : "0", "aria-label": t("from", { time }) }, time);
    const channel = segment.channel === null || segment.channel === undefined ? null : h("span", { class: "channel" }, t("channel", { n: segment.channel + 1 }));
    return h("div", { class: "segment", data: { n } }, button, h("p", {}, channel, h("span", { class: "words" }, segment.text)));
  }

  /** Those that have come near get their tokens, a few in each frame; those that have gone again don't. */
  seen(entries) {
    const wasIdle = this.coming.size === 0;
    for (const each of entries)
      for (const segment of each.target.children) {
        if (each.isIntersecting && !segment.dataset.filled) this.coming.add(segment);
        else this.coming.delete(segment);
      }
    if (wasIdle && this.coming.size) this.fillSome();
  }

  fillSome() {
    const until = performance.now() + SHARE_MS;
    for (const element of this.coming) {
      if (performance.now() > until) break;
      this.coming.delete(element);
      this.fill(element);
    }
    if (this.coming.size && !this.closed) requestAnimationFrame(() => this.fillSome());
  }

  /** A span for each token. */
  fill(element) {
    const n = Number(element.dataset.n);
    const [tokens, segment] = [this.tokens[n], this.segments[n]];
    if (element.dataset.filled) return;
    element.dataset.filled = "1";
    const words = element.querySelector(".words");
    if (!tokens) {
      words.className = `words ${doubt(segment.confidence)}`;
      return;
    }
    const parts = [];
    let at = 0;
    tokens.forEach((token, i) => {
      if (token.from > at) parts.push(segment.text.slice(at, token.from));
      parts.push(h("span", { class: `c ${doubt(token.confidence)}`.trim(), data: { i } }, segment.text.slice(token.from, token.to)));
      at = token.to;
    });
    if (at < segment.text.length) parts.push(segment.text.slice(at));
    words.replaceChildren(...parts);
  }

  /** The element of a segment, which may not have come yet. */
  reach(n) {
    while (this.elements.length <= n && this.elements.length < this.segments.length) this.append();
    this.fill(this.elements[n]);
    return this.elements[n];
  }

  clicked(event) {
    const element = event.target.closest(".segment");
    if (!element || String(getSelection())) return;
    const n = Number(element.dataset.n);
    const token = event.target.closest(".c");
    this.play(token ? this.tokens[n][Number(token.dataset.i)].start_s : this.segments[n].start_s);
  }

  /** Mark what sounds at a time; returns its segment's number. */
  at(time_s, scroll) {
    const n = begunAt(this.segments, time_s);
    const i = n >= 0 && this.tokens[n] ? begunAt(this.tokens[n], time_s) : -1;
    if (n === this.now?.n && i === this.now?.i) return n;
    const isNew = n !== this.now?.n;
    this.now = { n, i };
    this.sounding?.classList.remove("now");
    if (isNew) this.element.querySelector(".segment.current")?.classList.remove("current");
    if (n < 0) return n;
    const element = this.reach(n);
    if (isNew) {
      element.classList.add("current");
      this.rove(n);
      if (scroll) element.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    }
    this.sounding = i >= 0 ? element.querySelector(`[data-i="${i}"]`) : null;
    this.sounding?.classList.add("now");
    return n;
  }

  /** One time button at a time is a tab stop. */
  rove(n) {
    const old = this.element.querySelector('.time[tabindex="0"]');
    old?.setAttribute("tabindex", "-1");
    const button = this.reach(n).querySelector(".time");
    button.setAttribute("tabindex", "0");
    return button;
  }

  /** Mark [from, to) of a segment's text, and bring it into view. */
  mark(spans) {
    this.marked.forEach((element) => element.classList.remove("hit"));
    this.marked = [];
    for (const { n, from, to } of spans) {
      const element = this.reach(n);
      const tokens = this.tokens[n];
      const found = tokens ? [...element.querySelectorAll(".c")].filter((_, i) => tokens[i].from < to && tokens[i].to > from) : [element.querySelector(".words")];
      this.marked.push(...found);
    }
    this.marked.forEach((element) => element.classList.add("hit"));
    this.marked[0]?.scrollIntoView({ block: "center" });
  }
}

function doubt(confidence) {
  if (confidence === null || confidence === undefined || confidence >= UNSURE) return "";
  return confidence < VERY_UNSURE ? "unsure very" : "unsure";
}

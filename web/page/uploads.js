// Files on their way to the server, by tus (window.tus): two at a time, each going on where it broke off.
import { ask, address, asRefused, HEADERS } from "./api.js";
import { announce, h, say } from "./dom.js";
import { t } from "./i18n.js";
import { bytes, lasting } from "./units.js";

const AT_ONCE = 2;
/** After each of these pauses, in ms, a broken upload tries again by itself. */
const RETRIES = [0, 1000, 2000, 4000, 8000, 15000, 30000, 60000, 60000];
const SPEED_OVER_MS = 5000;

/** Every upload of this page, whatever view is shown. */
export const uploads = [];
const changed = () => document.dispatchEvent(new CustomEvent("tx:uploads"));

addEventListener("beforeunload", (event) => {
  if (uploads.some((upload) => upload.state === "running")) event.preventDefault();
});
addEventListener("online", () => uploads.filter((upload) => upload.state === "broken").forEach((upload) => upload.start()));

export function add(files, options) {
  for (const file of files) uploads.push(new Upload(file, options));
  changed();
  next();
}

function next() {
  const running = uploads.filter((upload) => upload.state === "running").length;
  uploads.filter((upload) => upload.state === "waiting").slice(0, Math.max(0, AT_ONCE - running)).forEach((upload) => upload.start());
}

class Upload {
  constructor(file, options) {
    this.file = file;
    this.state = "waiting"; // running, broken, paused, failed
    this.sent = 0;
    this.error = "";
    this.samples = [];
    this.bar = h("progress", { max: file.size || 1, value: 0 });
    this.line = h("span", { class: "muted" });
    this.toggle = h("button", { type: "button", on: { click: () => this.act() } });
    this.drop = h("button", { type: "button", on: { click: () => this.giveUp() } });
    this.element = h("li", { class: "upload" }, h("strong", { class: "name" }, file.name), this.bar, this.line, h("span", { class: "actions" }, this.toggle, this.drop));
    this.tus = new window.tus.Upload(file, {
      endpoint: address("v1/uploads"),
      headers: HEADERS,
      retryDelays: RETRIES,
      metadata: { filename: file.name, submit: "true", ...options },
      // with other options it is another upload
      fingerprint: async () => ["tingxie", file.name, file.size, file.lastModified, JSON.stringify(options)].join("|"),
      removeFingerprintOnSuccess: true,
      onShouldRetry: (error) => isPassing(error),
      onProgress: (sent) => this.progressed(sent),
      onSuccess: () => this.succeeded(),
      onError: (error) => this.failed(error),
    });
    this.update();
  }

  async start() {
    this.state = "running";
    this.samples = [];
    this.update();
    if (!this.tus.url) {
      const [earlier] = await this.tus.findPreviousUploads().catch(() => []);
      if (earlier) this.tus.resumeFromPreviousUpload(earlier);
    }
    this.tus.start();
  }

  act() {
    if (this.state === "running") {
      this.tus.abort();
      this.state = "paused";
      this.update();
    } else this.start();
    next();
  }

  giveUp() {
    if (this.state !== "failed") this.tus.abort(true).catch(() => {});
    this.remove();
  }

  remove() {
    uploads.splice(uploads.indexOf(this), 1);
    this.state = "gone";
    changed();
    next();
  }

  progressed(sent) {
    this.sent = sent;
    const now = performance.now();
    this.samples = [...this.samples.filter(([at]) => now - at < SPEED_OVER_MS), [now, sent]];
    this.update();
  }

  succeeded() {
    announce(t("uploaded", { name: this.file.name }));
    this.remove();
    document.dispatchEvent(new CustomEvent("tx:submitted"));
  }

  failed(error) {
    this.state = isPassing(error) ? "broken" : "failed";
    const response = error.originalResponse;
    this.error = response ? asRefused(response.getStatus(), response.getBody()).message : t("away");
    this.update();
    if (this.state === "failed") announce(t("of", { action: this.file.name, name: this.error }));
    next();
  }

  /** Bytes a second, 0 where that isn't known yet. */
  speed() {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    return first && last[0] - first[0] > 300 ? ((last[1] - first[1]) * 1000) / (last[0] - first[0]) : 0;
  }

  text() {
    const values = { done: bytes(this.sent), total: bytes(this.file.size) };
    if (this.state === "failed") return this.error;
    if (this.state === "waiting") return t("waitingTurn");
    if (this.state === "paused") return t("paused", values);
    if (this.state === "broken" || !navigator.onLine) return t("netGone", values);
    const speed = this.speed();
    if (!speed) return t("uploadingStart", values);
    return t("uploading", { ...values, speed: bytes(speed), left: lasting((this.file.size - this.sent) / speed) });
  }

  update() {
    this.bar.value = this.sent;
    this.bar.setAttribute("aria-label", t("progressOf", { name: this.file.name }));
    say(this.line, this.text());
    this.element.classList.toggle("failed", this.state === "failed");
    this.toggle.hidden = this.state === "failed" || this.state === "waiting";
    say(this.toggle, t(this.state === "running" ? "pause" : "resume"));
    say(this.drop, t(this.state === "failed" ? "dismiss" : "giveUp"));
    for (const button of [this.toggle, this.drop])
      button.setAttribute("aria-label", t("of", { action: button.textContent, name: this.file.name }));
  }
}

/** Whether it is worth another try: nobody answered, or somebody who is busy or away. */
function isPassing(error) {
  const status = error.originalResponse ? error.originalResponse.getStatus() : 0;
  return status === 0 || status >= 500 || [409, 423, 429].includes(status);
}

export async function addUrl(url, { skip_silence, ...options }) {
  const json = { url, ...options, ...(skip_silence && { skip_silence: skip_silence === "true" }) };
  const job = await (await ask("v1/jobs", { method: "POST", json })).json();
  document.dispatchEvent(new CustomEvent("tx:submitted"));
  return job;
}

// One recording: its text as it grows, and the transcript with its player once it is there.
import { ask, get, words } from "./api.js";
import { announce, h, say, toast } from "./dom.js";
import { follow } from "./follow.js";
import { t } from "./i18n.js";
import { facts } from "./row.js";
import { showTranscript } from "./transcript.js";
import { aside, told } from "./troubles.js";

const LOOK_MS = 3000;

export function showJob(main, id) {
  const view = new JobView(id);
  main.append(view.element);
  view.load();
  return () => view.close();
}

class JobView {
  constructor(id) {
    this.id = id;
    this.title = h("h1", { class: "name", tabindex: "-1" }, t("loading"));
    this.badge = h("span", { class: "badge" });
    this.badge.hidden = true;
    this.facts = h("p", { class: "muted" });
    this.bar = h("progress", { max: 1, hidden: true });
    this.trouble = h("div", { class: "error" });
    this.cancel = h("button", { type: "button", hidden: true, on: { click: () => this.post("cancel") } }, t("cancel"));
    this.retry = h("button", { type: "button", hidden: true, on: { click: () => this.post("retry") } }, t("retry"));
    this.body = h("div");
    this.element = h(
      "article",
      {},
      h("p", {}, h("a", { href: "./#/" }, `← ${t("back")}`)),
      h("div", { class: "head" }, this.title, this.badge),
      this.facts,
      this.bar,
      this.trouble,
      h("div", { class: "actions" }, this.cancel, this.retry),
      this.body,
    );
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.stop?.();
    this.leave?.();
  }

  async load() {
    try {
      this.show(await get(`v1/jobs/${this.id}`, { cache: "no-store" }));
    } catch (error) {
      if (this.closed) return;
      if (error.status === 404) {
        say(this.title, t("gone"));
        return;
      }
      say(this.facts, words(error));
      this.timer = setTimeout(() => this.load(), LOOK_MS);
    }
  }

  show(job) {
    if (this.closed) return;
    this.job = job;
    const isActive = job.state === "queued" || job.state === "running";
    document.title = `${job.filename} · Tingxie`;
    say(this.title, job.filename);
    this.badge.hidden = false;
    say(this.badge, t(job.state));
    this.badge.dataset.state = job.state;
    say(this.facts, facts(job).join(" · "));
    this.bar.hidden = !isActive;
    this.bar.value = job.progress || 0;
    this.bar.setAttribute("aria-label", t("progressOf", { name: job.filename }));
    const troubles = [job.error, ...job.warnings].filter(Boolean);
    this.trouble.replaceChildren(...troubles.map((each) => h("p", {}, told(each), " ", h("span", { lang: "en" }, aside(each)))));
    const pressed = document.activeElement;
    this.cancel.hidden = !isActive;
    this.retry.hidden = !["failed", "cancelled"].includes(job.state);
    if (pressed === this.cancel && this.cancel.hidden) (this.retry.hidden ? this.title : this.retry).focus();
    if (isActive) {
      this.live();
      this.timer = setTimeout(() => this.load(), LOOK_MS); // what events don't tell: the queue, the time left
    } else {
      this.stop?.();
      if (job.state === "succeeded" && !this.leave) this.leave = showTranscript(this.body, job);
    }
  }

  /** The text as it grows. */
  live() {
    if (this.stop) return;
    const text = document.createTextNode("");
    const note = h("p", { class: "muted" }, t("noText"));
    this.body.replaceChildren(h("h2", {}, t("transcript")), note, h("div", { class: "card text live", lang: "zh", tabindex: "0", role: "region", "aria-label": t("transcript") }, text));
    this.stop = follow(this.id, (news) => {
      if (news.text !== undefined) text.data = news.text;
      if (news.delta) text.appendData(news.delta);
      if (text.data) say(note, t("soFar"));
      if (news.progress !== undefined) this.bar.value = news.progress;
      if (!news.ended) return;
      announce(t("of", { action: this.job.filename, name: t(news.state) }));
      clearTimeout(this.timer);
      this.load();
    });
  }

  async post(action) {
    try {
      const job = await (await ask(`v1/jobs/${this.id}/${action}`, { method: "POST" })).json();
      if (action === "retry") location.hash = `#/job/${job.id}`;
      else (announce(t("of", { action: job.filename, name: t(job.state) })), this.show(job));
    } catch (error) {
      toast(words(error), { bad: true });
    }
  }
}

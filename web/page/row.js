// One recording in the list.
import { h, say } from "./dom.js";
import { t } from "./i18n.js";
import { told } from "./troubles.js";
import { clock, lasting, moment, percent } from "./units.js";

const ACTIONS = { queued: ["cancel", "delete"], running: ["cancel", "delete"], succeeded: ["delete"], failed: ["retry", "delete"], cancelled: ["retry", "delete"] };

export class Row {
  constructor(act) {
    this.link = h("a", { class: "name" });
    this.badge = h("span", { class: "badge" });
    this.facts = h("p", { class: "muted facts" });
    this.bar = h("progress", { max: 1 });
    this.trouble = h("p", { class: "error" });
    this.buttons = Object.fromEntries(
      ["cancel", "retry", "delete"].map((name) => [name, h("button", { type: "button", on: { click: () => act(name, this.job) } }, t(name))]),
    );
    this.element = h("li", { class: "job" }, h("div", { class: "about" }, h("div", { class: "head" }, this.link, this.badge), this.bar, this.facts, this.trouble), h("div", { class: "actions" }, Object.values(this.buttons)));
  }

  update(job) {
    this.job = job;
    const isActive = job.state === "queued" || job.state === "running";
    say(this.link, job.filename);
    this.link.href = `./#/job/${job.id}`;
    say(this.badge, t(job.state));
    this.badge.dataset.state = job.state;
    this.bar.hidden = !isActive;
    this.bar.value = job.progress || 0;
    this.bar.setAttribute("aria-label", t("progressOf", { name: job.filename }));
    say(this.facts, facts(job).join(" · "));
    say(this.trouble, job.error ? told(job.error, ["title", "remedy"]) : "");
    this.trouble.hidden = !job.error;
    const isOn = this.element.contains(document.activeElement);
    for (const [name, button] of Object.entries(this.buttons)) {
      button.hidden = !ACTIONS[job.state].includes(name);
      button.setAttribute("aria-label", t("of", { action: t(name), name: job.filename }));
    }
    if (isOn && document.activeElement.hidden) this.link.focus(); // what was pressed has gone
  }
}

export function facts(job) {
  const isActive = job.state === "queued" || job.state === "running";
  return [
    isActive && job.state === "running" && percent(job.progress || 0),
    isActive && job.stage && t(job.stage),
    isActive && job.queue_position > 0 && t("ahead", { n: job.queue_position }),
    isActive && job.eta_s !== null && job.eta_s !== undefined && t("left", { time: lasting(job.eta_s) }),
    job.duration_s && clock(job.duration_s),
    job.skipped_s >= 1 && t("skipped", { time: lasting(job.skipped_s) }),
    moment(job.created_at),
  ].filter(Boolean);
}

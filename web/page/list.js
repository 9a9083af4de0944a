// My recordings: the newest first, kept up to date while any of them is worked on.
import { ask, Repeated, words } from "./api.js";
import { announce, h, say, toast } from "./dom.js";
import { follow } from "./follow.js";
import { t } from "./i18n.js";
import { Row } from "./row.js";
import { submitForm } from "./submit.js";

const BUSY_MS = 2000;
const QUIET_MS = 10000;
const UNDO_S = 7;
/** Streams held open: browsers grant six connections to one server, and uploads need some. */
const FOLLOWED = 2;
const FILTERS = { all: [], active: ["queued", "running"], succeeded: ["succeeded"], failed: ["failed", "cancelled"] };
/** Deleted on the page, not yet on the server: they may be wanted back. */
const leaving = new Set();

export function showList(main) {
  const [form, closeForm] = submitForm();
  const list = new List();
  main.append(form, list.element);
  list.refresh();
  return () => {
    closeForm();
    list.close();
  };
}

class List {
  constructor() {
    this.rows = new Map();
    this.jobs = [];
    this.followed = new Map();
    this.limit = 30;
    this.repeated = new Repeated();
    this.name = h("input", { id: "search", type: "search", maxlength: 100 });
    this.state = h("select", { id: "state" }, Object.keys(FILTERS).map((name) => h("option", { value: name }, t(name))));
    this.items = h("ul", { class: "jobs" });
    this.note = h("p", { class: "muted note" }, t("loading"));
    this.more = h("button", { type: "button", hidden: true, on: { click: () => ((this.limit = Math.min(200, this.limit * 2)), this.refresh()) } }, t("more"));
    this.element = h(
      "section",
      { "aria-labelledby": "jobs-title" },
      h("div", { class: "row wrap" }, h("h2", { id: "jobs-title", class: "grow" }, t("myJobs")), field("search", t("searchName"), this.name), field("state", t("filter"), this.state)),
      this.items,
      this.note,
      this.more,
    );
    this.name.addEventListener("input", () => (clearTimeout(this.typing), (this.typing = setTimeout(() => this.refresh(), 250))));
    this.state.addEventListener("change", () => this.refresh());
    this.submitted = () => this.refresh();
    document.addEventListener("tx:submitted", this.submitted);
    this.visible = () => document.hidden || this.refresh();
    document.addEventListener("visibilitychange", this.visible);
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.followed.forEach((stop) => stop());
    document.removeEventListener("tx:submitted", this.submitted);
    document.removeEventListener("visibilitychange", this.visible);
  }

  path() {
    const query = new URLSearchParams({ limit: this.limit });
    for (const state of FILTERS[this.state.value]) query.append("state", state);
    if (this.name.value) query.set("filename", this.name.value);
    return `v1/jobs?${query}`;
  }

  async refresh() {
    clearTimeout(this.timer);
    const turn = (this.turn = (this.turn || 0) + 1);
    try {
      const page = await this.repeated.get(this.path());
      if (this.closed || turn !== this.turn) return;
      if (page) this.show(page);
      else this.say();
    } catch (error) {
      if (this.closed || error.status === 401) return;
      say(this.note, words(error));
      this.note.hidden = false;
    }
    const busy = this.jobs.some((job) => !job.finished_at);
    if (!this.closed && !document.hidden) this.timer = setTimeout(() => this.refresh(), busy ? BUSY_MS : QUIET_MS);
  }

  show(page) {
    this.jobs = page.jobs.filter((job) => !leaving.has(job.id));
    this.more.hidden = page.next_cursor === null || this.limit >= 200;
    const kept = new Set(this.jobs.map((job) => job.id));
    for (const [id, row] of this.rows)
      if (!kept.has(id)) {
        row.element.remove();
        this.rows.delete(id);
      }
    this.jobs.forEach((job, place) => {
      const row = this.rows.get(job.id) ?? new Row((action, of) => this.act(action, of));
      this.rows.set(job.id, row);
      row.update(job);
      if (this.items.children[place] !== row.element) this.items.insertBefore(row.element, this.items.children[place] ?? null);
    });
    this.say();
    this.followFirst();
  }

  say() {
    const filtered = this.name.value || this.state.value !== "all";
    this.note.hidden = this.jobs.length > 0;
    say(this.note, t(filtered ? "noMatch" : "noJobs"));
  }

  /** The first that are worked on, by their events; all others by asking for the list. */
  followFirst() {
    const wanted = this.jobs.filter((job) => job.state === "running").slice(-FOLLOWED).map((job) => job.id);
    for (const [id, stop] of this.followed)
      if (!wanted.includes(id)) {
        stop();
        this.followed.delete(id);
      }
    for (const id of wanted)
      if (!this.followed.has(id)) this.followed.set(id, follow(id, (news) => this.happened(id, news)));
  }

  happened(id, news) {
    const row = this.rows.get(id);
    if (row && !news.ended) row.update({ ...row.job, ...pick(news, ["state", "stage", "progress"]) });
    if (!news.ended) return;
    this.followed.delete(id);
    if (row) announce(t("of", { action: row.job.filename, name: t(news.state) }));
    this.refresh();
  }

  async act(action, job) {
    if (action === "delete") return this.remove(job);
    try {
      await ask(`v1/jobs/${job.id}/${action}`, { method: "POST" });
      announce(t("of", { action: t(action), name: job.filename }));
    } catch (error) {
      toast(words(error), { bad: true });
    }
    this.refresh();
  }

  /** Gone from the page at once, from the server when nobody has wanted it back. */
  remove(job) {
    leaving.add(job.id);
    const place = [...this.items.children].indexOf(this.rows.get(job.id).element);
    this.show({ jobs: this.jobs, next_cursor: this.more.hidden ? null : "" });
    (this.items.children[Math.min(place, this.items.children.length - 1)]?.querySelector("a") ?? this.name).focus();
    const back = () => {
      leaving.delete(job.id);
      this.repeated = new Repeated();
      return this.refresh();
    };
    toast(t("deletedToast", { name: job.filename }), {
      stay_s: UNDO_S,
      action: { label: t("undo"), run: () => (announce(t("undone", { name: job.filename })), back().then(() => this.rows.get(job.id)?.link.focus())) },
      gone: () =>
        ask(`v1/jobs/${job.id}`, { method: "DELETE", keepalive: true }).catch((error) => {
          if (error.status === 404) return;
          toast(words(error), { bad: true });
          back();
        }),
    });
  }
}

const field = (id, label, input) => h("div", {}, h("label", { for: id }, label), input);
const pick = (from, names) => Object.fromEntries(names.filter((name) => name in from).map((name) => [name, from[name]]));

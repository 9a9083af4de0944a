// For operators: is it ready, who works, what waits, what failed.
import { address, get, HEADERS, words } from "./api.js";
import { h, say } from "./dom.js";
import { t } from "./i18n.js";
import { told } from "./troubles.js";
import { lasting, moment } from "./units.js";

const EVERY_MS = 5000;
/** Of what one worker has in hand, as many are named. */
const NAMED = 4;
const PHASES = { prepare: "preparing", transcribe: "transcribing", finish: "finishing" };

export function showStatus(main) {
  const state = h("p", { class: "state", role: "status" }, t("loading"));
  const [checks, workers, backlog, failures] = [1, 2, 3, 4].map(() => h("div", { class: "scroll" }));
  const section = (name, body) => h("section", {}, h("h2", {}, t(name)), body);
  main.append(h("h1", {}, t("statusTitle")), state, section("workers", workers), section("backlog", backlog), section("failures", failures), section("checks", checks));
  let [timer, closed] = [0, false];
  const look = async () => {
    const [ready, status, mine] = await Promise.allSettled([readiness(), get("v1/status"), mineOfLate()]);
    if (closed) return;
    const jobs = new Map((mine.value ?? []).map((job) => [job.id, job]));
    showReadiness(state, checks, ready);
    if (status.status === "fulfilled") {
      workers.replaceChildren(workersTable(status.value.workers, jobs));
      backlog.replaceChildren(backlogTable(status.value), h("p", {}, `${t("oldest")}: ${lasting0(status.value.oldest_wait_s)}`));
      failures.replaceChildren(...failuresOf(status.value.failures, jobs));
    } else {
      const why = status.reason.status === 403 ? t("needsAdmin") : words(status.reason);
      for (const each of [workers, backlog, failures]) each.replaceChildren(h("p", { class: "muted" }, why));
    }
    timer = setTimeout(look, EVERY_MS);
  };
  look();
  return () => {
    closed = true;
    clearTimeout(timer);
  };
}

/** Also an answer where it is 503. */
const readiness = async () => (await fetch(address("readyz"), { headers: HEADERS, cache: "no-store" })).json();

/** For their names; of others' jobs only the ids are known here. */
const mineOfLate = async () => (await get("v1/jobs?state=running&state=failed&limit=100")).jobs;

const lasting0 = (seconds) => (seconds < 1 ? t("seconds", { n: 0 }) : lasting(seconds));

function showReadiness(state, checks, ready) {
  const found = ready.status === "fulfilled" ? ready.value : null;
  say(state, found ? t(found.working ? "ready" : found.accepting ? "notWorking" : "notReady") : t("away"));
  state.dataset.state = found?.working ? "succeeded" : found?.accepting ? "queued" : "failed";
  if (!found) return;
  const rows = Object.entries(found.checks).map(([name, check]) => {
    const [word, badge] = !check.ok ? ["bad", "failed"] : check.warning ? ["look", "queued"] : ["good", "succeeded"];
    return [t(`check_${name}`), h("span", { class: "badge", data: { state: badge } }, t(word)), check.detail];
  });
  checks.replaceChildren(table([t("check"), t("status"), t("detail")], rows));
}

function workersTable(workers, jobs) {
  if (!workers.length) return h("p", {}, t("noWorkers"));
  const rows = workers.map((worker) => [
    `${worker.host} · ${worker.pid}`,
    t(`kind_${worker.kind}`) + (worker.draining ? ` (${t("draining")})` : ""),
    inHand(worker.in_hand, jobs),
    worker.models.join(", ") || "–",
    worker.speed ? t("times", { n: worker.speed.toFixed(1) }) : "–",
    worker.idle_slots,
  ]);
  return table([t("host"), t("kind"), t("doing"), t("serves"), t("speedOf"), t("idle")], rows);
}

function backlogTable(status) {
  const rows = status.models.map((each) => {
    const speed = each.speed * each.workers;
    return [each.model, each.jobs, lasting0(each.backlog_s), speed ? t("times", { n: speed.toFixed(1) }) : "–", speed ? lasting0(each.backlog_s / speed) : t("unknown")];
  });
  return rows.length ? table([t("model"), t("unfinished"), t("audioHours"), t("speedOf"), t("doneIn")], rows) : h("p", {}, t("none"));
}

function inHand(works, jobs) {
  if (!works.length) return "–";
  const named = works.slice(0, NAMED).map((work) => h("div", {}, `${t(PHASES[work.phase])}: `, link(work.job_id, jobs), work.windows > 1 && ` ×${work.windows}`));
  return works.length > NAMED ? [...named, t("others", { n: works.length - NAMED })] : named;
}

/** What went wrong how often, and with which recordings last. */
function failuresOf(failures, jobs) {
  if (!failures.total) return [h("p", {}, t("none"))];
  const counts = Object.entries(failures.types).map(([type, count]) => [meaning(type, failures.last, jobs), count]);
  const last = failures.last.map((each) => [moment(each.at), link(each.job_id, jobs), meaning(each.type, [each], jobs)]);
  return [table([t("error"), t("howMany")], counts), h("h3", {}, t("lastOnes")), table([t("when"), t("recording"), t("error")], last)];
}

/** What happened, of a type of error: in the page's words, in those of a recording that has it, or by its name. */
function meaning(type, failures, jobs) {
  const known = failures.filter((each) => each.type === type).map((each) => jobs.get(each.job_id)?.error);
  return told({ type, title: known.find(Boolean)?.title ?? type.replaceAll("-", " ") }, ["title"]).split(/(?<=[.。])/)[0];
}

const link = (id, jobs) => h("a", { href: `./#/job/${id}` }, jobs.get(id)?.filename ?? id.slice(0, 8));

function table(heads, rows) {
  return h("table", {}, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, n) => h("td", { "data-head": heads[n] }, cell))))));
}

// For operators: is it ready, who works, what waits, what failed.
import { ask, get, HEADERS, address } from "./api.js";
import { h, say } from "./dom.js";
import { t } from "./i18n.js";
import { lasting, moment } from "./units.js";

const EVERY_MS = 5000;
const HOUR_S = 3600;

export function showStatus(main) {
  const state = h("p", { class: "state", role: "status" }, t("loading"));
  const [checks, workers, backlog, failures] = [1, 2, 3, 4].map(() => h("div", { class: "scroll" }));
  const section = (name, body) => h("section", {}, h("h2", {}, t(name)), body);
  main.append(h("h1", {}, t("statusTitle")), state, section("workers", workers), section("backlog", backlog), section("failures", failures), section("checks", checks));
  let [timer, closed] = [0, false];
  const look = async () => {
    const [ready, status, failed] = await Promise.allSettled([readiness(), get("v1/status"), recentFailures()]);
    if (closed) return;
    showReadiness(state, checks, ready);
    if (status.status === "fulfilled") {
      workers.replaceChildren(workersTable(status.value.workers));
      backlog.replaceChildren(backlogTable(status.value), h("p", {}, `${t("oldest")}: ${lasting0(status.value.oldest_wait_s)}`));
    } else {
      const why = status.reason.status === 403 ? t("needsAdmin") : status.reason.status ? status.reason.message : t("away");
      for (const each of [workers, backlog]) each.replaceChildren(h("p", { class: "muted" }, why));
    }
    if (failed.status === "fulfilled") failures.replaceChildren(failuresList(failed.value));
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

const recentFailures = async () => (await ask(`v1/jobs?state=failed&limit=20&created_after=${Math.floor(Date.now() / 1000) - HOUR_S}`)).json();

const lasting0 = (seconds) => (seconds < 1 ? t("seconds", { n: 0 }) : lasting(seconds));

function showReadiness(state, checks, ready) {
  const found = ready.status === "fulfilled" ? ready.value : null;
  say(state, found ? t(found.working ? "ready" : found.accepting ? "notWorking" : "notReady") : t("away"));
  state.dataset.state = found?.working ? "succeeded" : found?.accepting ? "queued" : "failed";
  if (!found) return;
  const rows = Object.entries(found.checks).map(([name, check]) => {
    const [word, badge] = !check.ok ? ["bad", "failed"] : check.warning ? ["look", "queued"] : ["good", "succeeded"];
    return [name.replaceAll("_", " "), h("span", { class: "badge", data: { state: badge } }, t(word)), check.detail];
  });
  checks.replaceChildren(table([t("check"), t("status"), t("detail")], rows));
}

function workersTable(workers) {
  if (!workers.length) return h("p", {}, t("noWorkers"));
  const rows = workers.map((worker) => [
    `${worker.host} · ${worker.pid}`,
    t(`kind_${worker.kind}`) + (worker.draining ? ` (${t("draining")})` : ""),
    worker.models.join(", ") || "–",
    worker.speed ? t("times", { n: worker.speed.toFixed(1) }) : "–",
    worker.idle_slots,
  ]);
  return table([t("host"), t("kind"), t("serves"), t("speedOf"), t("idle")], rows);
}

function backlogTable(status) {
  const rows = status.models.map((each) => {
    const speed = each.speed * each.workers;
    return [each.model, each.jobs, lasting0(each.backlog_s), speed ? t("times", { n: speed.toFixed(1) }) : "–", speed ? lasting0(each.backlog_s / speed) : t("unknown")];
  });
  return rows.length ? table([t("model"), t("unfinished"), t("audioHours"), t("speedOf"), t("doneIn")], rows) : h("p", {}, t("none"));
}

function failuresList(page) {
  if (!page.jobs.length) return h("p", {}, t("none"));
  return h(
    "ul",
    { class: "plain" },
    page.jobs.map((job) => h("li", {}, h("a", { href: `./#/job/${job.id}` }, job.filename), ` · ${moment(job.created_at)} · ${job.error?.title ?? ""}`)),
  );
}

function table(heads, rows) {
  return h("table", {}, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, n) => h("td", { "data-head": heads[n] }, cell))))));
}

// What is shown: which view, in which language and colours, and whether a key is wanted first.
import { ask, get } from "./api.js";
import { $ } from "./dom.js";
import { chooseLanguage, language, t, translate } from "./i18n.js";
import { showJob } from "./job.js";
import { showList } from "./list.js";
import { showSignIn } from "./signin.js";
import { showStatus } from "./status.js";

let leave = () => {};
let session = { wants_key: false, signed_in: true };

function show() {
  leave();
  const main = $("#main");
  main.replaceChildren();
  const job = /^#\/job\/([0-9a-f]{32})$/.exec(location.hash);
  const isStatus = /\/status\/?$/.test(location.pathname);
  const name = isStatus ? "status" : job ? "job" : "list";
  for (const link of document.querySelectorAll("[data-nav]")) {
    if (link.dataset.nav === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = isStatus ? `${t("status")} · Tingxie` : "Tingxie";
  $("#sign-out").hidden = !(session.wants_key && session.signed_in);
  if (session.wants_key && !session.signed_in) leave = showSignIn(main, signedIn);
  else if (isStatus) leave = showStatus(main);
  else leave = job ? showJob(main, job[1]) : showList(main);
}

function signedIn(found) {
  session = found;
  show();
  $("#main").focus();
}

function colours(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
}

async function start() {
  const theme = localStorage.getItem("theme") || "auto";
  colours(theme);
  $("#theme").value = theme;
  $("#theme").addEventListener("change", (event) => colours(event.target.value));
  $("#language").value = language();
  $("#language").addEventListener("change", (event) => chooseLanguage(event.target.value));
  translate();
  $(".skip").addEventListener("click", (event) => {
    event.preventDefault(); // the hash is the view's
    $("#main").focus();
  });
  $("#sign-out").addEventListener("click", async () => {
    await ask("session", { method: "DELETE" });
    signedIn({ wants_key: true, signed_in: false });
  });
  document.addEventListener("tx:signed-out", () => {
    if (session.wants_key && !session.signed_in) return;
    signedIn({ wants_key: true, signed_in: false });
  });
  document.addEventListener("tx:language", show);
  addEventListener("hashchange", () => {
    show();
    $("#main").focus();
    scrollTo(0, 0);
  });
  session = await get("session").catch(() => session);
  show();
}

start();

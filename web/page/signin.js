// Where keys are on: the key goes to the server once and comes back as a cookie that no script can read.
import { get, words } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";

export function showSignIn(main, done) {
  const field = h("input", { id: "key", type: "password", autocomplete: "current-password", required: true, spellcheck: "false" });
  const bad = h("p", { class: "error", role: "alert" });
  const send = async (event) => {
    event.preventDefault();
    bad.textContent = "";
    try {
      done(await get("session", { method: "POST", json: { key: field.value.trim() } }));
    } catch (error) {
      bad.textContent = error.status === 401 ? t("signInBad") : words(error);
      field.focus();
    }
  };
  main.append(
    h(
      "form",
      { class: "card narrow", on: { submit: send } },
      h("h1", {}, t("signIn")),
      h("p", {}, t("signInWhy")),
      h("label", { for: "key" }, t("apiKey")),
      field,
      bad,
      h("button", { class: "main" }, t("signIn")),
    ),
  );
  field.focus();
  return () => {};
}

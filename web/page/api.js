// Requests to this server; what it refuses becomes a Refused, told in the page's language.
import { t } from "./i18n.js";
import { bare, told } from "./troubles.js";

/** Marks a request as this page's own: no other site can send it. */
export const HEADERS = { "X-Tingxie-Page": "1" };

export const address = (path) => new URL(path, document.baseURI).href;

export class Refused extends Error {
  constructor(status, problem) {
    super(told(problem, [problem.detail ? "detail" : "title", "remedy"]) || `HTTP ${status}`);
    this.status = status;
    this.type = bare(problem.type);
  }
}

/** What to say of whatever a request threw. */
export const words = (error) => (error instanceof Refused ? error.message : t("away"));

export async function refusal(response) {
  const text = await response.text().catch(() => "");
  return asRefused(response.status, text);
}

export function asRefused(status, text) {
  let problem = {};
  try {
    problem = JSON.parse(text);
  } catch {
    // a proxy's page, perhaps
  }
  if (status === 401) document.dispatchEvent(new CustomEvent("tx:signed-out"));
  return new Refused(status, problem);
}

/** fetch, of a path on this server; `json` becomes the body. Throws Refused, or TypeError where nobody answers. */
export async function ask(path, { json, headers, ...options } = {}) {
  const sent = { ...HEADERS, ...headers };
  if (json !== undefined) {
    options.body = JSON.stringify(json);
    sent["Content-Type"] = "application/json";
  }
  const response = await fetch(address(path), { credentials: "same-origin", ...options, headers: sent });
  if (!response.ok && response.status !== 304) throw await refusal(response);
  return response;
}

export const get = async (path, options) => (await ask(path, options)).json();

/** An answer that is asked for again and again: null where nothing has changed. */
export class Repeated {
  #etag = "";
  #path = "";

  async get(path, options = {}) {
    const headers = this.#etag && path === this.#path ? { "If-None-Match": this.#etag } : {};
    const response = await ask(path, { ...options, headers, cache: "no-store" });
    if (response.status === 304) return null;
    const found = await response.json();
    // only now: a request that is sent meanwhile must not be told that nothing has changed
    this.#etag = response.headers.get("ETag") || "";
    this.#path = path;
    return found;
  }
}

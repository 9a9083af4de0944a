// Requests to this server; what it refuses becomes a Refused with the problem's own words.

/** Marks a request as this page's own: no other site can send it. */
export const HEADERS = { "X-Tingxie-Page": "1" };

export const address = (path) => new URL(path, document.baseURI).href;

export class Refused extends Error {
  constructor(status, problem) {
    super(sentences([problem.detail || problem.title, problem.remedy]) || `HTTP ${status}`);
    this.status = status;
    this.type = (problem.type || "").split("/").pop();
  }
}

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
    this.#etag = response.headers.get("ETag") || "";
    this.#path = path;
    return response.json();
  }
}

/** Joined as sentences, each once. */
export const sentences = (texts) => [...new Set(texts.filter(Boolean))].map((text) => (/[.!?。]$/.test(text) ? text : `${text}.`)).join(" ");

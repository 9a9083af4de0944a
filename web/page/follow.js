// A job as it happens: by server-sent events, and where those don't come through by polls that wait.
import { address, Repeated } from "./api.js";

const RETRY_MS = 3000;

/** Calls `told` with {state, stage, progress, text, delta, ended} as far as known, until the function returned is called. */
export function follow(id, told) {
  let over = false;
  const source = new EventSource(address(`v1/jobs/${id}/events`));
  const listen = (kind, change) =>
    source.addEventListener(kind, (event) => {
      if (!over) told(change(JSON.parse(event.data)));
    });
  listen("snapshot", (data) => data);
  listen("state", (data) => data);
  listen("progress", (data) => data);
  listen("text", (data) => data);
  listen("end", (data) => {
    source.close();
    return { ...data, ended: true };
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED && !over) poll(id, told, () => over);
  });
  return () => {
    over = true;
    source.close();
  };
}

async function poll(id, told, isOver) {
  const repeated = new Repeated();
  while (!isOver()) {
    try {
      const job = await repeated.get(`v1/jobs/${id}?wait=10`);
      if (isOver()) return;
      if (job) {
        const ended = ["succeeded", "failed", "cancelled"].includes(job.state);
        told({ state: job.state, stage: job.stage, progress: job.progress, text: job.partial_text, error: job.error, ended });
        if (ended) return;
      }
    } catch (error) {
      if (error.status === 404) return told({ state: "deleted", ended: true });
      if (error.status === 401) return;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

// The server's jobs.
import { call, getJson } from "./http.js";
import { followEvents } from "./sse.js";
import { jobOf, progressOf, resultOf, segmentOf } from "./shape.js";
import { sendForm } from "./upload.js";

const pathOf = (id, rest = "") => `/v1/jobs/${encodeURIComponent(id)}${rest}`;

// The newest jobs, or those older than the place that `next` of the page before names: {jobs, next}, null at the end.
export async function listJobs(after = null) {
  const query = new URLSearchParams({ limit: "50", ...(after === null ? {} : { after }) });
  const json = await getJson(`/v1/jobs?${query}`);
  return { jobs: json.data.map(jobOf), next: json.has_more ? json.next : null };
}

export async function getJob(id) {
  return jobOf(await getJson(pathOf(id)));
}

// `fields` are pairs of names and values. Resolves to the new job.
export async function submitJob(file, fields, { onProgress, signal }) {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  form.append("file", file, file.name);
  return jobOf(await sendForm("/v1/jobs", form, { onProgress, signal }));
}

export async function getResult(id) {
  return resultOf(await getJson(pathOf(id, "/result?format=json")));
}

export const audioAddress = (id) => pathOf(id, "/audio");

export async function cancelJob(id) {
  await call(pathOf(id), { method: "DELETE" });
}

// Tells what happens to a job, as it happens, until it is over: onChange(some of a job's values), onSegment(segment), and
// onBegin() when it begins, once more if the server had to start again: segments come anew.
export function followJob(id, { onChange, onSegment, onBegin, signal }) {
  const over = ["done", "failed", "cancelled"];
  const onEvent = ({ name, data }) => {
    if (name === "segment") {
      onSegment(segmentOf(data));
    } else if (name === "progress") {
      onChange({ status: "running", ...progressOf(data) });
    } else if (name === "queued" || name === "running") {
      if (name === "queued") onBegin();
      onChange({ status: name });
    } else if (over.includes(name)) {
      onChange({ ...jobOf(data), status: name });
      return true;
    }
    return false;
  };
  return followEvents(pathOf(id, "/events"), { onEvent, signal });
}

// The server's jobs.
import { call, getJson } from "./http.js";
import { followEvents } from "./sse.js";
import { jobOf, progressOf, resultOf, segmentOf } from "./shape.js";
import { sendForm } from "./upload.js";

const pathOf = (id, rest = "") => `/v1/jobs/${encodeURIComponent(id)}${rest}`;

export async function listJobs() {
  const json = await getJson("/v1/jobs?limit=100");
  return (json.data ?? json.jobs ?? json).map(jobOf);
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

export async function cancelJob(id) {
  await call(pathOf(id), { method: "DELETE" });
}

// Tells what happens to a job, as it happens, until it is over: onChange({status?, fraction?, doneS?, audioS?, error?}),
// onSegment(segment).
export function followJob(id, { onChange, onSegment, signal }) {
  const over = ["done", "failed", "cancelled"];
  const onEvent = ({ name, data }) => {
    if (name === "segment") {
      onSegment(segmentOf(data.segment ?? data));
    } else if (name === "progress") {
      onChange({ status: "running", ...progressOf(data.progress ?? data) });
    } else if (name === "queued" || name === "running") {
      onChange({ status: name });
    } else if (over.includes(name)) {
      const message = typeof data.error === "string" ? data.error : data.error?.message ?? null;
      onChange({ status: name, ...(name === "done" ? { fraction: 1 } : { error: message }) });
      return true;
    }
    return false;
  };
  return followEvents(pathOf(id, "/events"), { onEvent, signal });
}

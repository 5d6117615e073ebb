// The server's JSON as the page's own values: the one place that knows the names of the server's fields. Pure.

const number = (value, otherwise = null) => (Number.isFinite(value) ? value : otherwise);

function dateOf(value) {
  if (Number.isFinite(value)) return new Date(value * 1000);
  const date = new Date(value ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}

// A job: {id, name, status, model, language, createdAt, audioS, doneS, fraction, realtimeFactor, error, hasAudio}.
// status is queued | running | done | failed | cancelled.
export function jobOf(json) {
  const progress = progressOf(json.progress ?? {});
  return {
    id: String(json.id),
    name: json.name ?? json.file_name ?? json.filename ?? json.url ?? String(json.id),
    status: json.status,
    model: json.model ?? null,
    language: json.language || null,
    createdAt: dateOf(json.created_at ?? json.created),
    audioS: number(json.duration) ?? number(json.audio_seconds) ?? progress.audioS,
    doneS: json.status === "done" ? null : progress.doneS,
    fraction: json.status === "done" ? 1 : progress.fraction,
    realtimeFactor: number(json.realtime_factor),
    error: typeof json.error === "string" ? json.error : json.error?.message ?? null,
  };
}

// How far a job is: {fraction, doneS, audioS}; null for what the server does not know yet.
export function progressOf(json) {
  if (Number.isFinite(json)) return { fraction: json, doneS: null, audioS: null };
  const audioS = number(json.total_seconds) ?? number(json.audio_seconds) ?? number(json.duration);
  const doneS = number(json.processed_seconds) ?? number(json.done_seconds) ?? number(json.seconds);
  let fraction = number(json.fraction) ?? number(json.progress);
  if (fraction === null && doneS !== null && audioS > 0) fraction = doneS / audioS;
  return { fraction: fraction === null ? null : Math.min(1, Math.max(0, fraction)), doneS, audioS };
}

// One segment of a transcript: {start, end, text, speaker, words: [{text, start, end, p}]}.
export function segmentOf(json) {
  const words = (json.words ?? []).map((word) => ({
    text: word.word ?? word.text ?? "",
    start: number(word.start, 0),
    end: number(word.end, 0),
    p: number(word.probability),
  }));
  return { start: number(json.start, 0), end: number(json.end, 0), text: json.text ?? "", speaker: json.speaker ?? null, words };
}

// A transcript: {language, duration, segments}. Words that stand beside the segments instead of in them (OpenAI's
// verbose_json) are dealt out by their times.
export function resultOf(json) {
  const segments = (json.segments ?? []).map(segmentOf);
  if (segments.every((segment) => segment.words.length === 0) && Array.isArray(json.words)) {
    for (const word of segmentOf({ words: json.words }).words) {
      const middle = (word.start + word.end) / 2;
      const home = segments.find((segment) => middle < segment.end) ?? segments.at(-1);
      home?.words.push(word);
    }
  }
  return { language: json.language ?? null, duration: number(json.duration), segments };
}

// {models: [{id, isDefault}]}; other names of the same model are left out.
export function modelsOf(json) {
  return (json.data ?? [])
    .filter((model) => !model.alias_of)
    .map((model) => ({ id: model.id, isDefault: model.default === true, loaded: model.loaded === true }));
}

// A message of live captions: {kind: "partial" | "final" | "error" | "done" | "other", text, start, end, segments}.
export function captionOf(json) {
  const type = String(json.type ?? json.event ?? "");
  const kind = ["partial", "final", "error", "done"].find((each) => type === each || type.endsWith(`.${each}`)) ?? "other";
  return {
    kind,
    text: (kind === "error" ? json.error?.message ?? json.message : json.text) ?? "",
    start: number(json.start),
    end: number(json.end),
    segments: (json.segments ?? (json.words ? [json] : [])).map(segmentOf),
  };
}

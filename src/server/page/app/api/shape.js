// The server's JSON as the page's own values: the one place that knows the names of the server's fields. Pure.

const number = (value, otherwise = null) => (Number.isFinite(value) ? value : otherwise);

// A job: {id, name, status, model, language, createdAt, sizeBytes, audioS, doneS, fraction, position, realtimeFactor,
// error, warning, hasAudio}. status is queued | running | done | failed | cancelled; position is its place in the queue.
export function jobOf(json) {
  const progress = progressOf(json.progress ?? {});
  return {
    id: String(json.id),
    name: json.name || json.url || String(json.id),
    status: json.status,
    model: json.model ?? null,
    language: json.language || null,
    createdAt: Number.isFinite(json.created_at) ? new Date(json.created_at * 1000) : null,
    sizeBytes: number(json.size_bytes, 0),
    audioS: number(json.duration) ?? progress.audioS,
    doneS: json.status === "done" ? null : progress.doneS,
    fraction: json.status === "done" ? 1 : progress.fraction,
    position: number(json.queue_position),
    realtimeFactor: number(json.realtime_factor),
    error: json.error?.message ?? null,
    warning: json.warning ?? null,
    hasAudio: json.audio_available === true,
  };
}

// How far a job is: {fraction, doneS, audioS, realtimeFactor, language}; null for what the server does not know yet.
export function progressOf(json) {
  const audioS = json.audio_total > 0 ? json.audio_total : null;
  return {
    fraction: audioS === null ? null : Math.min(1, Math.max(0, number(json.fraction, 0))),
    doneS: number(json.audio_done),
    audioS,
    realtimeFactor: json.realtime_factor > 0 ? json.realtime_factor : null,
    language: json.language || null,
  };
}

// One segment of a transcript: {start, end, text, speaker, words: [{text, start, end, p}]}.
export function segmentOf(json) {
  const words = (json.words ?? []).map((word) => ({
    text: word.word ?? word.text ?? "",
    start: number(word.start, 0),
    end: number(word.end, 0),
    p: number(word.probability),
  }));
  return {
    start: number(json.start, 0),
    end: number(json.end, 0),
    text: json.text ?? "",
    speaker: json.speaker ?? null,
    words
  };
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

// A message of live captions: {kind: "partial" | "final" | "error" | "done" | "other", text, start, end, language, segments}.
export function captionOf(json) {
  const type = String(json.type ?? json.event ?? "");
  const kind =
    ["partial", "final", "error", "done"].find((each) => type === each || type.endsWith(`.${each}`)) ?? "other";
  return {
    kind,
    text: (kind === "error" ? json.error?.message ?? json.message : json.text) ?? "",
    start: number(json.start),
    end: number(json.end),
    language: json.language || null,
    segments: (json.segments ?? (json.words ? [json] : [])).map(segmentOf),
  };
}

// Checks of the modules that need no page. Leaves {passed, failed: [messages]} in window.results.
import { EventParser } from "/src/server/page/app/api/sse.js";
import { captionOf, jobOf, modelsOf, progressOf, resultOf } from "/src/server/page/app/api/shape.js";
import { columns, peaksBetween } from "/src/server/page/app/audio/peaks.js";
import { Resampler } from "/src/server/page/app/audio/resample.js";
import { wavFile, wavHeader } from "/src/server/page/app/audio/wav.js";
import { wavLayout, wavOutline } from "/src/server/page/app/audio/wav_outline.js";
import { bytes, clock, spokenTime, times } from "/src/server/page/app/base/format.js";
import { roundUp } from "/src/server/page/app/device/chart.js";
import { engineOf, samplesOf } from "/src/server/page/app/device/prometheus.js";
import { captionsOf } from "/src/server/page/app/export/captions.js";
import { kFormats } from "/src/server/page/app/export/formats.js";
import { srtTime, vttTime } from "/src/server/page/app/export/timecode.js";
import { isMedia } from "/src/server/page/app/input/drop.js";
import * as documents from "/src/server/page/app/transcript/document.js";
import { History } from "/src/server/page/app/transcript/history.js";
import { search } from "/src/server/page/app/transcript/search.js";
import { pieces, retime, wordsOf } from "/src/server/page/app/transcript/words.js";

const checks = [];
const check = (name, act) => checks.push({ name, act });

function same(actual, expected) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`is ${a}, not ${b}`);
}

function holds(truth, what) {
  if (!truth) throw new Error(what);
}

const segment = (start, text, speaker = null) => ({ start, end: start + 2, text, speaker, words: [] });
const documentWith = (...segments) =>
  documents.documentOf({ id: "1", title: "talk.wav", result: { language: "en", duration: 20, segments } });
const write = (name, document, options = { times: false }) =>
  kFormats.find((format) => format.name === name).write(document, options);

check("times of subtitles round and carry", () => {
  same([srtTime(0), srtTime(59.9996), srtTime(3661.2345), srtTime(-1), srtTime(Number.NaN)],
       ["00:00:00,000", "00:01:00,000", "01:01:01,235", "00:00:00,000", "00:00:00,000"]);
  same(vttTime(360000.5), "100:00:00.500");
});
check("numbers as people read them", () => {
  same([clock(0), clock(187.9), clock(3723), clock(undefined)], ["0:00", "3:07", "1:02:03", "0:00"]);
  same([spokenTime(3661), spokenTime(0)], ["1 hour 1 minute 1 second", "0 seconds"]);
  same([bytes(12), bytes(1500), bytes(2.5e9)], ["12 bytes", "1.5 kB", "2.5 GB"]);
  same([times(12.34), times(0), times(220.4)], ["12.3×", "–", "220×"]);
  same([0.3, 1, 3, 7, 21, 99, 100].map(roundUp), [0.5, 1, 5, 10, 50, 100, 100]);
});

check("events come in any pieces", () => {
  const stream = ": hello\r\nid: 1-1\r\nevent: segment\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\nevent: none\n\ndata:x\rid: 7\r\rdata: ü\n\n";
  const expected = [{ name: "segment", data: '{"a":\n1}', id: "1-1" }, { name: "message", data: "x", id: "7" },
                    { name: "message", data: "ü", id: null }];
  for (const size of [1, 2, 3, 7, stream.length]) {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < stream.length; at += size) events.push(...parser.push(stream.slice(at, at + size)));
    same(events, expected);
  }
});
check("a half event is not one", () => {
  const parser = new EventParser();
  same(parser.push("data: 1\n"), []);
  same(parser.push("\n").length, 1);
});

check("jobs as the server writes them", () => {
  const job = jobOf({ id: "job_1", status: "running", name: "a.wav", created_at: 2, duration: null, size_bytes: 5,
                      progress: { audio_done: 5, audio_total: 20, fraction: 0.25 }, error: null, audio_available: true });
  same([job.fraction, job.doneS, job.audioS, job.error, job.hasAudio, job.createdAt.getTime()], [0.25, 5, 20, null, true, 2000]);
  same(jobOf({ id: 1, status: "failed", error: { message: "no" } }).error, "no");
  same(progressOf({ audio_done: 0, audio_total: 0, fraction: 0 }).fraction, null);
});
check("words beside the segments find their home", () => {
  const words = [{ word: "a", start: 0, end: 1 }, { word: "b", start: 1, end: 1.9 }, { word: "c", start: 2.1, end: 3 }];
  const result = resultOf({ segments: [{ start: 0, end: 2, text: " a b" }, { start: 2, end: 3, text: " c" }], words });
  same(result.segments.map((each) => each.words.map((word) => word.text).join("")), ["ab", "c"]);
});
check("aliases are no models", () => {
  same(modelsOf({ data: [{ id: "base", default: true }, { id: "whisper-1", alias_of: "base" }] }).map((each) => each.id), ["base"]);
});
check("captions of every kind", () => {
  same(captionOf({ type: "partial", text: "he" }).kind, "partial");
  same(captionOf({ type: "error", error: { message: "full" } }).text, "full");
  same(captionOf({ type: "ready" }).kind, "other");
});

check("the server's numbers are read", () => {
  const text = '# HELP x y\namanuensis_model_loaded{model="a \\"b\\" {c}",kernels="avx512"} 1\n' +
    'amanuensis_stage_seconds_total{model="a \\"b\\" {c}",stage="encoder",device="cpu"} 1.5e1 1700000000\nprocess_resident_memory_bytes 7\n';
  same(samplesOf(text).length, 3);
  const engine = engineOf(samplesOf(text));
  same([engine.memoryBytes, engine.models[0].id, engine.models[0].kernels], [7, 'a "b" {c}', "avx512"]);
  same(engine.models[0].stages, [{ name: "encoder", device: "cpu", seconds: 15 }]);
  same(engineOf(samplesOf("")), { memoryBytes: null, models: [] });
});

check("text is cut into words that keep their spaces", () => {
  same(pieces("One  two, three"), ["One", "  two,", " three"]);
  same(pieces(""), []);
  const cut = pieces("これは、テストです。");
  holds(cut.length > 2 && cut.join("") === "これは、テストです。", cut.join("|"));
});
check("the server's words are found in its text", () => {
  const words = [{ text: "Well", start: 0, end: 1, p: 0.5 }, { text: "yes.", start: 1, end: 2, p: 0.9 }];
  same(wordsOf({ text: " Well — yes.", words, start: 0, end: 2 }).map((word) => word.text), ["Well", " — yes."]);
  same(wordsOf({ text: " something else", words, start: 0, end: 2 }).map((word) => word.text), ["Well", " yes."]);
});
check("a text without word times shares the segment's", () => {
  const words = wordsOf({ text: "ab cd", words: [], start: 1, end: 3 });
  same(words.map(({ start, end, p }) => [start, end, p]), [[1, 2, null], [2, 3, null]]);
});
check("an edit keeps the times of what stayed", () => {
  const words = ["one", " two", " three", " four"].map((text, i) => ({ text, start: i, end: i + 1, p: 0.4 }));
  const edited = retime(words, "one 2 and three four", { start: 0, end: 4 });
  same(edited.map((word) => word.text), ["one", " 2", " and", " three", " four"]);
  same(edited.map((word) => word.start), [0, 1, 1.25, 2, 3]);
  same(edited.map((word) => word.p), [0.4, 1, 1, 0.4, 0.4]);
  same(retime(words, "", { start: 0, end: 4 }), []);
  same(retime(words, "one two three four five", { start: 0, end: 6 }).at(-1), { text: " five", start: 4, end: 6, p: 1 });
});
check("any edit gives words in order that join to its text", () => {
  let seed = 7;
  const random = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % n; };
  const vocabulary = ["a", "bb", "c", "dd", "e"];
  const line = () => Array.from({ length: random(9) + 1 }, () => vocabulary[random(5)]).join(" ");
  for (let round = 0; round < 500; ++round) {
    const words = wordsOf({ text: line(), words: [], start: 3, end: 9 });
    const text = line();
    const edited = retime(words, text, { start: 3, end: 9 });
    same(edited.map((word) => word.text).join(""), text);
    edited.forEach((word, i) => holds(word.start <= word.end && word.start >= 3 && word.end <= 9.0001 &&
      (i === 0 || edited[i - 1].start <= word.start), `${text}: ${JSON.stringify(edited)}`));
  }
});

check("speakers get names, colours and new names", () => {
  const document = documentWith(segment(0, "a", "SPEAKER_01"), segment(2, "b", "SPEAKER_00"), segment(4, "c", "Ada"));
  same(document.speakers.map((each) => each.name), ["Ada", "Speaker 2", "Speaker 3"]);
  same(documents.colourOf(document, "Ada"), "speaker-0");
  const renamed = documents.renameSpeaker(document, "Ada", "Eve");
  same([renamed.speakers[0].name, document.speakers[0].name], ["Eve", "Ada"]);
  const [more, id] = documents.addSpeaker(renamed);
  same(documents.speakerOf(documents.setSpeaker(more, 0, id), { speaker: id }).name, "Speaker 4");
});
check("an edit shares what stayed, and an empty line goes", () => {
  const document = documentWith(segment(0, "one two"), segment(2, "three"));
  const edited = documents.setText(document, 0, "one 2");
  same(documents.textOf(edited.segments[0]), "one 2");
  holds(edited.segments[1] === document.segments[1], "the other line was copied");
  same(documents.setText(document, 0, " ").segments.length, 1);
});
check("the word at a time", () => {
  const document = documentWith(segment(1, "one two"), segment(5, "three"));
  same(documents.placeAt(document, 0.5), null);
  same(documents.placeAt(document, 2.5), { segment: 0, word: 1 });
  same(documents.placeAt(document, 4.9), { segment: 0, word: 1 });
  same(documents.placeAt(document, 99), { segment: 1, word: 0 });
});

check("undo and redo", () => {
  const history = new History("a");
  same([history.undo(), history.redo()], [null, null]);
  history.push("b", "to b");
  history.push("b", "nothing");
  history.push("c", "to c");
  same([history.undoLabel, history.undo(), history.undo(), history.value], ["to c", "to c", "to b", "a"]);
  same([history.redo(), history.value], ["to b", "b"]);
  history.push("d", "to d");
  same([history.redoLabel, history.undo(), history.value], [null, "to d", "b"]);
});

check("search is blind to case, accents and spaces", () => {
  const document = documentWith(segment(0, "Ein Café  in Łódź"), segment(2, "cafe, CAFÉ in"));
  same(search(document, "café"), [{ segment: 0, words: [1, 1] }, { segment: 1, words: [0, 0] }, { segment: 1, words: [1, 1] }]);
  same(search(document, " cafe in "), [{ segment: 0, words: [1, 2] }, { segment: 1, words: [1, 2] }]);
  same(search(document, "  "), []);
  same(search(document, ".*"), []);
});

check("captions are short enough to read", () => {
  const text = Array.from({ length: 60 }, (_, i) => `word${i}`).join(" ");
  const captions = captionsOf(documentWith({ start: 0, end: 30, text, speaker: null, words: [] }));
  for (const { lines, start, end } of captions) {
    holds(lines.length <= 2 && lines.every((line) => line.length <= 42), lines.join("|"));
    holds(end - start <= 7.001, `${end - start} s`);
  }
  same(captions.flatMap((each) => each.lines).join(" "), text);
  const long = captionsOf(documentWith(segment(0, "x".repeat(90))));
  same(long.length, 1);
});
check("files escape what their formats must", () => {
  const document = { ...documentWith(segment(0, 'a <b> & "c"', "Ada > Eve")), title: "<title> & more" };
  holds(write("vtt", document).includes('<v Ada &gt; Eve>a &lt;b&gt; &amp; "c"'), write("vtt", document));
  const html = write("html", document, { times: true });
  holds(html.includes("<h1>&lt;title&gt; &amp; more</h1>") && html.includes("a &lt;b&gt; &amp; &quot;c&quot;"), html);
  const parsed = new DOMParser().parseFromString(html, "text/html");
  same([parsed.querySelectorAll("p").length, parsed.querySelector("b").textContent], [1, "Ada > Eve"]);
  same(JSON.parse(write("json", document)).segments[0].text, 'a <b> & "c"');
  same(write("txt", document, { times: true }), '[0:00] Ada > Eve: a <b> & "c"\n');
  same(write("srt", documentWith(segment(1, "hi"))), "1\n00:00:01,000 --> 00:00:03,000\nhi\n\n");
});
check("turns of one speaker are one paragraph", () => {
  const document = documentWith(segment(0, "a", "A"), segment(2, "b", "A"), segment(4, "c", "B"));
  same(write("html", document).match(/<p>/g).length, 2);
});

check("sound keeps its shape at another rate", () => {
  for (const [from, to] of [[48000, 16000], [44100, 16000], [16000, 16000], [8000, 16000]]) {
    const resampler = new Resampler(from, to);
    const output = [];
    const tone = (rate) => (_, i) => Math.sin((2 * Math.PI * 440 * i) / rate);
    const input = Float32Array.from({ length: from }, tone(from));
    for (let at = 0; at < from; at += 128) output.push(...resampler.push(input.subarray(at, at + 128)));
    output.push(...resampler.finish());
    holds(Math.abs(output.length - to) <= 2, `${output.length} samples for ${to}`);
    const expected = Float32Array.from({ length: to }, tone(to));
    for (let i = 500; i < to - 500; ++i) holds(Math.abs(output[i] - expected[i]) < 0.004, `${from} to ${to}: sample ${i}`);
  }
});
check("what is above the new rate does not come back lower", () => {
  const resampler = new Resampler(48000, 16000);
  const input = Float32Array.from({ length: 48000 }, (_, i) => Math.sin((2 * Math.PI * 11000 * i) / 48000));
  const output = resampler.push(input).subarray(100);
  holds(output.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0) < 0.02, "aliases");
});
check("an outline has the loudest of each stretch", () => {
  const peaks = peaksBetween([Float32Array.of(0, -0.5, 0.1, 0.2, 0.9), Float32Array.of(0.3, 0, 0, 0, 0)], { from: 0, to: 5, width: 2 });
  same(peaks.map((peak) => Math.round(peak * 10)), [5, 2, 9]);
  same([...columns([1, 2, 3, 4], 2)], [2, 4]);
  same([...columns([1, 2], 4)], [1, 1, 2, 2]);
});
check("a WAV header says what follows", () => {
  const view = new DataView(wavHeader(1000, 16000));
  same([view.byteLength, view.getUint32(4, true), view.getUint32(24, true), view.getUint32(28, true), view.getUint32(40, true)],
       [44, 2036, 16000, 32000, 2000]);
});
check("a WAV file's outline is read in pieces", async () => {
  const samples = Int16Array.from({ length: 2500000 }, (_, i) => (i === 2000000 ? -16384 : i % 100));
  const file = wavFile([samples], 16000, "a.wav");
  const { signal } = new AbortController();
  const { peaks, duration } = await wavOutline(file, signal);
  same([duration, peaks.length, peaks[6250], peaks.indexOf(0.5)], [156.25, 7813, 0.5, 6250]);
  same(await wavLayout(new File([new Uint8Array(100)], "b.wav")), null);
  same(await wavOutline(new File([wavHeader(0, 16000)], "c.wav"), signal), null);
  const header = new Uint8Array(wavHeader(4, 16000));
  const list = new Blob([header.slice(0, 12), "LIST", Uint8Array.of(3, 0, 0, 0), "abc\0", header.slice(12), Int16Array.of(1, 2, 3, 4)]);
  same(await wavLayout(list), { rate: 16000, channels: 1, start: 56, frames: 4 });
});
check("sound and video are told from other files", () => {
  same(["a.MP3", "b.webm", "c.txt", "mp3", "d.flac"].map((name) => isMedia(new File([], name))), [true, true, false, false, true]);
  same(isMedia(new File([], "x", { type: "audio/x-new" })), true);
});

const failed = [];
for (const { name, act } of checks) {
  try {
    await act();
  } catch (error) {
    failed.push(`${name}: ${error.message}`);
  }
}
window.results = { passed: checks.length - failed.length, failed };

// A transcript as it is edited: plain values that never change; each edit makes a new document that shares what stayed.
//   {id, title, language, duration, speakers: [{id, name}], segments: [{id, start, end, speaker, words}]}
// Times are in seconds. Pure.
import { retime, wordsOf } from "./words.js";

export const kColours = 8;

export function documentOf({ id, title, result }) {
  const labels =
    [...new Set(result.segments.map((segment) => segment.speaker).filter((label) => label !== null))].sort();
  return {
    id,
    title,
    language: result.language,
    duration: result.duration ?? result.segments.at(-1)?.end ?? 0,
    speakers: labels.map((label, i) => ({ id: label, name: speakerName(label, i) })),
    segments :
      result.segments.map((segment, i) => segmentFrom(segment, i)).filter((segment) => segment.words.length > 0),
  };
}

export function segmentFrom(segment, id) {
  return { id, start: segment.start, end: segment.end, speaker: segment.speaker, words: wordsOf(segment) };
}

// "SPEAKER_00" is a machine's name for the first voice.
function speakerName(label, index) {
  return /^(speaker)?[_ -]?\d+$/i.test(label) ? `Speaker ${index + 1}` : label;
}

export function textOf(segment) {
  return segment.words.map((word) => word.text).join("").trim();
}

export function speakerOf(document, segment) {
  return document.speakers.find((speaker) => speaker.id === segment.speaker) ?? null;
}

// Which of the palette's colours a speaker has: "speaker-0" ...
export function colourOf(document, speakerId) {
  const index = document.speakers.findIndex((speaker) => speaker.id === speakerId);
  return index < 0 ? null : `speaker-${index % kColours}`;
}

function withSegment(document, id, change) {
  return { ...document, segments: document.segments.map((segment) => (segment.id === id ? change(segment) : segment)) };
}

// An empty text removes the segment.
export function setText(document, id, text) {
  if (text.trim() === "") return { ...document, segments: document.segments.filter((segment) => segment.id !== id) };
  return withSegment(document, id, (segment) => ({ ...segment, words: retime(segment.words, text, segment) }));
}

export function setSpeaker(document, id, speaker) {
  return withSegment(document, id, (segment) => ({ ...segment, speaker }));
}

export function renameSpeaker(document, id, name) {
  return { ...document, speakers: document.speakers.map((each) => (each.id === id ? { ...each, name } : each)) };
}

// Returns [document, the new speaker's id].
export function addSpeaker(document) {
  let number = document.speakers.length + 1;
  while (document.speakers.some((each) => each.id === `added-${number}` || each.name === `Speaker ${number}`))
    number += 1;
  const speaker = { id: `added-${number}`, name: `Speaker ${number}` };
  return [{ ...document, speakers: [...document.speakers, speaker] }, speaker.id];
}

// The segment and word that are heard at a time: places in document.segments and in its words; the last that has begun.
// Null before the first.
export function placeAt(document, time) {
  const segment = lastBegun(document.segments, time);
  if (segment < 0) return null;
  return { segment, word: Math.max(0, lastBegun(document.segments[segment].words, time)) };
}

function lastBegun(list, time) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle].start <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

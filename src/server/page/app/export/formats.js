// The edited transcript as files: one function for each format, one list of them all. Pure.
import { captionsOf } from "./captions.js";
import { htmlOf } from "./html.js";
import { srtTime, vttTime } from "./timecode.js";
import { clock } from "../base/format.js";
import { speakerOf, textOf } from "../transcript/document.js";

export function txtOf(document, { times }) {
  let speaker = null;
  const lines = document.segments.map((segment) => {
    const name = speakerOf(document, segment)?.name ?? null;
    const turn = name !== null && name !== speaker;
    speaker = name;
    return `${times ? `[${clock(segment.start)}] ` : ""}${turn ? `${name}: ` : ""}${textOf(segment)}`;
  });
  return `${lines.join("\n")}\n`;
}

function nameOf(document, caption) {
  return speakerOf(document, caption)?.name ?? null;
}

export function srtOf(document) {
  return captionsOf(document).map((caption, i) => {
    const name = nameOf(document, caption);
    const text = caption.lines.join("\n");
    const said = name === null ? text : `${name}: ${text}`;
    return `${i + 1}\n${srtTime(caption.start)} --> ${srtTime(caption.end)}\n${said}\n\n`;
  }).join("");
}

// WebVTT (W3C 2019): "&", "<" and ">" are written as entities; voices say who speaks.
const vttText = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

export function vttOf(document) {
  const cues = captionsOf(document).map((caption) => {
    const name = nameOf(document, caption);
    const voice = name === null ? "" : `<v ${vttText(name.replace(/\s+/g, " "))}>`;
    return `${vttTime(caption.start)} --> ${vttTime(caption.end)}\n${voice}${vttText(caption.lines.join("\n"))}\n`;
  });
  return `WEBVTT\n\n${cues.join("\n")}`;
}

const milliseconds = (seconds) => Math.round(seconds * 1000) / 1000;

export function jsonOf(document) {
  const segments = document.segments.map((segment) => {
    const speaker = speakerOf(document, segment)?.name;
    return {
      start: milliseconds(segment.start),
      end: milliseconds(segment.end),
      ...(speaker === undefined ? {} : { speaker }),
      text: textOf(segment),
      words: segment.words.map((word) => ({
        word: word.text,
        start: milliseconds(word.start),
        end: milliseconds(word.end),
        ...(word.p === null ? {} : { probability: word.p }),
      })),
    };
  });
  const { title, language, duration } = document;
  const text = segments.map((segment) => segment.text).join(" ");
  return `${JSON.stringify({ title, language, duration, text, segments }, null, 2)}\n`;
}

// write(document, {times}) gives the file's text.
export const kFormats = [
  { name: "txt", label: "Plain text", type: "text/plain", write: txtOf, hasTimes: true },
  { name: "srt", label: "Subtitles (SubRip)", type: "application/x-subrip", write: srtOf },
  { name: "vtt", label: "Subtitles (WebVTT)", type: "text/vtt", write: vttOf },
  { name: "json", label: "JSON, with word times", type: "application/json", write: jsonOf },
  { name: "html", label: "Document for Word and others (HTML)", type: "text/html", write: htmlOf, hasTimes: true },
];

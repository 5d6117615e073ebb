// A transcript as a page that word processors open as a document. Pure.
import { speakerOf, textOf } from "../transcript/document.js";
import { clock } from "../base/format.js";

const kEntities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
export const escapeHtml = (text) => text.replace(/[&<>"']/g, (letter) => kEntities[letter]);

// One paragraph for each turn of a speaker; without speakers, one for each pause of this length or longer.
const kPauseS = 2;

function paragraphs(document) {
  const all = [];
  document.segments.forEach((segment, i) => {
    const before = document.segments[i - 1];
    const same = before !== undefined && before.speaker === segment.speaker &&
      (segment.speaker !== null || segment.start - before.end < kPauseS);
    if (same) all.at(-1).segments.push(segment);
    else all.push({ speaker: speakerOf(document, segment)?.name ?? null, start: segment.start, segments: [segment] });
  });
  return all;
}

export function htmlOf(document, { times }) {
  const title = escapeHtml(document.title);
  const language = /^[a-z]{2,3}$/i.test(document.language ?? "") ? ` lang="${document.language}"` : "";
  const lines = paragraphs(document).map(({ speaker, start, segments }) => {
    const head = [
      speaker === null ? "" : `<b>${escapeHtml(speaker)}</b>`, times ? `<i>${clock(start)}</i>` : ""
    ].filter(Boolean);
    const text = escapeHtml(segments.map(textOf).join(" "));
    return `<p>${head.length > 0 ? `${head.join(" ")}<br>\n` : ""}${text}</p>`;
  });
  return `<!doctype html>\n<html${language}>\n<head>\n<meta charset="utf-8">\n<title>${
           title}</title>\n</head>\n<body>\n` +
    `<h1>${title}</h1>\n${lines.join("\n")}\n</body>\n</html>\n`;
}

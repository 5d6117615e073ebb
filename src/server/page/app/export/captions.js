// Cuts a transcript into captions that can be read on a screen: at most two lines, shown while they are spoken. Pure.

const kLineLetters = 42;
const kLongestS = 7;
// A pause this long ends a caption.
const kPauseS = 1.5;

// [{start, end, speaker, lines}] for a document.
export function captionsOf(document) {
  return document.segments.flatMap((segment) => captionsOfSegment(segment));
}

function captionsOfSegment(segment) {
  const captions = [];
  let words = [];
  const finish = () => {
    if (words.length > 0) captions.push(captionOf(words, segment.speaker));
    words = [];
  };
  for (const word of segment.words) {
    if (words.length > 0 && !fits(words, word)) finish();
    words.push(word);
    // A sentence that fills most of a caption ends it.
    if (/[.!?\u3002\uff01\uff1f]["'\u201d\u2019)]?$/.test(word.text) && lengthOf(words) > kLineLetters) finish();
  }
  finish();
  return captions;
}

const lengthOf = (words) => words.map((word) => word.text).join("").trim().length;

function fits(words, next) {
  const all = [...words, next];
  return linesOf(all).length <= 2 && next.end - words[0].start <= kLongestS && next.start - words.at(-1).end < kPauseS;
}

function captionOf(words, speaker) {
  return { start: words[0].start, end: Math.max(words.at(-1).end, words[0].start), speaker, lines: balanced(words) };
}

// As few lines as hold the words.
function linesOf(words, room = kLineLetters) {
  const lines = [];
  for (const { text } of words) {
    if (lines.length > 0 && (lines.at(-1) + text.trimEnd()).length <= room) lines[lines.length - 1] += text;
    else lines.push(text.trimStart());
  }
  return lines.map((line) => line.trim());
}

// Two lines of about the same length read better than a full one and a rest.
function balanced(words) {
  const lines = linesOf(words);
  if (lines.length !== 2) return lines;
  for (let room = Math.ceil(lengthOf(words) / 2); room < kLineLetters; ++room) {
    const narrower = linesOf(words, room);
    if (narrower.length <= 2) return narrower;
  }
  return lines;
}

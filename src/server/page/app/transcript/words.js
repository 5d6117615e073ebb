// A segment's text as words with times: found again in the server's words, and kept when people edit the text. Pure.
// A word is {text, start, end, p}: text as it stands in the line, with the space before it; p is how sure the model is
// (0 to 1), null when nobody knows, 1 for what a person wrote.

const kNoSpaces = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]/;
// Above so many pairs of words the edit is not compared word by word.
const kMostPairs = 4e6;

// "Hello there" -> ["Hello", " there"]. Scripts that write no spaces are cut where the browser knows words to end.
export function pieces(text) {
  const bySpace = text.match(/\s*\S+/g) ?? [];
  if (!kNoSpaces.test(text) || typeof Intl.Segmenter === "undefined") return bySpace;
  const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });
  return bySpace.flatMap((piece) => (kNoSpaces.test(piece) ? joinMarks(segmenter.segment(piece)) : [piece]));
}

// Punctuation goes with the word before it, space with the word after it.
function joinMarks(segments) {
  const joined = [];
  let space = "";
  for (const { segment, isWordLike } of segments) {
    if (segment.trim() === "") space += segment;
    else if (!isWordLike && joined.length > 0 && space === "") joined[joined.length - 1] += segment;
    else {
      joined.push(space + segment);
      space = "";
    }
  }
  return joined;
}

// Deals the time from start to end out to texts by their length.
export function spread(texts, { start, end, p }) {
  const total = texts.reduce((sum, text) => sum + text.trim().length, 0) || 1;
  let before = 0;
  return texts.map((text) => {
    const from = start + ((end - start) * before) / total;
    before += text.trim().length;
    return { text, start: from, end: start + ((end - start) * before) / total, p };
  });
}

// The words of a segment as the server gives it; each starts where its text does in the segment's own.
export function wordsOf({ text, words, start, end }) {
  const line = text.trim();
  if (words.length === 0) return spread(pieces(line), { start, end, p: null });
  const found = [];
  let at = 0;
  for (const word of words) {
    const bare = word.text.trim();
    if (bare === "") continue;
    const place = line.indexOf(bare, at);
    if (place < 0) return asGiven(words);
    // What no word claims (a dash between two) stays with the word that follows.
    found.push({ ...word, text: line.slice(at, place + bare.length) });
    at = place + bare.length;
  }
  if (found.length === 0) return spread(pieces(line), { start, end, p: null });
  found.at(-1).text += line.slice(at);
  return found;
}

function asGiven(words) {
  const spaced = words.some((word) => /^\s/.test(word.text)) || words.some((word) => kNoSpaces.test(word.text));
  const textOf = (word, i) => (i === 0 ? word.text.trimStart() : spaced ? word.text : ` ${word.text}`);
  return words.map((word, i) => ({ ...word, text: textOf(word, i) }));
}

// The words of an edited line: those that stayed keep their times, new ones share the time between their neighbours.
export function retime(words, newText, { start, end }) {
  const texts = pieces(newText.trim());
  const kept = commonPairs(words.map((word) => word.text.trim()), texts.map((text) => text.trim()));
  const result = [];
  let oldAt = 0;
  let newAt = 0;
  for (const [oldIndex, newIndex] of [...kept, [words.length, texts.length]]) {
    if (newIndex > newAt) {
      const dropped = words.slice(oldAt, oldIndex);
      const from = dropped[0]?.start ?? result.at(-1)?.end ?? start;
      const to = dropped.at(-1)?.end ?? words[oldIndex]?.start ?? end;
      result.push(...spread(texts.slice(newAt, newIndex), { start: from, end: Math.max(from, to), p: 1 }));
    }
    if (oldIndex < words.length) result.push({ ...words[oldIndex], text: texts[newIndex] });
    oldAt = oldIndex + 1;
    newAt = newIndex + 1;
  }
  return result;
}

// Pairs of places of a longest common subsequence (Wagner & Fischer 1974).
function commonPairs(a, b) {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail])
    tail += 1;
  const pairs = Array.from({ length: head }, (_, i) => [i, i]);
  const rows = a.length - head - tail;
  const cols = b.length - head - tail;
  if (rows * cols <= kMostPairs)
    pairs.push(...middlePairs(a.slice(head, head + rows), b.slice(head, head + cols), head));
  for (let i = tail; i > 0; --i) pairs.push([a.length - i, b.length - i]);
  return pairs;
}

function middlePairs(a, b, offset) {
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; --i) {
    for (let j = b.length - 1; j >= 0; --j) {
      longest[i * width + j] = a[i] === b[j] ? longest[(i + 1) * width + j + 1] + 1
        : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  const pairs = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) pairs.push([offset + i++, offset + j++]);
    else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return pairs;
}

// Finds text in a transcript, whatever its case and accents. Pure.

// The text as it is compared, and for each of its letters the place in the original that it comes from.
function folded(text) {
  let letters = "";
  const places = [];
  let at = 0;
  for (const letter of text) {
    const plain = letter.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    for (let i = 0; i < plain.length; ++i) places.push(at);
    letters += plain;
    at += letter.length;
  }
  return { letters, places };
}

const squeezed = (text) => text.replace(/\s+/g, " ");

// Places where `query` stands: [{segment, words: [first, last]}], segment being a place in document.segments. White space
// of any length is the same.
export function search(document, query) {
  const wanted = folded(squeezed(query.trim())).letters;
  if (wanted === "") return [];
  const hits = [];
  document.segments.forEach((segment, index) => {
    const starts = [];
    let text = "";
    for (const word of segment.words) {
      starts.push(text.length);
      text += squeezed(word.text);
    }
    const { letters, places } = folded(text);
    for (let at = letters.indexOf(wanted); at >= 0; at = letters.indexOf(wanted, at + wanted.length)) {
      const wordAt = (place) => starts.findLastIndex((start) => start <= place);
      hits.push({ segment: index, words: [wordAt(places[at]), wordAt(places[at + wanted.length - 1])] });
    }
  });
  return hits;
}

// The languages that Whisper knows (openai/whisper, tokenizer.py), named in the reader's own.

const kCodes =
  "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it " +
  "ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so " +
  "sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh";

// Whisper's code for Javanese is not the standard's.
const kStandard = { jw: "jv" };

export function languageName(code) {
  try {
    return new Intl.DisplayNames(undefined, { type: "language" }).of(kStandard[code] ?? code) ?? code;
  } catch {
    return code;
  }
}

// [{code, name}] in the order of their names.
export function languages() {
  return kCodes.split(" ").map((code) => ({ code, name: languageName(code) }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

"""Tables of src/pipeline/eval: what Unicode says of characters, and American spellings.

    python tools/generate_text_tables.py SPELLINGS.json      needs Python 3.11 alone (its unicodedata is Unicode 14)

writes src/pipeline/eval/unicode_tables.cc from Python's own notion of each character, because Python is what Whisper's
normalizers are defined in, and src/pipeline/eval/english_spellings.cc from the file of British and American spellings that
openai/whisper publishes (whisper/normalizers/english.json, MIT licence).
"""

import json
import re
import sys
import unicodedata
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "src" / "pipeline" / "eval"
LAST = 0x110000
SURROGATES = range(0xD800, 0xE000)
HANGUL = range(0xAC00, 0xD7A4)
WIDTH = 118


def characters():
    return (code for code in range(LAST) if code not in SURROGATES)


def ranges(test):
    """Inclusive ranges of the characters that pass; unassigned ones may be swallowed by none."""
    found = []
    for code in range(LAST):
        if code in SURROGATES or not test(chr(code)):
            continue
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def filled(items):
    """Comma-separated items in lines of the width."""
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > WIDTH:
            lines.append(line)
            line = "   "
        line += f" {item},"
    return "\n".join(lines + [line])


def array(kind, name, items):
    return f"constexpr {kind} {name}[] = {{\n{filled(items)}\n}};\n"


def range_array(name, test):
    return array("CharacterRange", name, (f"{{0x{a:X}, 0x{b:X}}}" for a, b in ranges(test)))


def is_cased(c):
    return (c + "\u03a3").lower()[-1] == "\u03c2"


def is_skipped_between_cased(c):
    return ("a" + c + "\u03a3").lower()[-1] == "\u03c2" and not is_cased(c)


def decompositions(form):
    """Characters whose full decomposition is another text, Hangul syllables (which are computed) left out."""
    for code in characters():
        text = unicodedata.normalize(form, chr(code))
        if text != chr(code) and code not in HANGUL:
            yield code, text


def compositions():
    """Pairs that canonical composition joins, taken from what NFC itself does."""
    for code in characters():
        parts = unicodedata.decomposition(chr(code)).split()
        if code in HANGUL or len(parts) != 2 or parts[0].startswith("<"):
            continue
        first, second = (int(part, 16) for part in parts)
        if unicodedata.normalize("NFC", chr(first) + chr(second)) == chr(code):
            yield first, second, code


def unicode_tables():
    pool, entries = "", []
    for code, text in decompositions("NFKD"):
        at = pool.find(text)
        if at < 0:
            at, pool = len(pool), pool + text
        entries.append(f"{{0x{code:X}, {at}, {len(text)}}}")
    lower = [(code, chr(code).lower()) for code in characters() if chr(code).lower() != chr(code)]
    assert all(len(text) == 1 for code, text in lower if code != 0x130)
    digits = [code for code in characters() if unicodedata.category(chr(code)) == "Nd"]
    zeros = [code for code in digits if unicodedata.digit(chr(code)) == 0]
    assert len(digits) == 10 * len(zeros)
    classes = []
    for code in characters():
        value = unicodedata.combining(chr(code))
        if value and classes and classes[-1][1] == code - 1 and classes[-1][2] == value:
            classes[-1][1] = code
        elif value:
            classes.append([code, code, value])
    parts = [
        "// Made by tools/generate_text_tables.py; not edited by hand. Facts of the Unicode Character Database 14.0\n"
        "// (https://www.unicode.org/license.txt).\n"
        '#include "pipeline/eval/unicode_tables.h"\n\nnamespace amanuensis::pipeline {\nnamespace {\n\n// clang-format off\n',
        range_array("kMarkSymbolPunctuation", lambda c: unicodedata.category(c)[0] in "MSP"),
        range_array("kNonspacingMarks", lambda c: unicodedata.category(c) == "Mn"),
        range_array("kWordCharacters", lambda c: re.match(r"\w", c) is not None),
        range_array("kSpaces", lambda c: re.match(r"\s", c) is not None),
        range_array("kCased", is_cased),
        range_array("kCaseIgnorable", is_skipped_between_cased),
        array("char32_t", "kDigitZeros", (f"0x{code:X}" for code in zeros)),
        array("CharacterPair", "kLower", (f"{{0x{code:X}, 0x{ord(text[0]):X}}}" for code, text in lower)),
        array("CombiningRange", "kCombining", (f"{{0x{a:X}, 0x{b:X}, {value}}}" for a, b, value in classes)),
        array("Decomposition", "kDecompositions", entries),
        array("char32_t", "kDecompositionPool", (f"0x{ord(c):X}" for c in pool)),
        array("Composition", "kCompositions", (f"{{0x{a:X}, 0x{b:X}, 0x{c:X}}}" for a, b, c in sorted(compositions()))),
        "// clang-format on\n\n}  // namespace\n\n"
        "UnicodeTables unicode_tables() {\n"
        "  return {kMarkSymbolPunctuation, kNonspacingMarks, kWordCharacters, kSpaces,    kCased,\n"
        "          kCaseIgnorable,         kDigitZeros,      kLower,          kCombining, kDecompositions,\n"
        "          kDecompositionPool,     kCompositions};\n"
        "}\n\n}  // namespace amanuensis::pipeline\n",
    ]
    return "\n".join(parts)


def spelling_table(path):
    spellings = json.loads(Path(path).read_text())
    items = (f'{{"{british}", "{american}"}}' for british, american in sorted(spellings.items()))
    return (
        "// Made by tools/generate_text_tables.py; not edited by hand. The list is whisper/normalizers/english.json of\n"
        "// https://github.com/openai/whisper, copyright (c) 2022 OpenAI, MIT licence (THIRD_PARTY.md), which is made from\n"
        "// https://www.tysto.com/uk-us-spelling-list.html.\n"
        '#include "pipeline/eval/english_spellings.h"\n\n#include <algorithm>\n\nnamespace amanuensis::pipeline {\n'
        "namespace {\n\nstruct Spelling {\n  std::string_view british;\n  std::string_view american;\n};\n\n"
        "// clang-format off\n" + array("Spelling", "kSpellings", items) + "// clang-format on\n\n}  // namespace\n\n"
        "std::string_view american_spelling(std::string_view word) {\n"
        "  const auto* found = std::ranges::lower_bound(kSpellings, word, {}, &Spelling::british);\n"
        "  return found != std::ranges::end(kSpellings) && found->british == word ? found->american : word;\n"
        "}\n\n}  // namespace amanuensis::pipeline\n"
    )


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    (OUT / "unicode_tables.cc").write_text(unicode_tables())
    (OUT / "english_spellings.cc").write_text(spelling_table(sys.argv[1]))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes tests/goldens/writers: what openai-whisper's writers make of several results.

    python3 tools/goldens/writers.py            needs openai-whisper==20250625

Writes
    <case>.json                   the result, as OpenAI's json writer writes it; the test reads it back from there
    <case>.<options>.<format>     the other formats; files that would equal <case>.plain.<format> are left out
    manifest.json                 the cases, and the options each was written with
    floats.json                   numbers as Python's repr() writes them
"""

import io
import json
import random
import shutil
import struct
from pathlib import Path

from whisper.utils import get_writer

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "goldens" / "writers"
FORMATS = ["txt", "vtt", "srt", "tsv"]

OPTIONS = {
    "plain": {},
    "width20": {"max_line_width": 20},
    "count1": {"max_line_count": 1},
    "width24_count2": {"max_line_width": 24, "max_line_count": 2},
    "width10_count1": {"max_line_width": 10, "max_line_count": 1},
    "words3": {"max_words_per_line": 3},
    "words1": {"max_words_per_line": 1},
    "width12_words4": {"max_line_width": 12, "max_words_per_line": 4},
    "width30_count3_words2": {"max_line_width": 30, "max_line_count": 3, "max_words_per_line": 2},
    "highlight": {"highlight_words": True},
    "highlight_width18_count2": {"highlight_words": True, "max_line_width": 18, "max_line_count": 2},
    "highlight_words2": {"highlight_words": True, "max_words_per_line": 2},
}


def segment(number, start, end, text, words=None, **fields):
    """A segment with the fields transcribe() gives it, in its order; without text it is cleared as transcribe() does."""
    result = {
        "id": number, "seek": fields.get("seek", int(start) // 30 * 3000), "start": start, "end": end, "text": text,
        "tokens": fields.get("tokens", [50364 + number, 11, 220]), "temperature": fields.get("temperature", 0.0),
        "avg_logprob": fields.get("avg_logprob", -0.25), "compression_ratio": fields.get("compression_ratio", 1.25),
        "no_speech_prob": fields.get("no_speech_prob", 0.01),
    }
    if words is not None:
        result["words"] = words
    if text.strip() == "":
        result.update(text="", tokens=[], words=[])
    return result


def result(segments, language="en"):
    return {"text": "".join(s["text"] for s in segments), "segments": segments, "language": language}


def timed_words(rng, texts, start):
    words = []
    for text in texts:
        start = round(start + rng.choice([0.0, 0.0, 0.02, 0.4]), 2)
        end = round(start + rng.choice([0.0, 0.12, 0.3, 0.58]), 2)
        words.append({"word": text, "start": start, "end": end, "probability": rng.random()})
        start = end
    return words


def with_words(rng, sentences, language="en", pauses=(0.1, 0.5, 3.5, 0.0)):
    segments, time = [], 0.3
    for number, texts in enumerate(sentences):
        words = timed_words(rng, texts, time)
        text = "".join(texts)
        start, end = (words[0]["start"], words[-1]["end"]) if words else (time, time)
        segments.append(segment(number, start, end, text, words))
        time = end + pauses[number % len(pauses)]
    return result(segments, language)


def split(sentence):
    """Words with the space before each, as Whisper gives them."""
    return [" " + word for word in sentence.split()]


def random_text(rng):
    alphabet = "abc é字😀\u00a0\u2003\t\n\"\\/<>&-\u0001\u001f\u007f\u0085\u2028\ufffd\U0010ffff"
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(0, 30)))


def make_cases():
    rng = random.Random(20250625)
    english = [
        split("And so, my fellow Americans: ask not what your country can do for you."),
        split("Ask what you can do for your country."),
        split("Supercalifragilisticexpialidocious words are longer than any line."),
        split("One."),
        split("After a long pause the captions start again, and go on for quite some time without another."),
    ]
    odd = [[" a", " --> b", "-c", "\n d", " e\n", "f\ng", " ", "", " \u2003h ", "\u00e9\u00e9", " 字字字", "😀"], [], [" z"]]
    random_words = [[random_text(rng)[:8] for _ in range(rng.randrange(0, 9))] for _ in range(12)]
    return {
        "empty": result([]),
        "plain": result([
            segment(0, 0.0, 4.0, " Hello there."),
            segment(1, 4.0, 7.5, " How are you?", temperature=0.2),
            segment(2, 7.5, 7.5, ""),
            segment(3, 10.02, 11.98, " Fine, thanks -- and --> you ---> there?", temperature=0.6000000000000001),
        ]),
        "silence": result([segment(0, 0.0, 2.0, " "), segment(1, 2.0, 30.0, "")]),
        "unicode": result([
            segment(0, 0.0, 3.06, " Größe, naïve café — „ja“ … ½"),
            segment(1, 3.06, 5.5, "今日はいい天気ですね。散歩に行きましょう！"),
            segment(2, 5.5, 8.0, " ผมชอบกาแฟ\tมาก  \u3000"),
            segment(3, 8.0, 9.0, " 😀👩‍👩‍👧 ♪ la \ufffd \U0010ffff ♪"),
            segment(4, 9.0, 12.0, "\u2003 line one\nline two\r\nline\u2028three \u0085"),
            segment(5, 12.0, 14.0, " quotes \"x\" \\ / </script> \u0000 \u001b \u007f \b\f"),
            segment(6, 14.0, 15.0, " שלום עולם، مرحبا"),
        ], "ja"),
        "long": result([
            segment(0, 3599.9994, 3599.9996, " rounds across the hour"),
            segment(1, 3600.0, 3725.5, " one hour"),
            segment(2, 86399.999, 86400.0005, " a day"),
            segment(3, 359999.9995, 360000.0, " a hundred hours"),
            segment(4, 0.0005, 0.0015, " half a millisecond"), segment(5, 0.0025, 0.0035, " to even"),
        ]),
        "numbers": result([
            segment(i, rng.choice([0.0, 1e-5, rng.random() * 100]), rng.random() * 10**rng.randrange(5), f" {i}",
                    seek=rng.randrange(10**7), tokens=[rng.randrange(51865) for _ in range(i % 5)],
                    temperature=rng.choice([0.0, 0.2, 0.4, 0.6000000000000001, 1.0, 1e-05]),
                    avg_logprob=-rng.random() * 10**rng.randrange(-20, 3), no_speech_prob=rng.random() * 10**-rng.randrange(20),
                    compression_ratio=rng.choice([1e16, 123456789012345680.0, 1.0, 0.1, 2.4, rng.random() * 3]))
            for i in range(25)
        ]),
        # The first segment has text: openai-whisper fails when it has none and later ones do, without word times.
        "random": result([segment(0, 0.0, 1.0, " first")] +
                         [segment(i, i * 1.0, i + 1.0, random_text(rng)) for i in range(1, 40)]),
        "words": with_words(rng, english),
        "words_odd": with_words(rng, odd),
        "words_random": with_words(rng, random_words),
        "words_japanese": with_words(rng, [list("今日はいい天気ですね。"), list("散歩に行きましょう！")], "ja"),
    }


def write(case, extension, options):
    out = io.StringIO()
    get_writer(extension, ".").write_result(case, out, options)
    return out.getvalue()


def make_floats():
    rng = random.Random(1)
    values = [0.0, -0.0, 5.0, 0.1, 1e-05, 0.0001, 0.00012345, 1e15, 1e16, 123456789012345.6, 9007199254740993.0, 1e22, 1e23,
              5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, -1.5, 100.0, 0.30000000000000004, 1 / 3, 29.98]
    for _ in range(300):
        value = struct.unpack("<d", rng.randbytes(8))[0]
        values += [value] if value == value and abs(value) != float("inf") else []
        values += [rng.random(), rng.random() * 10**rng.randrange(-8, 18), round(rng.random() * 1000, 2)]
    return [repr(v) for v in values]


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    manifest = {}
    for name, case in make_cases().items():
        (FOLDER / f"{name}.json").write_text(write(case, "json", {}), newline="")
        has_words = any(s.get("words") for s in case["segments"])
        labels = OPTIONS if has_words else {"plain": {}}
        manifest[name] = {}
        plain = {}
        for label, options in labels.items():
            formats = []
            for extension in FORMATS:
                text = write(case, extension, options)
                if label == "plain":
                    plain[extension] = text
                elif text == plain[extension]:
                    continue
                (FOLDER / f"{name}.{label}.{extension}").write_text(text, encoding="utf-8", newline="")
                formats.append(extension)
            manifest[name][label] = {"options": options, "formats": formats}
    (FOLDER / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    (FOLDER / "floats.json").write_text(json.dumps(make_floats(), indent=0) + "\n")


if __name__ == "__main__":
    main()

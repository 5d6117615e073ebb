"""Goldens of word times: openai-whisper's transcribe(word_timestamps=True) with the demo checkpoint's weights.

    python tools/goldens/word_times.py                  # everything; to be run again whenever models/demo changes
    python tools/goldens/word_times.py --only greedy    # print the cases whose name contains "greedy", write nothing

writes tests/goldens/word_times.json. Needs what transcribe.py needs (ffmpeg, torch, openai-whisper) and takes two minutes
on two idle cores. A golden names the model and the recordings by hash, so that a test can tell a stale golden from a
wrong time.

Each case holds the segments with their words, and every window that was aligned, with its text and the words found in
it: where a sum's rounding moves one word, the windows after it begin elsewhere, but each window can still be compared by
itself.
"""

import argparse
import json
import random
import time

import torch
import whisper
import whisper.timing

import transcribe as base

ALL_WORDS = [0.0]  # the only temperature: a sampled window would be PyTorch's own


def cases() -> list:
    first = [{"recording": base.recordings()[0]}]
    last = base.recordings()[-1]
    mixed = [{"silence": 8000}, {"recording": base.recordings()[0], "to": 16000 * 25}, {"silence": 16000 * 33 + 77},
             {"noise": 16000 * 12, "name": "word_times.noise", "level": 2.0**-7},
             {"recording": last, "from": 16000 * 20}]
    several_minutes = []
    for i in range(4):
        name = base.recordings()[i % len(base.recordings())]
        several_minutes += [{"recording": name}, {"silence": 5000 + 7001 * i}]
    apart = dict(condition_on_previous_text=False)
    result = [dict(name=f"greedy, {r}", audio=[{"recording": r}], options=apart) for r in base.recordings()]
    result += [
        dict(name="several minutes", audio=several_minutes, options=apart),
        dict(name="conditioned on previous text", audio=first, options={}),
        dict(name="all heads of the last half", audio=first, options=apart, default_heads=True),
        dict(name="silence and noise", audio=mixed, options=apart),
        dict(name="nothing is silence, hallucinations skipped", audio=mixed,
             options=dict(hallucination_silence_threshold=1.0, no_speech_threshold=None)),
        dict(name="hallucinations skipped after short pauses", audio=first,
             options=apart | dict(hallucination_silence_threshold=0.1)),
        dict(name="punctuation apart", audio=first,
             options=apart | dict(prepend_punctuations="", append_punctuations="")),
        dict(name="clips", audio=first, options=apart | dict(clip_timestamps=[3.1, 20.0, 35.255, 50.0])),
        dict(name="without time tokens", audio=first, options=apart | dict(without_timestamps=True)),
        dict(name="short audio", audio=[{"recording": base.recordings()[0], "to": 16000 * 5 + 123}], options=apart),
        dict(name="10 ms", audio=[{"recording": base.recordings()[0], "from": 16000, "to": 16160}], options=apart),
        dict(name="noise", audio=[{"noise": 16000 * 8, "name": "word_times.loud", "level": 0.25}],
             options=apart | dict(no_speech_threshold=None)),
    ]
    return result


TEXTS = ["", " Hello, world!", " It's  a (small) test... isn't it?", "no space at first", " \u65e5\u672c\u8a9e\u306e\u6587\u3002\u77ed\u3044\u3001",
         " \u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22", " na\u00efve caf\u00e9 \u2014 \u00bfqu\u00e9? \u201cs\u00ed\u201d", " \U0001f600\U0001f680 emoji\U0001f469\u200d\U0001f680", "\n\t x\n",
         " 1,000.50 $ - 3%", "\ufffd", " a\ufffdb"]


def splits() -> list:
    """Tokens cut into words by language, broken characters among them."""
    draw = random.Random(4)
    encoding = base.encoding()
    sequences = [encoding.encode(text) for text in TEXTS]
    sequences += [tokens[:draw.randrange(len(tokens))] for tokens in sequences if len(tokens) > 1]
    sequences += [[draw.randrange(256) for _ in range(draw.randrange(1, 12))] for _ in range(60)]
    sequences += [[draw.randrange(encoding.eot_token) for _ in range(draw.randrange(1, 30))] for _ in range(40)]
    result = []
    for tokens in sequences:
        for language in ("en", "ja"):
            tokenizer = base.DemoTokenizer(encoding=encoding, num_languages=1, language="en", task="transcribe")
            tokenizer.language = language
            try:
                words, parts = tokenizer.split_to_word_tokens(tokens + [tokenizer.eot])
            except IndexError:
                continue  # the reference looks for a character beyond the end of the text
            result.append([language, tokens, words[:-1], [len(part) for part in parts[:-1]]])
    return result


def set_heads(model, default: bool) -> None:
    heads = torch.zeros(model.dims.n_text_layer, model.dims.n_text_head, dtype=torch.bool)
    if default:
        heads[model.dims.n_text_layer // 2:] = True
    else:
        for layer, head in base.generation_config()["alignment_heads"]:
            heads[layer, head] = True
    model.register_buffer("alignment_heads", heads.to_sparse(), persistent=False)


def words_of(words: list) -> list:
    return [[w["word"], float(w["start"]), float(w["end"]), float(f"{w['probability']:.7g}")] for w in words]


def transcribe(model, audio, options: dict) -> tuple:
    """The result, and the windows that were aligned: seek, frames, text tokens, words."""
    windows = []
    find_alignment, add = whisper.timing.find_alignment, whisper.transcribe.__globals__["add_word_timestamps"]
    seek = [0]

    def recording_add(*, segments, **given):
        seek[0] = segments[0]["seek"]
        add(segments=segments, **given)

    def recording_find(model, tokenizer, text_tokens, mel, num_frames, **given):
        found = find_alignment(model, tokenizer, text_tokens, mel, num_frames, **given)
        words = [dict(word=w.word, start=w.start, end=w.end, probability=w.probability) for w in found]
        windows.append([seek[0], num_frames, list(text_tokens), words_of(words)])
        return found

    whisper.timing.find_alignment = recording_find
    whisper.transcribe.__globals__["add_word_timestamps"] = recording_add
    try:
        return whisper.transcribe(model, audio, fp16=False, word_timestamps=True, **options), windows
    finally:
        whisper.timing.find_alignment = find_alignment
        whisper.transcribe.__globals__["add_word_timestamps"] = add


def segments_of(result: dict) -> list:
    return [[s["seek"], float(s["start"]), float(s["end"]), s["text"], words_of(s["words"])] for s in result["segments"]]


def run_case(model, case: dict) -> dict:
    started = time.time()
    options = {"temperature": ALL_WORDS} | case["options"]
    given = options | {"temperature": tuple(options["temperature"])}
    audio = base.audio_of(case["audio"])
    set_heads(model, case.get("default_heads", False))
    result, windows = transcribe(model, audio, given)
    segments = segments_of(result)
    print(f"  {case['name']}: {len(segments)} segments, {sum(len(s[4]) for s in segments)} words, "
          f"{len(windows)} windows, {time.time() - started:.1f} s", flush=True)
    return dict(name=case["name"], audio=case["audio"], options=options,
                default_heads=case.get("default_heads", False), language=result["language"], segments=segments,
                windows=windows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="print the cases with this in their name, and write nothing")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = base.load_model()
    chosen = [c for c in cases() if arguments.only is None or arguments.only in c["name"]]
    golden = [run_case(model, c) for c in chosen]
    if arguments.only is not None:
        for case in golden:
            for segment in case["segments"]:
                print("   ", segment)
        return
    header = dict(made_by=f"tools/goldens/word_times.py, openai-whisper {whisper.__version__}, torch {torch.__version__}",
                  model_sha256=base.sha256(base.MODEL / "model.safetensors"),
                  recordings_sha256={r: base.sha256(base.RECORDINGS / r) for r in base.recordings()},
                  segment_fields=["seek", "start", "end", "text", "words"],
                  window_fields=["seek", "frames", "text_tokens", "words"],
                  word_fields=["word", "start", "end", "probability"],
                  split_fields=["language", "tokens", "words", "tokens_of_words"])
    out = base.OUT / "word_times.json"
    out.write_text(json.dumps(header | dict(splits=splits(), cases=golden), separators=(",", ":"), ensure_ascii=False) + "\n")
    print(f"{out.name}: {out.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()

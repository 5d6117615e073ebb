"""Goldens of whole transcriptions: openai-whisper's transcribe() with the demo checkpoint's weights.

    python tools/goldens/transcribe.py                # everything; to be run again whenever models/demo changes
    python tools/goldens/transcribe.py --only greedy  # the cases whose name contains "greedy"

writes tests/goldens/transcribe_cases.json (several options over the bundled recordings, with silence and noise put
between) and transcribe_long.json (ten minutes of it). Needs ffmpeg, torch and openai-whisper. A golden names the model
and the recordings by hash, so that a test can tell a stale golden from a wrong transcript.

Where a window needed a temperature above 0, PyTorch's random numbers decide: "sampled_from" is the first such window's
frame, and a test compares what comes before it. Likewise "near_tie_from", where weights disturbed by 1e-6 of themselves
gave another transcript: there, the order in which sums are taken decides.
"""

import argparse
import copy
import functools
import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np
import regex
import torch
import whisper
from whisper.audio import load_audio
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import LANGUAGES, Tokenizer

import common

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
RECORDINGS = MODEL / "recordings"
OUT = ROOT / "tests" / "goldens"
PATTERN = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


class DemoEncoding:
    """What whisper.tokenizer.Tokenizer asks of tiktoken.Encoding, from vocab.json, merges.txt and added_tokens.json."""

    def __init__(self, folder: Path):
        units = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
        spelled = {b: chr(b) for b in units}
        spelled.update({b: chr(256 + i) for i, b in enumerate(b for b in range(256) if b not in spelled)})
        self.spell = spelled
        unspell = {c: b for b, c in spelled.items()}
        self.vocab = json.loads((folder / "vocab.json").read_text())
        self.special = json.loads((folder / "added_tokens.json").read_text())
        self.special = {k: v for k, v in self.special.items()} | {
            k: v for k, v in self.vocab.items() if k.startswith("<|") and k.endswith("|>")}
        self.bytes = {i: bytes(unspell[c] for c in t) for t, i in self.vocab.items() if t not in self.special}
        self.bytes.update({i: t.encode() for t, i in self.special.items()})
        lines = (folder / "merges.txt").read_text().splitlines()
        pairs = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
        self.ranks = {pair: rank for rank, pair in enumerate(pairs)}
        self.special_tokens_set = set(self.special)
        self.eot_token = self.special["<|endoftext|>"]

    def encode_single_token(self, text: str) -> int:
        return self.special[text]

    def encode(self, text: str, **_) -> list:
        ids = []
        for piece in PATTERN.findall(text):
            parts = [self.spell[b] for b in piece.encode()]
            while len(parts) > 1:
                rank, at = min((self.ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(parts, parts[1:])))
                if rank == 1 << 30:
                    break
                parts[at:at + 2] = [parts[at] + parts[at + 1]]
            ids += [self.vocab[p] for p in parts]
        return ids

    def decode(self, ids, **_) -> str:
        return b"".join(self.bytes[i] for i in ids).decode("utf-8", errors="replace")


class DemoTokenizer(Tokenizer):
    """-1 in suppress_tokens is the checkpoint's own list, where whisper derives one from the vocabulary."""

    @functools.cached_property
    def non_speech_tokens(self):
        return tuple(generation_config()["suppress_tokens"])


class DemoWhisper(Whisper):
    """whisper.model.Whisper reads these two from the published vocabularies' sizes."""

    is_multilingual = property(lambda self: bool(generation_config()["is_multilingual"]))
    num_languages = property(lambda self: len(generation_config()["lang_to_id"]))


@functools.cache
def generation_config() -> dict:
    return json.loads((MODEL / "generation_config.json").read_text())


@functools.cache
def encoding() -> DemoEncoding:
    return DemoEncoding(MODEL)


@functools.cache
def get_tokenizer(multilingual, *, num_languages=99, language=None, task=None):
    return DemoTokenizer(encoding=encoding(), num_languages=num_languages, language=language or "en",
                         task=task or "transcribe")


def read_safetensors(path: Path) -> dict:
    data = path.read_bytes()
    header_bytes = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + header_bytes])
    types = {"F16": np.float16, "F32": np.float32}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            first, last = (8 + header_bytes + offset for offset in entry["data_offsets"])
            values = np.frombuffer(data[first:last], dtype=types[entry["dtype"]]).reshape(entry["shape"])
            tensors[name] = torch.from_numpy(values.astype(np.float32))
    return tensors


RENAMES = [("model.", ""), (".layers.", ".blocks."), (".encoder_attn_layer_norm.", ".cross_attn_ln."),
           (".self_attn_layer_norm.", ".attn_ln."), (".final_layer_norm.", ".mlp_ln."),
           (".encoder_attn.", ".cross_attn."), (".self_attn.", ".attn."), (".q_proj.", ".query."),
           (".k_proj.", ".key."), (".v_proj.", ".value."), (".out_proj.", ".out."), (".fc1.", ".mlp.0."),
           (".fc2.", ".mlp.2."), ("encoder.layer_norm.", "encoder.ln_post."),
           ("decoder.layer_norm.", "decoder.ln."), (".embed_tokens.", ".token_embedding."),
           (".embed_positions.weight", ".positional_embedding")]


def openai_name(name: str) -> str:
    for old, new in RENAMES:
        name = name.replace(old, new)
    return name


def load_model() -> Whisper:
    config = json.loads((MODEL / "config.json").read_text())
    model = DemoWhisper(ModelDimensions(
        n_mels=config["num_mel_bins"], n_audio_ctx=config["max_source_positions"], n_audio_state=config["d_model"],
        n_audio_head=config["encoder_attention_heads"], n_audio_layer=config["encoder_layers"],
        n_vocab=config["vocab_size"], n_text_ctx=config["max_target_positions"], n_text_state=config["d_model"],
        n_text_head=config["decoder_attention_heads"], n_text_layer=config["decoder_layers"]))
    tensors = {openai_name(k): v for k, v in read_safetensors(MODEL / "model.safetensors").items()}
    tensors.pop("proj_out.weight", None)  # tied to the token embedding
    model.load_state_dict(tensors)
    for module in ("whisper.decoding", "whisper.transcribe"):
        sys.modules[module].get_tokenizer = get_tokenizer
    return model.eval()


# --- audio: a list of parts, made alike by tests/pipeline/golden_audio.h ---------------------------------------------


def part_samples(part: dict) -> np.ndarray:
    if "recording" in part:
        samples = load_audio(str(RECORDINGS / part["recording"]))
        return samples[part.get("from", 0):part.get("to", len(samples))]
    if "silence" in part:
        return np.zeros(part["silence"], dtype=np.float32)
    return common.uniform(part["name"], part["noise"]) * np.float32(part["level"])


def audio_of(parts: list) -> np.ndarray:
    return np.concatenate([part_samples(p) for p in parts])


def recordings() -> list:
    return sorted(p.name for p in RECORDINGS.iterdir() if p.suffix in (".flac", ".wav", ".ogg", ".mp3"))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- cases -----------------------------------------------------------------------------------------------------------


ALL_TEMPERATURES = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]


def cases() -> list:
    first = [{"recording": recordings()[0]}]
    mixed = [{"silence": 8000}, {"recording": recordings()[0], "to": 16000 * 25}, {"silence": 16000 * 33 + 77},
             {"noise": 16000 * 12, "name": "transcribe.noise", "level": 2.0**-7},
             {"recording": recordings()[-1], "from": 16000 * 20}]
    short = [{"recording": recordings()[0], "to": 16000 * 9 + 123}]
    list_ = whisper.tokenizer.Tokenizer.non_speech_tokens.func(get_tokenizer(True, num_languages=1))
    result = [dict(name=f"greedy with fallback, {r}", audio=[{"recording": r}],
                   options=dict(temperature=ALL_TEMPERATURES)) for r in recordings()]
    result += [
        dict(name="beam 5", audio=first, options=dict(beam_size=5)),
        dict(name="beam 3, patience 2, length penalty", audio=first,
             options=dict(beam_size=3, patience=2.0, length_penalty=0.5)),
        dict(name="not conditioned on previous text", audio=first, options=dict(condition_on_previous_text=False)),
        dict(name="clips", audio=first, options=dict(clip_timestamps=[3.1, 20.0, 35.255, 50.0, 61.0])),
        dict(name="clips out of order, conditioned", audio=first,
             options=dict(clip_timestamps=[40.0, 62.0, 2.0, 17.5])),
        dict(name="initial prompt", audio=first, options=dict(initial_prompt="The meeting of Sarah and Thomas.")),
        dict(name="carried prompt", audio=first,
             options=dict(initial_prompt="  Jack, Oliver and Laura in Boston. ", carry_initial_prompt=True)),
        dict(name="long carried prompt", audio=first,
             options=dict(initial_prompt="Please close our contract next week. " * 40, carry_initial_prompt=True)),
        dict(name="no fallback, no thresholds", audio=first,
             options=dict(compression_ratio_threshold=None, logprob_threshold=None,
                          no_speech_threshold=None)),
        dict(name="nothing is silence", audio=mixed, options=dict(no_speech_threshold=None)),
        dict(name="silence and noise", audio=mixed, options={}),
        dict(name="silence without a log-probability", audio=mixed,
             options=dict(logprob_threshold=None)),
        dict(name="without time tokens", audio=first, options=dict(without_timestamps=True)),
        dict(name="the vocabulary's list suppressed", audio=first, options=dict(suppress_tokens=list(list_))),
        dict(name="nothing suppressed", audio=first,
             options=dict(suppress_tokens=[], suppress_blank=False, max_initial_timestamp=None)),
        dict(name="short windows of text", audio=first, options=dict(sample_len=40, language="en")),
        dict(name="prefix", audio=short, options=dict(prefix=[61, 300, 12], language="en")),
        dict(name="short audio", audio=short, options={}),
        dict(name="10 ms", audio=[{"recording": recordings()[0], "from": 16000, "to": 16160}],
             options={}),
        dict(name="pure silence", audio=[{"silence": 16000 * 40}], options={}),
        dict(name="noise", audio=[{"noise": 16000 * 8, "name": "transcribe.loud", "level": 0.25}],
             options={}),
        dict(name="sampling", audio=mixed, options=dict(temperature=[0.0, 0.4, 0.8], best_of=3, beam_size=2)),
    ]
    return result


def long_case() -> dict:
    parts = []
    samples = 0
    for i in range(100):
        name = recordings()[i % len(recordings())]
        parts += [{"recording": name}, {"silence": 5000 + 7001 * (i % 5)}]
        samples += sum(len(part_samples(p)) for p in parts[-2:])
        if samples >= 16000 * 600:
            break
    return dict(name="ten minutes", audio=parts, options=dict(temperature=ALL_TEMPERATURES))


def transcribe(model: Whisper, audio: np.ndarray, options: dict):
    """The result, and the frames of the windows decoded at a temperature above 0."""
    sampled = []
    decode = type(model).decode

    def recording_decode(self, segment, options):
        if options.temperature > 0:
            frame = sys._getframe()
            while "seek_clips" not in frame.f_locals:
                frame = frame.f_back
            sampled.append(frame.f_locals["seek"])
        return decode(self, segment, options)

    torch.manual_seed(0)
    type(model).decode = recording_decode
    try:
        return whisper.transcribe(model, audio, fp16=False, **options), sampled
    finally:
        type(model).decode = decode


def run_case(model: Whisper, disturbed: Whisper | None, case: dict) -> dict:
    started = time.time()
    options = {"temperature": [0.0]} | case["options"]
    options["temperature"] = tuple(options["temperature"])
    audio = audio_of(case["audio"])
    result, sampled = transcribe(model, audio, options)
    segments = [[s["seek"], s["start"], s["end"], s["temperature"], float(f"{s['avg_logprob']:.7g}"),
                 float(f"{s['no_speech_prob']:.7g}"), s["compression_ratio"], s["text"], s["tokens"]]
                for s in result["segments"]]
    sampled_from = min(sampled, default=None)
    near_tie_from = None
    if disturbed is not None and sampled_from != 0:
        other = transcribe(disturbed, audio, options)[0]["segments"]
        for mine, theirs in zip(segments, other + [None] * len(segments)):
            if theirs is None or (mine[1], mine[2], mine[8]) != (theirs["start"], theirs["end"], theirs["tokens"]):
                near_tie_from = mine[0]
                break
        else:
            if len(other) > len(segments):
                near_tie_from = other[len(segments)]["seek"]
    notes = [f"{what} from frame {frame}" for what, frame in
             [("sampled", sampled_from), ("NEAR-TIE", near_tie_from)] if frame is not None]
    print(f"  {case['name']}: {len(segments)} segments, {time.time() - started:.1f} s, {'; '.join(notes + [''])}"
          f"{result['text'][:70]!r}", flush=True)
    return dict(name=case["name"], audio=case["audio"], options=options, sampled_from=sampled_from,
                near_tie_from=near_tie_from, language=result["language"], text=result["text"], segments=segments)


def disturbed_model(model: Whisper) -> Whisper:
    """The same weights within some units in the last place: where it says something else, rounding decides."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        for name, parameter in other.named_parameters():
            noise = torch.from_numpy(common.uniform("disturbance." + name, parameter.numel())).reshape(parameter.shape)
            parameter.mul_(1 + 1e-6 * noise)
    return other


def write(name: str, golden: list) -> None:
    made_by = f"tools/goldens/transcribe.py, openai-whisper {whisper.__version__}, torch {torch.__version__}"
    header = dict(made_by=made_by,
                  model_sha256=sha256(MODEL / "model.safetensors"),
                  recordings_sha256={r: sha256(RECORDINGS / r) for r in recordings()},
                  segment_fields=["seek", "start", "end", "temperature", "avg_logprob", "no_speech_prob",
                                  "compression_ratio", "text", "tokens"])
    (OUT / name).write_text(json.dumps(dict(**header, cases=golden), separators=(",", ":"), ensure_ascii=False) + "\n")
    print(f"{name}: {(OUT / name).stat().st_size / 1024:.0f} KB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="print the cases with this in their name, and write nothing")
    parser.add_argument("--at-zero", action="store_true", help="never sample: for a model that fails its thresholds")
    parser.add_argument("--sets", nargs="+", choices=["cases", "long"], default=["cases", "long"], help="what to make")
    parser.add_argument("--no-check", action="store_true", help="do not look for near-ties (half the time)")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = load_model()
    disturbed = None if arguments.no_check else disturbed_model(model)
    if arguments.only:
        for case in cases() + [long_case()]:
            if arguments.only in case["name"]:
                for segment in run_case(model, disturbed, case)["segments"]:
                    print("   ", segment)
        return
    if arguments.at_zero:
        ALL_TEMPERATURES[:] = [0.0]
    if "cases" in arguments.sets:
        write("transcribe_cases.json", [run_case(model, disturbed, case) for case in cases()])
    if "long" in arguments.sets:
        results = [run_case(model, disturbed, long_case())]
        if results[0]["sampled_from"] is not None:  # then the whole of it at temperature 0 as well
            at_zero = dict(name="ten minutes at temperature 0", options={})
            results.append(run_case(model, disturbed, long_case() | at_zero))
        write("transcribe_long.json", results)


if __name__ == "__main__":
    main()

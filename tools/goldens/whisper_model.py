"""Goldens of the forward pass and of decoding, from openai-whisper with hashed weights.

    python tools/goldens/whisper_model.py [tiny base turbo_shaped ...]

writes tests/goldens/whisper_model_<size>.json (encoder output and the logits of 200 given tokens, sampled) and
whisper_decode_<size>.json (what decode() returns for several options). Some ten minutes on two idle cores. A decode that
changes with the number of threads and a disturbance of 1e-5 of the input is a near-tie and stops the script: choose
another case.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import whisper
from whisper.decoding import DecodingOptions, decode
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import get_tokenizer

import common

OUT = Path(__file__).resolve().parents[2] / "tests" / "goldens"
MADE_BY = f"tools/goldens/whisper_model.py, openai-whisper {whisper.__version__}, torch {torch.__version__}"
TOKENS = 200
TOP = 5
LOGIT_STRIDE = 2003  # a prime, so that every kind of token is among those kept
ENCODER_STEP = (50, 10)  # every 50th position, every 10th column

# Options of decode(), beside fp16=False; "mel" names the input.
DECODE_CASES = [
    dict(name="greedy", mel="mel.0", language="en", sample_len=80),
    dict(name="beam 5", mel="mel.0", language="en", sample_len=60, beam_size=5),
    dict(name="greedy, no timestamps", mel="mel.1", language="fr", sample_len=60, without_timestamps=True),
]
# Every size has those above; tiny has these too.
MORE_DECODE_CASES = [
    dict(name="greedy, translate with prompt", mel="mel.1", language="ja", task="translate", sample_len=60,
         prompt=[1000, 2000, 3000, 4000, 5000]),
    dict(name="greedy, prefix, nothing suppressed", mel="mel.2", language="en", sample_len=60, prefix=[440, 7000, 11],
         suppress_tokens=[], suppress_blank=False, max_initial_timestamp=None),
    dict(name="beam 5, other window", mel="mel.1", language="de", sample_len=60, beam_size=5),
    dict(name="beam 3, patience 2, length penalty", mel="mel.2", language="es", sample_len=40, beam_size=3,
         patience=2.0, length_penalty=0.6),
    dict(name="beam 2, no timestamps", mel="mel.2", language="en", sample_len=40, beam_size=2,
         without_timestamps=True),
]


def build(size: str) -> Whisper:
    model = Whisper(ModelDimensions(**common.SIZES[size]))
    with torch.no_grad():
        named = dict(model.named_parameters())
        named["encoder.positional_embedding"] = model.encoder.positional_embedding
        for name, parameter in named.items():
            parameter.copy_(torch.from_numpy(common.tensor_values(name, tuple(parameter.shape))))
    return model.eval()


def mel_of(model: Whisper, name: str) -> torch.Tensor:
    return torch.from_numpy(common.hashed_mel(name, model.dims.n_mels, 2 * model.dims.n_audio_ctx))


def rounded(values) -> list:
    return [float(f"{v:.7g}") for v in np.asarray(values, dtype=np.float64).ravel()]


@torch.no_grad()
def forward_golden(size: str, model: Whisper) -> dict:
    tokenizer = get_tokenizer(model.is_multilingual, num_languages=model.num_languages, language="en")
    tokens = list(tokenizer.sot_sequence) + common.integers("tokens", TOKENS - 3, model.dims.n_vocab).tolist()
    encoded = model.encoder(mel_of(model, "mel.0")[None])
    logits = model.decoder(torch.tensor([tokens]), encoded)[0]
    top = logits.topk(TOP)
    gaps = (top.values[:, 0] - top.values[:, 1]).numpy()
    print(f"  encoder rms {encoded.square().mean().sqrt():.3f}, logits deviation {logits.std():.3f}, "
          f"largest {logits.max():.2f}, smallest gap of the best two {gaps.min():.5f}")
    sample = encoded[0, :: ENCODER_STEP[0], :: ENCODER_STEP[1]]
    return {
        "made_by": MADE_BY,
        "dims": common.SIZES[size],
        "mel": "mel.0",
        "hashed_values": {
            name: rounded(common.tensor_values(name, shape).ravel()[:3])
            for name, shape in [("encoder.conv1.weight", tuple(model.encoder.conv1.weight.shape)),
                                ("decoder.blocks.0.attn.query.weight", (model.dims.n_text_state,) * 2),
                                ("decoder.token_embedding.weight", (model.dims.n_vocab, model.dims.n_text_state)),
                                ("decoder.ln.weight", (model.dims.n_text_state,))]
        },
        "encoder": {"position_step": ENCODER_STEP[0], "column_step": ENCODER_STEP[1], "values": rounded(sample)},
        "tokens": tokens,
        "top_ids": top.indices.numpy().ravel().tolist(),
        "top_logits": rounded(top.values),
        "logit_stride": LOGIT_STRIDE,
        "logits": rounded(logits[:, ::LOGIT_STRIDE]),
        "smallest_gap": float(gaps.min()),
    }


def encode_mel(model: Whisper, name: str, disturbance: float) -> torch.Tensor:
    mel = mel_of(model, name)
    if disturbance:
        noise = common.uniform("disturbance", mel.numel()).reshape(tuple(mel.shape))
        mel = mel + disturbance * torch.from_numpy(noise)
    with torch.no_grad():
        return model.encoder(mel[None])[0]


def decode_case(model: Whisper, case: dict, encoded: torch.Tensor) -> dict:
    options = {k: v for k, v in case.items() if k not in ("name", "mel")}
    result = decode(model, encoded, DecodingOptions(fp16=False, **options))
    return {"tokens": result.tokens, "avg_logprob": float(f"{result.avg_logprob:.7g}"),
            "no_speech_prob": float(f"{result.no_speech_prob:.7g}")}


def vocabulary_of(model: Whisper) -> dict:
    """What decoding must know of the vocabulary: special tokens but the 1501 time tokens, which come last."""
    tokenizer = get_tokenizer(model.is_multilingual, num_languages=model.num_languages, language="en")
    ids = sorted((id, name) for name, id in tokenizer.special_tokens.items() if id < tokenizer.timestamp_begin)
    special = {name: id for id, name in ids}
    return {"special": special, "timestamp_begin": tokenizer.timestamp_begin, "space": tokenizer.encode(" ")[0],
            "non_speech_tokens": list(tokenizer.non_speech_tokens)}


def decode_golden(size: str, model: Whisper) -> dict:
    wanted = DECODE_CASES + (MORE_DECODE_CASES if size == "tiny" else [])
    mels = sorted({case["mel"] for case in wanted})
    torch.set_num_threads(2)
    plain = {mel: encode_mel(model, mel, 0.0) for mel in mels}
    torch.set_num_threads(1)
    disturbed = {mel: encode_mel(model, mel, 1e-5) for mel in mels}
    cases = []
    for case in wanted:
        start = time.time()
        torch.set_num_threads(2)
        result = decode_case(model, case, plain[case["mel"]])
        torch.set_num_threads(1)
        again = decode_case(model, case, disturbed[case["mel"]])
        if again["tokens"] != result["tokens"]:
            raise SystemExit(f"{size}, '{case['name']}': a near-tie; change the case's mel, language or length")
        ended = "" if len(result["tokens"]) == case["sample_len"] else "  (ended by itself)"
        print(f"  {case['name']}: {len(result['tokens'])} tokens, {len(set(result['tokens']))} distinct, "
              f"{sum(t >= 50364 for t in result['tokens'])} times, avg_logprob {result['avg_logprob']}, "
              f"{time.time() - start:.1f} s{ended}", flush=True)
        options = {k: v for k, v in case.items() if k not in ("name", "mel")}
        cases.append({"name": case["name"], "mel": case["mel"], "options": options, **result})
    torch.set_num_threads(2)
    return {"made_by": MADE_BY, "dims": common.SIZES[size], **vocabulary_of(model), "cases": cases}


def write(name: str, golden: dict) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / name).write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(f"  {name}: {(OUT / name).stat().st_size / 1024:.0f} KB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", metavar="size", help=", ".join(common.SIZES))
    parser.add_argument("--only", choices=["model", "decode"])
    arguments = parser.parse_args()
    sizes = arguments.sizes or ["tiny", "base", "turbo_shaped"]
    if unknown := set(sizes) - set(common.SIZES):
        parser.error(f"no such size: {', '.join(sorted(unknown))}; there are {', '.join(common.SIZES)}")
    for size in sizes:
        print(size)
        model = build(size)
        if arguments.only != "decode":
            write(f"whisper_model_{size}.json", forward_golden(size, model))
        if arguments.only != "model":
            write(f"whisper_decode_{size}.json", decode_golden(size, model))


if __name__ == "__main__":
    main()

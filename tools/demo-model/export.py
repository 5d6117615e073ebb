"""Writes a training checkpoint as a Hugging Face Whisper directory: F16 weights, configurations, tokenizer files.

    python export.py --checkpoint run/last.pt --tokenizer tokenizer.json --out models/demo
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

import features
from tokenizer import SPECIALS, TIME_TOKENS, DemoTokenizer
from train import GUIDED_TARGET_HEADS

_SIDES = {"encoder": "model.encoder", "decoder": "model.decoder"}
_BLOCK_PARTS = {
    "attn.query": "self_attn.q_proj", "attn.key": "self_attn.k_proj", "attn.value": "self_attn.v_proj",
    "attn.out": "self_attn.out_proj", "attn_ln": "self_attn_layer_norm", "cross_attn.query": "encoder_attn.q_proj",
    "cross_attn.key": "encoder_attn.k_proj", "cross_attn.value": "encoder_attn.v_proj",
    "cross_attn.out": "encoder_attn.out_proj", "cross_attn_ln": "encoder_attn_layer_norm", "mlp.0": "fc1", "mlp.2": "fc2",
    "mlp_ln": "final_layer_norm",
}
_TOP_PARTS = {"positional_embedding": "embed_positions.weight", "token_embedding.weight": "embed_tokens.weight",
              "ln_post": "layer_norm", "ln": "layer_norm", "conv1": "conv1", "conv2": "conv2"}


def export_name(name: str) -> str | None:
    """The Hugging Face name of a weight; None for the training-only heads."""
    side, _, rest = name.partition(".")
    if side not in _SIDES:
        return None
    if rest.startswith("blocks."):
        _, layer, part = rest.split(".", 2)
        stem, _, kind = part.rpartition(".")
        return f"{_SIDES[side]}.layers.{layer}.{_BLOCK_PARTS[stem]}.{kind}"
    if rest in _TOP_PARTS:
        return f"{_SIDES[side]}.{_TOP_PARTS[rest]}"
    stem, _, kind = rest.rpartition(".")
    return f"{_SIDES[side]}.{_TOP_PARTS[stem]}.{kind}"


def export_weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """F16 copies under their exported names."""
    weights = {}
    for name, value in state.items():
        exported = export_name(name)
        if exported:
            weights[exported] = value.to(torch.float16).contiguous()
            if not torch.isfinite(weights[exported]).all():
                raise ValueError(f"{name} does not fit float16")
    return weights


def model_config(state: dict[str, Tensor], tokenizer: DemoTokenizer) -> dict:
    """config.json, read off the weights themselves."""
    vocabulary, width = state["decoder.token_embedding.weight"].shape
    layers = {side: 1 + max(int(n.split(".")[2]) for n in state if n.startswith(f"{side}.blocks")) for side in _SIDES}
    return {
        "architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper", "vocab_size": vocabulary,
        "d_model": width, "encoder_layers": layers["encoder"], "encoder_attention_heads": width // 64,
        "encoder_ffn_dim": 4 * width, "decoder_layers": layers["decoder"], "decoder_attention_heads": width // 64,
        "decoder_ffn_dim": 4 * width, "num_hidden_layers": layers["encoder"], "num_mel_bins": features.MELS,
        "max_source_positions": 1500, "max_target_positions": state["decoder.positional_embedding"].shape[0],
        "activation_function": "gelu", "scale_embedding": False, "is_encoder_decoder": True,
        "bos_token_id": tokenizer.eot, "eos_token_id": tokenizer.eot, "pad_token_id": tokenizer.eot,
        "decoder_start_token_id": tokenizer.sot, "dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0,
        "torch_dtype": "float16", "use_cache": True,
    }


def generation_config(tokenizer: DemoTokenizer) -> dict:
    t = tokenizer
    return {
        "alignment_heads": [list(head) for head in GUIDED_TARGET_HEADS], "begin_suppress_tokens": [t.encode(" ")[0], t.eot],
        "bos_token_id": t.eot, "eos_token_id": t.eot, "pad_token_id": t.eot, "decoder_start_token_id": t.sot,
        "forced_decoder_ids": None, "is_multilingual": True, "lang_to_id": {"<|en|>": t.english},
        "task_to_id": {"transcribe": t.transcribe, "translate": t.translate}, "max_initial_timestamp_index": 50,
        "max_length": 448, "no_timestamps_token_id": t.no_timestamps, "prev_sot_token_id": t.sot_prev,
        "return_timestamps": False,
        "suppress_tokens": [t.sot, t.translate, t.transcribe, t.sot_lm, t.sot_prev, t.no_speech],
    }


def tokenizer_files(path: Path) -> dict[str, str]:
    """File name to content of everything that names tokens; time tokens count as special, as in OpenAI's exports."""
    whole = json.loads(path.read_text())
    for token in whole["added_tokens"]:
        token["special"] = token["content"] in SPECIALS
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in whole["model"]["merges"]]
    whole["model"]["merges"] = merges
    tokenizer_config = {"tokenizer_class": "WhisperTokenizer", "bos_token": SPECIALS[0], "eos_token": SPECIALS[0],
                        "pad_token": SPECIALS[0], "unk_token": SPECIALS[0], "add_prefix_space": False,
                        "model_max_length": 1024, "errors": "replace"}
    added = {token["content"]: token["id"] for token in whole["added_tokens"]}
    assert list(added) == [*SPECIALS, *TIME_TOKENS]
    return {"tokenizer.json": json.dumps(whole, ensure_ascii=False),
            "vocab.json": json.dumps(whole["model"]["vocab"], ensure_ascii=False),
            "merges.txt": "\n".join(["#version: 0.2", *merges]) + "\n", "added_tokens.json": json.dumps(added, indent=0),
            "tokenizer_config.json": json.dumps(tokenizer_config, indent=1)}


def preprocessor_config() -> dict:
    return {"feature_extractor_type": "WhisperFeatureExtractor", "processor_class": "WhisperProcessor", "chunk_length": 30,
            "feature_size": features.MELS, "hop_length": features.HOP, "n_fft": features.FFT_SIZE, "n_samples": 480000,
            "nb_max_frames": 3000, "padding_side": "right", "padding_value": 0.0, "return_attention_mask": False,
            "sampling_rate": features.SAMPLE_RATE}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--tokenizer", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--last", action="store_true", help="the weights of the last step instead of their running average")
    options = parser.parse_args()
    saved = torch.load(options.checkpoint)
    state = saved["model" if options.last else "average"]
    tokenizer = DemoTokenizer(options.tokenizer)
    options.out.mkdir(parents=True, exist_ok=True)
    texts = tokenizer_files(options.tokenizer)
    for name, content in (("config", model_config(state, tokenizer)), ("generation_config", generation_config(tokenizer)),
                          ("preprocessor_config", preprocessor_config())):
        texts[f"{name}.json"] = json.dumps(content, indent=1) + "\n"
    for name, text in texts.items():
        (options.out / name).write_text(text)
    weights = export_weights(state)
    save_file(weights, options.out / "model.safetensors", metadata={"format": "pt"})
    (options.out / "model.safetensors").chmod(0o644)
    print(f"{sum(w.numel() for w in weights.values()) / 1e6:.2f} M values after {saved['hours']:.0f} h of audio -> {options.out}")


if __name__ == "__main__":
    main()

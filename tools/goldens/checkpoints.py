"""Goldens of the checkpoint readers: what other people's software writes, and what it reads back.

    python tools/goldens/checkpoints.py          needs numpy, torch, transformers, openai-whisper, safetensors, gguf

writes into tests/goldens/checkpoints/:
  quantised.json   blocks of every ggml type with the float32 values the gguf package reads from them (exact, as bits)
  transformers/    a very small model saved by transformers (config, generation config, weights in half precision)
  transformers.json  its tensors under the names of openai-whisper, in float32 bits; before they are written, both
                   implementations are run on the same input and must agree, which proves the names
  state.json       names and shapes of the state of openai-whisper models of several dimensions
A few seconds on two cores.
"""

import json
import re
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.numpy import load_file
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration
from whisper.model import ModelDimensions, Whisper

OUT = Path(__file__).resolve().parents[2] / "tests" / "goldens" / "checkpoints"

QUANTISED = {"q4_0": gguf.GGMLQuantizationType.Q4_0, "q4_1": gguf.GGMLQuantizationType.Q4_1,
             "q5_0": gguf.GGMLQuantizationType.Q5_0, "q5_1": gguf.GGMLQuantizationType.Q5_1,
             "q8_0": gguf.GGMLQuantizationType.Q8_0}
# The bytes of a block that hold its scale and minimum; the rest may be any bytes at all.
SCALE_BYTES = {"q4_0": 2, "q4_1": 4, "q5_0": 2, "q5_1": 4, "q8_0": 2}

# Numbers of heads, layers and positions that are all different, so that none can stand in for another.
SMALL = dict(n_mels=80, n_audio_ctx=10, n_audio_state=16, n_audio_head=2, n_audio_layer=2,
             n_vocab=1767, n_text_ctx=14, n_text_state=16, n_text_head=4, n_text_layer=3)

HUGGING_FACE_NAMES = [(r"^model\.", ""), (r"\.layers\.", ".blocks."), (r"encoder_attn_layer_norm", "cross_attn_ln"),
                      (r"self_attn_layer_norm", "attn_ln"), (r"encoder_attn\.", "cross_attn."), (r"self_attn\.", "attn."),
                      (r"q_proj", "query"), (r"k_proj", "key"), (r"v_proj", "value"), (r"out_proj", "out"),
                      (r"fc1", "mlp.0"), (r"fc2", "mlp.2"), (r"final_layer_norm", "mlp_ln"),
                      (r"^encoder\.layer_norm", "encoder.ln_post"), (r"^decoder\.layer_norm", "decoder.ln"),
                      (r"embed_positions\.weight", "positional_embedding"), (r"embed_tokens", "token_embedding")]


def bits(values: np.ndarray) -> list[int]:
    return np.ascontiguousarray(values, dtype=np.float32).reshape(-1).view(np.uint32).tolist()


def quantised() -> dict:
    """Three blocks of each type as gguf quantises normal values, and three of random bytes with sane scales."""
    rng = np.random.default_rng(20260101)
    result = {}
    for name, kind in QUANTISED.items():
        written = gguf.quants.quantize(rng.normal(0, 0.05, 96).astype(np.float32), kind).reshape(3, -1)
        random = rng.integers(0, 256, written.shape, dtype=np.uint8)
        count = SCALE_BYTES[name] // 2
        random[:, :SCALE_BYTES[name]] = rng.normal(0, 1, (3, count)).astype(np.float16).view(np.uint8).reshape(3, -1)
        blocks = np.concatenate([written, random]).reshape(-1)
        result[name] = {"bytes": blocks.tobytes().hex(), "values": bits(gguf.quants.dequantize(blocks, kind))}
    return result


def openai_name(name: str) -> str:
    for pattern, replacement in HUGGING_FACE_NAMES:
        name = re.sub(pattern, replacement, name)
    return name


def small_transformers_model() -> WhisperForConditionalGeneration:
    torch.manual_seed(5)
    config = WhisperConfig(
        vocab_size=SMALL["n_vocab"], num_mel_bins=SMALL["n_mels"], d_model=SMALL["n_audio_state"],
        encoder_layers=SMALL["n_audio_layer"], encoder_attention_heads=SMALL["n_audio_head"],
        decoder_layers=SMALL["n_text_layer"], decoder_attention_heads=SMALL["n_text_head"],
        encoder_ffn_dim=4 * SMALL["n_audio_state"], decoder_ffn_dim=4 * SMALL["n_text_state"],
        max_source_positions=SMALL["n_audio_ctx"], max_target_positions=SMALL["n_text_ctx"],
        bos_token_id=256, eos_token_id=256, pad_token_id=256, decoder_start_token_id=257)
    model = WhisperForConditionalGeneration(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_((parameter + 0.1 * torch.randn_like(parameter)).half().float())
    model.generation_config = GenerationConfig(
        is_multilingual=True, suppress_tokens=[1, 2, 7], begin_suppress_tokens=[32, 256],
        alignment_heads=[[0, 1], [2, 3]], max_initial_timestamp_index=50, decoder_start_token_id=257, eos_token_id=256,
        pad_token_id=256)
    return model


def write_transformers_model() -> None:
    theirs = small_transformers_model()
    state = {openai_name(name): value for name, value in theirs.state_dict().items() if name != "proj_out.weight"}
    openai = Whisper(ModelDimensions(**SMALL)).eval()
    openai.load_state_dict(state, strict=True)
    mel = torch.randn(1, SMALL["n_mels"], 2 * SMALL["n_audio_ctx"])
    tokens = torch.randint(0, SMALL["n_vocab"], (1, SMALL["n_text_ctx"]))
    with torch.no_grad():
        difference = (theirs(input_features=mel, decoder_input_ids=tokens).logits - openai(mel, tokens)).abs().max()
    assert difference < 1e-4, f"the two implementations differ by {difference}: the names are wrong"
    theirs.half().save_pretrained(OUT / "transformers", safe_serialization=True)
    saved = load_file(OUT / "transformers" / "model.safetensors")
    tensors = {openai_name(name): {"shape": list(value.shape), "first": bits(value.reshape(-1)[:4]),
                                   "last": bits(value.reshape(-1)[-2:])}
               for name, value in sorted(saved.items()) if name != "proj_out.weight"}
    (OUT / "transformers.json").write_text(json.dumps(tensors, indent=0) + "\n")


def states() -> list[dict]:
    result = []
    for dims in (SMALL, dict(SMALL, n_mels=128, n_audio_layer=3, n_text_layer=1, n_audio_state=24, n_text_state=24)):
        model = Whisper(ModelDimensions(**dims))
        tensors = {name: list(value.shape) for name, value in model.state_dict().items()}
        result.append({"dims": dims, "tensors": tensors})
    return result


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "quantised.json").write_text(json.dumps(quantised(), indent=0) + "\n")
    (OUT / "state.json").write_text(json.dumps(states(), indent=0) + "\n")
    write_transformers_model()


if __name__ == "__main__":
    main()

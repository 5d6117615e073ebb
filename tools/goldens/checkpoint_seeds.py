"""Seeds of the checkpoint fuzzers: small files of each format, whole and spoiled, as a fuzzer would not invent them.

    python tools/goldens/checkpoint_seeds.py

writes fuzz/corpus/safetensors/ and fuzz/corpus/ggml/. Needs nothing but Python.
"""

import json
import struct
from pathlib import Path

CORPUS = Path(__file__).resolve().parents[2] / "fuzz" / "corpus"

# The smallest Whisper there can be: width 2, one head, one layer on each side.
STATE, FFN, MELS = 2, 8, 1
BLOCK = [("query", True), ("key", False), ("value", True), ("out", True)]


def block_tensors(prefix: str, cross: bool) -> list:
    tensors = []
    for attention in ["attn"] + (["cross_attn"] if cross else []):
        for name, has_bias in BLOCK:
            tensors.append((f"{prefix}.{attention}.{name}.weight", [STATE, STATE]))
            if has_bias:
                tensors.append((f"{prefix}.{attention}.{name}.bias", [STATE]))
        tensors += [(f"{prefix}.{attention}_ln.{part}", [STATE]) for part in ("weight", "bias")]
    tensors += [(f"{prefix}.mlp.0.weight", [FFN, STATE]), (f"{prefix}.mlp.0.bias", [FFN]),
                (f"{prefix}.mlp.2.weight", [STATE, FFN]), (f"{prefix}.mlp.2.bias", [STATE])]
    return tensors + [(f"{prefix}.mlp_ln.{part}", [STATE]) for part in ("weight", "bias")]


def whisper_tensors(n_vocab: int) -> list:
    return [("encoder.conv1.weight", [STATE, MELS, 3]), ("encoder.conv1.bias", [STATE]),
            ("encoder.conv2.weight", [STATE, STATE, 3]), ("encoder.conv2.bias", [STATE]),
            ("encoder.positional_embedding", [1, STATE]), *block_tensors("encoder.blocks.0", False),
            ("encoder.ln_post.weight", [STATE]), ("encoder.ln_post.bias", [STATE]),
            ("decoder.token_embedding.weight", [n_vocab, STATE]), ("decoder.positional_embedding", [1, STATE]),
            *block_tensors("decoder.blocks.0", True), ("decoder.ln.weight", [STATE]), ("decoder.ln.bias", [STATE])]


def count(shape: list) -> int:
    result = 1
    for extent in shape:
        result *= extent
    return result


def ggml_header(n_vocab: int, file_type: int, tokens: list) -> bytes:
    dims = [n_vocab, 1, STATE, 1, 1, 1, STATE, 1, 1, MELS, file_type]
    out = struct.pack("<I11i", 0x67676D6C, *dims)
    out += struct.pack("<2i", MELS, 201) + struct.pack("<201f", *([0.01] * 201))
    out += struct.pack("<i", len(tokens))
    return out + b"".join(struct.pack("<i", len(token)) + token for token in tokens)


def ggml_tensor(name: str, shape: list, kind: int, data: bytes) -> bytes:
    return (struct.pack("<3i", len(shape), len(name), kind) + struct.pack(f"<{len(shape)}i", *reversed(shape))
            + name.encode() + data)


def ggml_seeds() -> dict:
    n_vocab = 1 + 9 + 1501  # one ordinary token, one language
    header = ggml_header(n_vocab, 1, [b"a"])
    half = struct.pack("<e", 0.5)
    whole = header + b"".join(ggml_tensor(name, shape, 1, half * count(shape))
                              for name, shape in whisper_tensors(n_vocab))
    quantised = ggml_header(n_vocab, 2008, [b"<|endoftext|>"]) + ggml_tensor("decoder.positional_embedding", [1, 32], 6,
                                                                              bytes(22))
    named = ggml_header(n_vocab, 0, [b"a", b"[_EOT_]", b"[_SOT_]", b"[_LANG_en]", b"[_TT_12]", b"<|0.00|>"])
    return {"whole.bin": whole, "header.bin": header, "quantised.bin": quantised, "named.bin": named,
            "huge_tensor.bin": header + struct.pack("<7i", 4, 1, 0, 2**31 - 1, 2**31 - 1, 2**31 - 1, 2**31 - 1) + b"x",
            "negative.bin": struct.pack("<I11i", 0x67676D6C, *([-1] * 11))}


def safetensors(entries: dict, values: bytes) -> bytes:
    header = json.dumps(entries).encode()
    return struct.pack("<Q", len(header)) + header + values


HUGGING_FACE = [("encoder.positional_embedding", "encoder.embed_positions.weight"),
                ("decoder.positional_embedding", "decoder.embed_positions.weight"),
                ("token_embedding", "embed_tokens"), (".blocks.", ".layers."), ("cross_attn_ln", "encoder_attn_layer_norm"),
                (".attn_ln", ".self_attn_layer_norm"), ("cross_attn.", "encoder_attn."), (".attn.", ".self_attn."),
                ("query", "q_proj"), ("key", "k_proj"), ("value", "v_proj"), (".out.", ".out_proj."), ("mlp.0", "fc1"),
                ("mlp.2", "fc2"), ("mlp_ln", "final_layer_norm"), ("ln_post", "layer_norm"), (".ln.", ".layer_norm.")]


def hugging_face_name(name: str) -> str:
    for theirs, ours in HUGGING_FACE:
        name = name.replace(theirs, ours)
    return name


def safetensors_seeds() -> dict:
    entries, end = {}, 0
    for name, shape in whisper_tensors(3):
        if "mlp.0" in name or "mlp.2" in name:  # the harness expects a narrower model
            shape = [min(extent, STATE) for extent in shape]
        entries[hugging_face_name(name)] = {"dtype": "F16", "shape": shape, "data_offsets": [end, end + 2 * count(shape)]}
        end += 2 * count(shape)
    whole = safetensors(entries, bytes(end))

    def one(begin, stop, dtype="F32", shape=(2,)):
        return safetensors({"__metadata__": {"format": "pt"},
                            "w": {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, stop]}}, bytes(8))

    config = {"model_type": "whisper", "num_mel_bins": 80, "max_source_positions": 1500, "d_model": 8,
              "encoder_attention_heads": 2, "encoder_layers": 2, "encoder_ffn_dim": 32, "vocab_size": 1767,
              "max_target_positions": 448, "decoder_attention_heads": 2, "decoder_layers": 1, "decoder_ffn_dim": 32,
              "suppress_tokens": [1, 2, 7], "begin_suppress_tokens": [220, 50257], "alignment_heads": [[0, 1]],
              "is_multilingual": True, "max_initial_timestamp_index": 50, "feature_size": 80, "n_fft": 400}
    return {"whole.safetensors": whole, "one.safetensors": one(0, 8), "bf16.safetensors": one(0, 8, "BF16", (2, 2)),
            "beyond.safetensors": one(0, 2**62), "backwards.safetensors": one(8, 0), "overflow.safetensors":
            one(0, 8, "F32", (2**33, 2**33)), "int.safetensors": one(0, 8, "I64", (1,)),
            "long_header.safetensors": struct.pack("<Q", 2**60) + b"{}", "deep.safetensors":
            struct.pack("<Q", 400) + b'{"a":' + b"[" * 395, "config.json": json.dumps(config).encode()}


def main() -> None:
    for folder, seeds in (("ggml", ggml_seeds()), ("safetensors", safetensors_seeds())):
        (CORPUS / folder).mkdir(parents=True, exist_ok=True)
        for name, content in seeds.items():
            (CORPUS / folder / name).write_bytes(content)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes a Hugging Face Whisper checkpoint as a whisper.cpp ggml file (float16), so that whisper.cpp can be timed on it.

    tools/write_ggml.py build/compare-peers/base-hf base.bin && whisper-bench -m base.bin -t 2

The format is whisper.cpp's (models/README there; src/model/checkpoint/ggml.cc reads it here). Needs: numpy, safetensors.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

MAGIC = 0x67676D6C
FLOAT32, FLOAT16 = 0, 1
ORDINARY_TOKENS = 50257

# Hugging Face's names, in the order in which they are replaced by OpenAI's.
NAMES = [("model.", ""), ("layers", "blocks"), ("embed_positions.weight", "positional_embedding"),
         ("embed_tokens", "token_embedding"), ("self_attn_layer_norm", "attn_ln"), ("self_attn", "attn"),
         ("encoder_attn_layer_norm", "cross_attn_ln"), ("encoder_attn", "cross_attn"), ("final_layer_norm", "mlp_ln"),
         ("fc1", "mlp.0"), ("fc2", "mlp.2"), ("k_proj", "key"), ("v_proj", "value"), ("q_proj", "query"),
         ("out_proj", "out")]


def openai_name(name):
    for old, new in NAMES:
        name = name.replace(old, new)
    if name.startswith("encoder.layer_norm"):
        return name.replace("layer_norm", "ln_post")
    return name.replace("decoder.layer_norm", "decoder.ln")


def mel_filters(bands, fft=400, rate=16000):
    """Slaney's triangles, as librosa.filters.mel makes them: [bands, fft / 2 + 1]."""
    def hertz(mel):
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))

    top = 15 + np.log(rate / 2 / 1000) / (np.log(6.4) / 27)
    edges = hertz(np.linspace(0, top, bands + 2))
    bins = np.arange(fft // 2 + 1) * rate / fft
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return (np.maximum(0, np.minimum(rise, fall)) * (2 / (edges[2:] - edges[:-2]))[:, None]).astype("<f4")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    config = json.loads((source / "config.json").read_text())
    width = config["d_model"]
    with open(target, "wb") as out:
        out.write(struct.pack("<I", MAGIC))
        out.write(struct.pack("<11i", config["vocab_size"], config["max_source_positions"], width,
                              config["encoder_attention_heads"], config["encoder_layers"],
                              config["max_target_positions"], width, config["decoder_attention_heads"],
                              config["decoder_layers"], config["num_mel_bins"], FLOAT16))
        filters = mel_filters(config["num_mel_bins"])
        out.write(struct.pack("<2i", *filters.shape) + filters.tobytes())
        out.write(struct.pack("<i", ORDINARY_TOKENS))
        for i in range(ORDINARY_TOKENS):
            token = bytes([i]) if i < 256 else f" w{i}".encode()
            out.write(struct.pack("<i", len(token)) + token)
        for name, values in load_file(source / "model.safetensors").items():
            name = openai_name(name)
            if name == "proj_out.weight":  # the token embedding again
                continue
            if name.endswith(("conv1.bias", "conv2.bias")):
                values = values.reshape(-1, 1)
            is_wide = values.ndim >= 2 and not name.endswith((".bias", "positional_embedding"))
            encoded = name.encode()
            out.write(struct.pack("<3i", values.ndim, len(encoded), FLOAT16 if is_wide else FLOAT32))
            out.write(struct.pack(f"<{values.ndim}i", *reversed(values.shape)) + encoded)
            out.write(values.astype("<f2" if is_wide else "<f4").tobytes())


if __name__ == "__main__":
    main()

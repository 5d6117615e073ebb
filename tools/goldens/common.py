"""Weights and inputs that Python and C++ make alike, so that a golden needs neither stored.

Every value comes from a 64-bit integer hash of a tensor's name and an index, turned into a float32 by exact operations;
tests/support/hashed_model.h is the same in C++, and hashed_values in each golden holds a few to prove it.
"""

import math

import numpy as np

_MASK = (1 << 64) - 1

END_OF_TEXT = 50257  # <|endoftext|> of the multilingual vocabularies

# Sizes whose goldens are committed. "turbo" here is large-v3-turbo's shape (128 bands, its vocabulary, a deep encoder and
# four decoder layers) at a width that keeps the tests quick.
SIZES = {
    "tiny": dict(n_mels=80, n_audio_ctx=1500, n_audio_state=384, n_audio_head=6, n_audio_layer=4, n_vocab=51865,
                 n_text_ctx=448, n_text_state=384, n_text_head=6, n_text_layer=4),
    "base": dict(n_mels=80, n_audio_ctx=1500, n_audio_state=512, n_audio_head=8, n_audio_layer=6, n_vocab=51865,
                 n_text_ctx=448, n_text_state=512, n_text_head=8, n_text_layer=6),
    "turbo_shaped": dict(n_mels=128, n_audio_ctx=1500, n_audio_state=320, n_audio_head=5, n_audio_layer=16,
                         n_vocab=51866, n_text_ctx=448, n_text_state=320, n_text_head=5, n_text_layer=4),
    "turbo": dict(n_mels=128, n_audio_ctx=1500, n_audio_state=1280, n_audio_head=20, n_audio_layer=32, n_vocab=51866,
                  n_text_ctx=448, n_text_state=1280, n_text_head=20, n_text_layer=4),
}


def name_seed(name: str) -> int:
    """FNV-1a, 64 bits, of the name's bytes."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & _MASK
    return value


def uniform(name: str, count: int) -> np.ndarray:
    """float32 [count] in [-1, 1): SplitMix64 of name_seed + index, its upper 24 bits."""
    with np.errstate(over="ignore"):
        z = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(name_seed(name))
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return ((z >> np.uint64(40)).astype(np.int32) - (1 << 23)).astype(np.float32) * np.float32(2.0**-23)


def integers(name: str, count: int, limit: int) -> np.ndarray:
    """int64 [count] in [0, limit), from the same hash."""
    return ((uniform(name, count).astype(np.float64) + 1.0) * 0.5 * limit).astype(np.int64)


def tensor_values(name: str, shape: tuple) -> np.ndarray:
    """Values of one tensor of a hashed model.

    Weights have a deviation of gain / sqrt(fan_in). Queries and keys have a gain of 1.75, so that attention is far from
    uniform; what the decoder's layers add to the residual stream has a larger one, or the tied vocabulary projection
    would only repeat the last token. The token embedding is scaled so that logits have a deviation of about 3: the gap
    between the best two of 51,865 is then rarely below 1e-3, and an argmax is not a matter of rounding; the end of text
    is twice as loud as other tokens, so that some sequences end by themselves.
    """
    u = uniform(name, int(np.prod(shape))).reshape(shape)
    if name.endswith("positional_embedding"):
        return u
    if name.endswith("token_embedding.weight"):
        u[END_OF_TEXT] *= np.float32(2.0)
        return u * np.float32(3.0 * math.sqrt(3.0 / shape[1]))
    if name.endswith(".bias"):
        return u * np.float32(0.125)
    if len(shape) == 1:  # a layer norm's gamma
        return np.float32(1.0) + u * np.float32(0.125)
    gain = 1.0
    if name.endswith((".query.weight", ".key.weight")):
        gain = 1.75
    elif name.startswith("decoder.") and name.endswith((".out.weight", ".mlp.2.weight")):
        gain = 4.0
    return u * np.float32(gain * math.sqrt(3.0 / math.prod(shape[1:])))


def hashed_mel(name: str, n_mels: int, frames: int) -> np.ndarray:
    """float32 [n_mels, frames] in [-1.5, 1.5): blocks of 8 bands by 25 frames of one level each, and half as much noise."""
    block_rows, block_cols = (n_mels + 7) // 8, (frames + 24) // 25
    blocks = uniform(name + ".blocks", block_rows * block_cols).reshape(block_rows, block_cols)
    levels = np.repeat(np.repeat(blocks, 8, axis=0), 25, axis=1)[:n_mels, :frames]
    noise = uniform(name + ".noise", n_mels * frames).reshape(n_mels, frames)
    return levels + np.float32(0.5) * noise

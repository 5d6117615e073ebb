"""A Whisper-architecture model for training on a CPU; its weights export to the standard layout without change.

Three things differ from a plain implementation, all for speed of learning or of execution:
  - the convolutions are computed as matrix products over shifted frames (bf16 matrix products are the fast path);
  - encoder attention starts local: queries and keys read the sinusoids, each head turned by its own offset;
  - two frame classifiers (phoneme, word) hang on the encoder during training and are dropped at export.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEAD_SIZE = 64
LOCAL_PAIRS = 32  # sinusoid pairs that fill one head
# Offsets in 20 ms frames that the heads of each encoder layer look at before training.
HEAD_OFFSETS = [(-2, 2, 0), (-5, 5, 2), (-9, 9, -3), (-14, 14, 5), (-20, 20, 0), (-7, 7, 0)]


@dataclass(frozen=True)
class Dimensions:
    vocabulary: int
    width: int = 192
    encoder_layers: int = 4
    decoder_layers: int = 3
    mels: int = 80
    audio_context: int = 1500
    text_context: int = 448

    @property
    def heads(self) -> int:
        return self.width // HEAD_SIZE


def sinusoids(length: int, channels: int) -> Tensor:
    """Whisper's fixed encoder positions, [length, channels]: sines, then cosines."""
    rates = torch.exp(-math.log(10000) / (channels // 2 - 1) * torch.arange(channels // 2))
    angles = torch.arange(length)[:, None] * rates[None]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // HEAD_SIZE
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def split(self, x: Tensor) -> Tensor:
        """[batch, time, width] to [batch, heads, time, HEAD_SIZE]."""
        return x.unflatten(-1, (self.heads, HEAD_SIZE)).transpose(1, 2)

    def forward(self, x: Tensor, source: Tensor | None = None, causal: bool = False) -> Tensor:
        source = x if source is None else source
        query, key, value = self.split(self.query(x)), self.split(self.key(source)), self.split(self.value(source))
        if causal:
            mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        else:  # plain products: over 3x faster than the fused kernel here, forward and backward, on clips of a few seconds
            weights = torch.softmax((query / math.sqrt(HEAD_SIZE)) @ key.transpose(-1, -2), dim=-1)
            mixed = weights @ value
        return self.out(mixed.transpose(1, 2).flatten(2))

    def with_weights(self, x: Tensor, source: Tensor, causal: bool = False) -> tuple[Tensor, Tensor]:
        """As forward, and the attention weights [batch, heads, time, source time] in float32."""
        query, key, value = self.split(self.query(x)), self.split(self.key(source)), self.split(self.value(source))
        scores = (query @ key.transpose(-1, -2)).float() / math.sqrt(HEAD_SIZE)
        if causal:
            scores = scores + torch.full(scores.shape[-2:], -1e9).triu(1)
        weights = torch.softmax(scores, dim=-1)
        return self.out((weights.to(value.dtype) @ value).transpose(1, 2).flatten(2)), weights


class Block(nn.Module):
    def __init__(self, width: int, cross: bool) -> None:
        super().__init__()
        self.attn, self.attn_ln = Attention(width), nn.LayerNorm(width)
        if cross:
            self.cross_attn, self.cross_attn_ln = Attention(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.mlp_ln = nn.LayerNorm(width)


class Encoder(nn.Module):
    def __init__(self, dims: Dimensions) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(dims.mels, dims.width, 3, padding=1)
        self.conv2 = nn.Conv1d(dims.width, dims.width, 3, stride=2, padding=1)
        self.register_buffer("positional_embedding", sinusoids(dims.audio_context, dims.width))
        self.blocks = nn.ModuleList(Block(dims.width, cross=False) for _ in range(dims.encoder_layers))
        self.ln_post = nn.LayerNorm(dims.width)

    @staticmethod
    def convolve(x: Tensor, conv: nn.Conv1d) -> Tensor:
        """The convolution over [batch, time, channels], as one matrix product."""
        stride, length = conv.stride[0], x.shape[1]
        padded = F.pad(x, (0, 0, 1, 1))
        windows = torch.cat([padded[:, k:k + length:stride] for k in range(3)], dim=-1)
        return F.linear(windows, conv.weight.transpose(1, 2).flatten(1), conv.bias)

    def forward(self, mel: Tensor, offsets: Tensor | None = None) -> Tensor:
        """mel [batch, frames, mels], offsets [batch] first position of each clip; returns [batch, frames / 2, width]."""
        x = F.gelu(self.convolve(mel, self.conv1))
        x = F.gelu(self.convolve(x, self.conv2))
        steps = torch.arange(x.shape[1])
        x = x + self.positional_embedding[steps if offsets is None else offsets[:, None] + steps]
        for block in self.blocks:
            x = x + block.attn(block.attn_ln(x))
            x = x + block.mlp(block.mlp_ln(x))
        return self.ln_post(x)


class Decoder(nn.Module):
    def __init__(self, dims: Dimensions) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(dims.vocabulary, dims.width)
        self.positional_embedding = nn.Parameter(torch.zeros(dims.text_context, dims.width))
        self.blocks = nn.ModuleList(Block(dims.width, cross=True) for _ in range(dims.decoder_layers))
        self.ln = nn.LayerNorm(dims.width)

    def forward(self, tokens: Tensor, audio: Tensor, first_position: int = 0) -> tuple[Tensor, list[Tensor], Tensor]:
        """tokens [batch, n], audio [batch, time, width]; returns hidden [batch, n, width], every layer's cross-attention
        weights [batch, heads, n, time] and the first layer's self-attention weights [batch, heads, n, n]."""
        x = self.token_embedding(tokens) + self.positional_embedding[first_position:first_position + tokens.shape[1]]
        weights, self_weights = [], None
        for block in self.blocks:
            if self_weights is None:
                normal = block.attn_ln(x)
                mixed, self_weights = block.attn.with_weights(normal, normal, causal=True)
                x = x + mixed
            else:
                x = x + block.attn(block.attn_ln(x), causal=True)
            mixed, attention = block.cross_attn.with_weights(block.cross_attn_ln(x), audio)
            x = x + mixed
            x = x + block.mlp(block.mlp_ln(x))
            weights.append(attention)
        return self.ln(x), weights, self_weights

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden @ self.token_embedding.weight.T


class Whisper(nn.Module):
    def __init__(self, dims: Dimensions, time_begin: int, phonemes: int, words: int) -> None:
        super().__init__()
        self.dims = dims
        self.encoder, self.decoder = Encoder(dims), Decoder(dims)
        self.phoneme_head = nn.Linear(dims.width, phonemes)
        self.word_head = nn.Linear(dims.width, words)
        self._initialise(time_begin)

    @torch.no_grad()
    def _initialise(self, time_begin: int) -> None:
        width = self.dims.width
        pairs = torch.arange(LOCAL_PAIRS)
        positional = torch.cat([pairs, width // 2 + pairs])  # channels that start as pure position
        for block in [*self.encoder.blocks, *self.decoder.blocks]:
            for layer in (block.attn.out, block.mlp[2], *([block.cross_attn.out] if hasattr(block, "cross_attn") else [])):
                layer.weight.mul_(0.7)
        for block, offsets in zip(self.encoder.blocks, HEAD_OFFSETS):
            make_local(block.attn, offsets, width)
            for layer in (block.attn.out, block.mlp[2]):  # keep the positional channels clean at first
                layer.weight[positional] *= 0.1
        table = sinusoids(self.dims.audio_context, width)
        embedding = self.decoder.token_embedding.weight
        embedding.normal_(std=0.05)
        times = min(self.dims.vocabulary - time_begin, self.dims.audio_context + 1)
        embedding[time_begin:time_begin + times] += 0.1 * sinusoids(times, width)
        self.decoder.positional_embedding.copy_(0.03 * table[:self.dims.text_context])

    @torch.no_grad()
    def scale_convolutions(self, mel: Tensor) -> None:
        """Scales both convolutions to unit output variance on [batch, frames, mels], nearly silent in the positional channels."""
        encoder, width = self.encoder, self.dims.width
        for _ in range(2):
            first = encoder.convolve(mel, encoder.conv1)
            encoder.conv1.bias.sub_(first.mean((0, 1)))
            encoder.conv1.weight.div_(first.std())
            encoder.conv1.bias.div_(first.std())
            second = encoder.convolve(F.gelu(encoder.convolve(mel, encoder.conv1)), encoder.conv2)
            encoder.conv2.bias.sub_(second.mean((0, 1)))
            encoder.conv2.weight.div_(second.std() / 1.5)
            encoder.conv2.bias.div_(second.std() / 1.5)
        pairs = torch.arange(LOCAL_PAIRS)
        channels = torch.cat([pairs, width // 2 + pairs])
        encoder.conv2.weight[channels] *= 0.1
        encoder.conv2.bias[channels] *= 0.1


@torch.no_grad()
def make_local(attention: Attention, offsets: tuple[int, ...], width: int, peak: float = 11.0) -> None:
    """Makes query . key a function of distance that peaks where key position = query position + offset."""
    rates = torch.exp(-math.log(10000) / (width // 2 - 1) * torch.arange(width // 2))[:LOCAL_PAIRS]
    scale = math.sqrt(peak * math.sqrt(HEAD_SIZE) / (LOCAL_PAIRS * 1.2))
    attention.query.bias.zero_()
    attention.query.weight.mul_(0.3)
    attention.key.weight.mul_(0.3)
    for head in range(attention.heads):
        for pair in range(LOCAL_PAIRS):
            row, sine, cosine = head * HEAD_SIZE + 2 * pair, pair, width // 2 + pair
            angle = rates[pair] * offsets[head % len(offsets)]
            turn = (scale * torch.cos(angle), scale * torch.sin(angle))
            attention.query.weight[row, sine] += turn[0]        # sin(a + d) = sin a cos d + cos a sin d
            attention.query.weight[row, cosine] += turn[1]
            attention.query.weight[row + 1, cosine] += turn[0]  # cos(a + d) = cos a cos d - sin a sin d
            attention.query.weight[row + 1, sine] -= turn[1]
            attention.key.weight[row, sine] += scale
            attention.key.weight[row + 1, cosine] += scale

"""An exported checkpoint inside openai-whisper: its model code, its decoding, its transcription loop, our weights.

Running OpenAI's own code is the point: what the checkpoint scores here, any correct Whisper implementation must score.
"""
from __future__ import annotations

import json
from pathlib import Path

import torch
import whisper
import whisper.decoding
import whisper.transcribe
from safetensors.torch import load_file
from whisper.tokenizer import Tokenizer as WhisperTokenizer

from export import export_name
from tokenizer import SPECIALS, DemoTokenizer


class _Encoding:
    """What openai-whisper asks of a tiktoken encoding."""

    def __init__(self, tokenizer: DemoTokenizer) -> None:
        self._tokenizer = tokenizer
        self.eot_token = tokenizer.eot
        self.special_tokens_set = {*SPECIALS, "<|0.00|>"}

    def encode_single_token(self, name: str) -> int:
        return self._tokenizer.inner.token_to_id(name)

    def encode(self, text: str, **_: object) -> list[int]:
        return self._tokenizer.encode(text)

    def decode(self, ids: list[int], **_: object) -> str:
        return self._tokenizer.inner.decode(list(ids), skip_special_tokens=False)


class DemoWhisper(whisper.model.Whisper):
    """OpenAI's model with our vocabulary size, which its size-based guesses do not know."""

    is_multilingual = True
    num_languages = 1


def load(directory: Path) -> tuple[DemoWhisper, DemoTokenizer]:
    """Builds the model from config.json and model.safetensors, and makes openai-whisper use the directory's tokenizer."""
    config = json.loads((directory / "config.json").read_text())
    dims = whisper.model.ModelDimensions(
        n_mels=config["num_mel_bins"], n_audio_ctx=config["max_source_positions"], n_audio_state=config["d_model"],
        n_audio_head=config["encoder_attention_heads"], n_audio_layer=config["encoder_layers"], n_vocab=config["vocab_size"],
        n_text_ctx=config["max_target_positions"], n_text_state=config["d_model"],
        n_text_head=config["decoder_attention_heads"], n_text_layer=config["decoder_layers"])
    model = DemoWhisper(dims)
    weights = load_file(directory / "model.safetensors")
    state = {name: weights[export_name(name)].float() for name in model.state_dict() if export_name(name) in weights}
    missing = set(model.state_dict()) - set(state)
    if missing:
        raise ValueError(f"{directory}: no weights for {sorted(missing)}")
    model.load_state_dict(state)
    heads = torch.zeros(dims.n_text_layer, dims.n_text_head, dtype=torch.bool)
    for layer, head in json.loads((directory / "generation_config.json").read_text())["alignment_heads"]:
        heads[layer, head] = True
    model.register_buffer("alignment_heads", heads.to_sparse(), persistent=False)
    tokenizer = DemoTokenizer(directory / "tokenizer.json")

    def get_tokenizer(*_: object, language: str | None = None, task: str | None = None, **__: object) -> WhisperTokenizer:
        return WhisperTokenizer(_Encoding(tokenizer), 1, language or "en", task or "transcribe")

    whisper.decoding.get_tokenizer = get_tokenizer
    whisper.transcribe.__globals__["get_tokenizer"] = get_tokenizer
    return model.eval(), tokenizer

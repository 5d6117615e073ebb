#!/usr/bin/env python3
"""A checkpoint of a published size that costs what that size costs, and writes the same eight words whatever it hears.

    bench/live/spoken_model.py base build/spoken-base         needs: pip install -r tools/compare_peers.txt
    LIVE_MODEL=build/spoken-base tests/e2e/clients/run.sh ... bench/live/latency.py websockets

Random weights babble through all temperatures to the end of the window, which no trained model does. Here the decoder's blocks
compute all that they always do, but add next to nothing, and each position's embedding points at the token that comes next.
"""
import pathlib
import sys

import torch
from transformers import AutoTokenizer, WhisperForConditionalGeneration

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from compare_peers import END_OF_TEXT, make_huggingface  # noqa: E402

WORDS = 8
SPOKEN_S = 0.4  # where the words end: no later than the first audio that is looked at


def main():
    size, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    make_huggingface(folder, size)
    model = WhisperForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    english, begin, end = tokenizer.convert_tokens_to_ids(["<|en|>", "<|0.00|>", f"<|{SPOKEN_S:.2f}|>"])
    transcribe = tokenizer.convert_tokens_to_ids("<|transcribe|>")
    decoder = model.model.decoder
    with torch.no_grad():
        embedding = decoder.embed_tokens.weight
        embedding.copy_(torch.randn_like(embedding))
        for layer in decoder.layers:
            for out in (layer.self_attn.out_proj, layer.encoder_attn.out_proj, layer.fc2):
                out.weight.mul_(1e-3)
        # What follows the token at each position: <|startoftranscript|> is at the first.
        text = [1000 + 10 * i for i in range(WORDS)]
        following = [english, transcribe, begin, *text, end, END_OF_TEXT]
        following += [END_OF_TEXT] * (decoder.embed_positions.weight.shape[0] - len(following))
        decoder.embed_positions.weight.copy_(8 * embedding[following])
    model.save_pretrained(folder)


if __name__ == "__main__":
    main()

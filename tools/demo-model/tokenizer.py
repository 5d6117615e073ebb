"""The demo checkpoint's byte-level BPE and Whisper's special tokens.

    python tokenizer.py --out work/tokenizer.json

The special tokens follow the merges in the order of Whisper's multilingual models, with English as the one language.
"""
from __future__ import annotations

import argparse
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from grammar import Grammar, words_of

MERGED_VOCABULARY = 1000
SPECIALS = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>",
            "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
TIME_STEP_S = 0.02
TIME_TOKENS = [f"<|{index * TIME_STEP_S:.2f}|>" for index in range(1501)]


def train(sentences: int = 40000) -> Tokenizer:
    """Merges learned from the grammar; with this few words nearly every word becomes one token."""
    grammar = Grammar("tokenizer")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=MERGED_VOCABULARY, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator((" " + grammar.sentence() for _ in range(sentences)), trainer)
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in SPECIALS])
    tokenizer.add_tokens([AddedToken(name, normalized=False) for name in TIME_TOKENS])
    return tokenizer


def vocabulary_words(sentences: int = 40000) -> list[str]:
    """The distinct lower-case words of the grammar, sorted; their order names the outputs of the word head."""
    grammar = Grammar("words")
    return sorted({word for _ in range(sentences) for word in words_of(grammar.sentence())})


class DemoTokenizer:
    """Encodes text and names the special ids; `size` is the model's vocabulary."""

    def __init__(self, path: str | Path) -> None:
        self.inner = Tokenizer.from_file(str(path))
        ids = [self.inner.token_to_id(name) for name in SPECIALS]
        (self.eot, self.sot, self.english, self.translate, self.transcribe, self.sot_lm, self.sot_prev, self.no_speech,
         self.no_timestamps) = ids
        self.time_begin = self.inner.token_to_id(TIME_TOKENS[0])
        self.size = self.time_begin + len(TIME_TOKENS)

    def encode(self, text: str) -> list[int]:
        return self.inner.encode(text).ids

    def encode_words(self, text: str) -> tuple[list[int], list[int]]:
        """Tokens of " " + text, and for each the index (from 1) of the word it belongs to."""
        ids: list[int] = []
        owners: list[int] = []
        for index, word in enumerate(text.split(), 1):
            pieces = self.encode(" " + word)
            ids += pieces
            owners += [index] * len(pieces)
        return ids, owners

    def decode(self, ids: list[int]) -> str:
        """Text of the ordinary tokens; special and time tokens are dropped."""
        return self.inner.decode([token for token in ids if token < self.eot], skip_special_tokens=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    tokenizer = train()
    tokenizer.save(options.out)
    ready = DemoTokenizer(options.out)
    text = "The meeting starts at half past nine on Tuesday, Anna."
    print(ready.size, ready.eot, ready.time_begin, [ready.decode([i]) for i in ready.encode_words(text)[0]])
    assert ready.encode_words(text)[0] == ready.encode(" " + text)


if __name__ == "__main__":
    main()

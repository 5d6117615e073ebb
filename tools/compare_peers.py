#!/usr/bin/env python3
"""The same audio and the same number of tokens through Amanuensis, faster-whisper and openai-whisper, in one run.

    tools/compare_peers.py --random base --audio-minutes 10 --tokens-per-window 100

Weights are random: what a network costs does not depend on what it has learnt. Every program decodes exactly
--tokens-per-window tokens for each window of 30 s, without time tokens, temperature fallback or text carried over, so
all of them do the same work. The models are made here (nothing is downloaded) and kept below --work.

Programs take turns, --rounds times; the best time of each counts. Elapsed times want an idle machine; processor times
(of all threads) bear a busy one. Needs: pip install -r tools/compare_peers.txt
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import wave
from pathlib import Path

RATE_HZ = 16000
WINDOW_S = 30
END_OF_TEXT = 50257  # of the multilingual vocabularies, and the number of ordinary tokens
NOT_TEXT = list(range(END_OF_TEXT, 51865))  # never chosen: every window gets all its tokens, and all of them are text

# Width, heads, encoder and decoder layers of the published sizes with an 80-band, multilingual front end.
SIZES = {"tiny": (384, 6, 4), "base": (512, 8, 6), "small": (768, 12, 12), "medium": (1024, 16, 24)}


def say(text):
    print(text, file=sys.stderr, flush=True)


def write_noise(path, minutes, seed=0):
    """Babble that no voice detector or level check takes for silence: noise in syllables of a quarter second."""
    import numpy as np

    samples = int(minutes * 60 * RATE_HZ)
    values = np.random.default_rng(seed).normal(0, 0.1, samples)
    swell = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * np.arange(samples) / RATE_HZ)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((values * swell * 32767).clip(-32768, 32767).astype("<i2").tobytes())


def read_audio(path):
    """Mono samples at 16 kHz, decoded by ffmpeg, as float32."""
    import numpy as np

    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "s16le", "-ac", "1", "-ar", str(RATE_HZ), "-"]
    pcm = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return np.frombuffer(pcm, "<i2").astype("float32") / 32768


def make_tokenizer(folder):
    """tokenizer.json with Whisper's special tokens at their ids and made-up ordinary tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from whisper.tokenizer import LANGUAGES

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = alphabet + [f"Ġw{i}" for i in range(len(alphabet), END_OF_TEXT)]
    tokenizer = Tokenizer(models.BPE(vocab={word: i for i, word in enumerate(words)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    names = ["<|endoftext|>", "<|startoftranscript|>"]
    names += [f"<|{code}|>" for code in list(LANGUAGES)[:99]]
    names += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    names += [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in names])
    tokenizer.save(str(folder / "tokenizer.json"))


def make_huggingface(folder, size, seed=0):
    """A checkpoint of random weights as transformers writes it."""
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    width, heads, layers = SIZES[size]
    torch.manual_seed(seed)
    config = WhisperConfig(
        vocab_size=51865, num_mel_bins=80, d_model=width, encoder_layers=layers, decoder_layers=layers,
        encoder_attention_heads=heads, decoder_attention_heads=heads, encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width, bos_token_id=END_OF_TEXT, eos_token_id=END_OF_TEXT, pad_token_id=END_OF_TEXT,
        decoder_start_token_id=END_OF_TEXT + 1)
    WhisperForConditionalGeneration(config).save_pretrained(folder)
    make_tokenizer(folder)


def make_ctranslate2(folder, source, size):
    """faster-whisper's model, from the Hugging Face one by CTranslate2's own layer-by-layer specification."""
    import ctranslate2.converters.transformers as converters
    import torch
    from ctranslate2.specs import whisper_spec
    from transformers import WhisperForConditionalGeneration

    _, heads, layers = SIZES[size]
    model = WhisperForConditionalGeneration.from_pretrained(source, dtype=torch.float32)
    loader = converters._MODEL_LOADERS["WhisperConfig"]
    spec = whisper_spec.WhisperSpec(layers, heads, layers, heads)
    loader.set_encoder(spec.encoder, model.model.encoder)
    loader.set_decoder(spec.decoder, model.model.decoder)
    loader.set_linear(spec.decoder.projection, model.proj_out)
    with open(source / "tokenizer.json", encoding="utf-8") as file:
        tokenizer = json.load(file)
    vocabulary = tokenizer["model"]["vocab"] | {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    tokens = [token for token, _ in sorted(vocabulary.items(), key=lambda item: item[1])]
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = list(range(END_OF_TEXT + 2, END_OF_TEXT + 2 + 99))
    spec.config.alignment_heads = [[layers - 1, head] for head in range(heads)]
    spec.validate()
    spec.optimize(quantization="int8")
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    (folder / "tokenizer.json").write_bytes((source / "tokenizer.json").read_bytes())


class Clock:
    """Elapsed time, and processor time of all threads of this process, since it was made."""

    def __init__(self):
        self.elapsed, self.processor = time.perf_counter(), time.process_time()

    def read(self):
        return {"elapsed_s": time.perf_counter() - self.elapsed, "processor_s": time.process_time() - self.processor}


def faster_whisper_peers(arguments, work, samples):
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    model = WhisperModel(str(work / f"{arguments.random}-ct2"), device="cpu", compute_type="int8",
                         cpu_threads=arguments.threads)
    options = dict(language="en", beam_size=arguments.beam_size, temperature=0.0, suppress_tokens=NOT_TEXT,
                   without_timestamps=True, compression_ratio_threshold=None,
                   # CTranslate2 stops at half of what it is allowed, the prompt's three tokens included.
                   max_new_tokens=2 * arguments.tokens_per_window - 2,
                   log_prob_threshold=None, no_speech_threshold=None, condition_on_previous_text=False,
                   vad_filter=False, word_timestamps=arguments.word_timestamps)
    seconds = len(samples) / RATE_HZ
    clips = [{"start": float(s), "end": min(s + WINDOW_S, seconds)} for s in range(0, int(seconds), WINDOW_S)]

    def timed(transcribe, **more):
        clock = Clock()
        segments, _ = transcribe(samples, **options, **more)
        tokens = sum(len(segment.tokens) for segment in segments)
        return clock.read() | {"tokens": tokens}

    batched = BatchedInferencePipeline(model)
    yield "faster-whisper int8, sequential", lambda: timed(model.transcribe)
    yield "faster-whisper int8, batched", lambda: timed(batched.transcribe, batch_size=arguments.batch_size,
                                                         clip_timestamps=clips)


def openai_peer(arguments, samples):
    import torch
    import whisper

    torch.set_num_threads(arguments.threads)
    width, heads, layers = SIZES[arguments.random]
    torch.manual_seed(0)
    model = whisper.model.Whisper(whisper.model.ModelDimensions(80, 1500, width, heads, layers, 51865, 448, width,
                                                                heads, layers)).eval()
    beams = {} if arguments.beam_size == 1 else {"beam_size": arguments.beam_size}

    def run():
        clock = Clock()
        result = model.transcribe(samples, language="en", temperature=0.0, fp16=False, without_timestamps=True,
                                  sample_len=arguments.tokens_per_window, suppress_tokens=NOT_TEXT,
                                  compression_ratio_threshold=None, logprob_threshold=None, no_speech_threshold=None,
                                  condition_on_previous_text=False, word_timestamps=arguments.word_timestamps, **beams)
        return clock.read() | {"tokens": sum(len(segment["tokens"]) for segment in result["segments"])}

    return "openai-whisper float32", run


def amanuensis_peer(arguments, audio):
    command = [arguments.program, "bench", "pipeline", "--random", arguments.random, "--audio", str(audio),
               "--tokens-per-window", str(arguments.tokens_per_window), "--beam-size", str(arguments.beam_size),
               "--compute-type", "int8", "--threads", str(arguments.threads), "--json"]
    if arguments.word_timestamps:
        command.append("--word-timestamps")

    def run():
        result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        return {key: result[key] for key in ("elapsed_s", "processor_s", "tokens")}

    return "amanuensis int8", run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/bin/amanuensis")
    parser.add_argument("--random", default="base", choices=SIZES, help="the size of the made-up model")
    parser.add_argument("--audio", type=Path, help="a recording; without one, babble of --audio-minutes is made")
    parser.add_argument("--audio-minutes", type=float, default=10)
    parser.add_argument("--tokens-per-window", type=int, default=100)
    parser.add_argument("--beam-size", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=16, help="of faster-whisper's batched pipeline")
    parser.add_argument("--word-timestamps", action="store_true")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--without", action="append", default=[], choices=["amanuensis", "faster-whisper", "openai"])
    parser.add_argument("--work", type=Path, default=Path("build/compare-peers"), help="where models and audio are kept")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)

    work = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    audio = arguments.audio
    if audio is None:
        audio = work / f"babble-{arguments.audio_minutes:g}min.wav"
        if not audio.exists():
            write_noise(audio, arguments.audio_minutes)
    samples = read_audio(audio)
    audio_s = len(samples) / RATE_HZ

    programs = []
    if "amanuensis" not in arguments.without:
        programs.append(amanuensis_peer(arguments, audio))
    if "faster-whisper" not in arguments.without:
        source, target = work / f"{arguments.random}-hf", work / f"{arguments.random}-ct2"
        if not (target / "tokenizer.json").exists():
            say(f"making {target}")
            make_huggingface(source, arguments.random)
            make_ctranslate2(target, source, arguments.random)
        programs.extend(faster_whisper_peers(arguments, work, samples))
    if "openai" not in arguments.without:
        programs.append(openai_peer(arguments, samples))

    runs = {name: [] for name, _ in programs}
    for turn in range(arguments.rounds):
        for name, run in programs:
            runs[name].append(run())
            last = runs[name][-1]
            say(f"round {turn + 1}: {name}: {last['elapsed_s']:.2f} s, {last['processor_s']:.2f} s of processor time, "
                f"{last['tokens']} tokens")

    results = {name: {key: min(run[key] for run in each) for key in each[0]} for name, each in runs.items()}
    ours = results.get("amanuensis int8")
    for result in results.values():
        result["realtime_factor"] = audio_s / result["elapsed_s"]
        if ours:
            result["times_slower"] = result["elapsed_s"] / ours["elapsed_s"]
            result["times_more_processor"] = result["processor_s"] / ours["processor_s"]
    if arguments.json:
        print(json.dumps({"audio_s": audio_s, "threads": arguments.threads, "model": arguments.random,
                          "tokens_per_window": arguments.tokens_per_window, "beam_size": arguments.beam_size,
                          "peak_rss_mb_of_python": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 976.6,
                          "programs": results}, indent=2))
        return
    print(f"{audio_s / 60:.1f} minutes, random {arguments.random}, {arguments.tokens_per_window} tokens a window, "
          f"beam {arguments.beam_size}, {arguments.threads} threads, best of {arguments.rounds}")
    for name, result in results.items():
        line = (f"  {name:<34}{result['elapsed_s']:9.2f} s{result['realtime_factor']:9.1f}x realtime"
                f"{result['tokens']:7} tokens")
        if ours:
            line += f"   {result['times_slower']:6.2f} times ours, {result['times_more_processor']:.2f} in processor time"
        print(line)


if __name__ == "__main__":
    main()

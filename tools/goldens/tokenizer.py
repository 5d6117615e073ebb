#!/usr/bin/env python3
"""Makes tests/goldens/tokenizer: what tiktoken (through openai-whisper) and Hugging Face tokenizers make of many strings.

    python3 tools/goldens/tokenizer.py          needs openai-whisper==20250625, tokenizers

Writes
    tiktoken.json          1,000 strings with their ids in both of OpenAI's vocabularies, and the non-speech tokens
    tiny/tokenizer.json    a small byte-level BPE in Whisper's layout, trained here on the sentences below
    tiny/encodings.json    the same strings with their ids in it, by Hugging Face tokenizers
"""

import json
import random
import unicodedata
from pathlib import Path

import tokenizers
from whisper.tokenizer import get_tokenizer

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "goldens" / "tokenizer"
COUNT = 1000

SENTENCES = [
    "The train to the coast leaves at 7:45, doesn't it? I'd say we've time, and they'll wait; he's sure I'm late.",
    "WE'RE HERE; IT'S 100% TRUE: 3.14159 isn't 22/7, you'Re told.",
    "El niño comió piñas y después durmió la siesta.",
    "À l'été, les élèves s'en vont; où êtes-vous, garçon ?",
    "Die Straße überquert den Fluß, schöne Grüße aus Köln!",
    "Zażółć gęślą jaźń, powiedział sąsiad wczoraj wieczorem.",
    "Příliš žluťoučký kůň běžel přes most.",
    "Az árvíztűrő tükörfúrógép a műhelyben áll.",
    "Çocuk ağaçtan düştü, ama gülüyordu; İstanbul'da ılık bir gün.",
    "Hôm nay trời đẹp quá, chúng tôi đi chợ mua rau.",
    "Þetta er ágætur dagur, sagði æðarfuglinn.",
    "Сегодня утром шёл дождь, и мы остались дома.",
    "Сьогодні їжак з'їв яблуко біля ґанку.",
    "Днес времето е хубаво и отиваме на пазар.",
    "Το καλοκαίρι η θάλασσα είναι ζεστή και ήρεμη.",
    "היום ירד גשם בעיר, וכולם נשארו בבית.",
    "ذهب الولد إلى السوق واشترى تفاحًا وخبزًا.",
    "امروز هوا خوب است و ما به پارک می‌رویم.",
    "آج موسم بہت اچھا ہے، ہم بازار جائیں گے۔",
    "आज मौसम अच्छा है और हम बाज़ार जाएँगे।",
    "আজ আকাশ পরিষ্কার, আমরা নদীর ধারে যাব।",
    "ਅੱਜ ਮੀਂਹ ਪੈ ਰਿਹਾ ਹੈ ਅਤੇ ਅਸੀਂ ਘਰ ਹਾਂ।",
    "આજે રજા છે અને અમે દરિયે જઈશું.",
    "இன்று மழை பெய்கிறது, நாம் வீட்டில் இருப்போம்.",
    "ఈ రోజు వాతావరణం బాగుంది, మనం బయటకు వెళ్దాం.",
    "ಇಂದು ಬೆಳಿಗ್ಗೆ ನಾವು ತೋಟಕ್ಕೆ ಹೋದೆವು.",
    "ഇന്ന് രാവിലെ മഴ പെയ്തു, കുട്ടികൾ സന്തോഷിച്ചു.",
    "අද දවස ලස්සනයි, අපි වෙරළට යමු.",
    "วันนี้อากาศดีมาก เราจะไปตลาดด้วยกัน",
    "ມື້ນີ້ອາກາດດີ ພວກເຮົາໄປຕະຫຼາດ",
    "ဒီနေ့ ရာသီဥတု ကောင်းတယ်၊ ဈေးသွားမယ်။",
    "ថ្ងៃនេះអាកាសធាតុល្អណាស់ យើងទៅផ្សារ។",
    "དེ་རིང་གནམ་གཤིས་ཡག་པོ་འདུག",
    "დღეს კარგი ამინდია და ბაზარში მივდივართ.",
    "Այսօր լավ եղանակ է, և մենք զբոսնում ենք։",
    "ዛሬ አየሩ ጥሩ ነው፤ ወደ ገበያ እንሄዳለን።",
    "今天天气很好，我们一起去公园散步吧。",
    "今日はいい天気ですね。カメラを持って公園へ行きましょう！",
    "오늘은 날씨가 좋아서 공원에 갔습니다.",
    "今日天氣好好，我哋去飲茶喇。",
    "Өнөөдөр тэнгэр цэлмэг байна.",
    "ހާދަ ރީތި ދުވަހެކޭ މިއީ.",
    "I ❤️ 🍕 & 👩‍👩‍👧‍👦 🇫🇷🇯🇵 — ♪ la la ♫ ♪♪♪ 『ok』 「はい」",
    "def f(x): return {'a': [1, 2], \"b\": x**2}  # <html>\t\\n --- (((deep))) [[x]]",
    "e\u0301 o\u0308 n\u0303 combining; \u200bzero\u200dwidth\ufeff; \u202eRTL\u202c; ½ ² Ⅷ ① ٣ ४",
]

# What pre-tokenizers disagree about: kinds of space, apostrophes, runs, signs that are neither letter nor number.
EDGES = [
    " ", "  ", "   a", "a   ", "a  b", "\n", "\n\n", " \n ", "\t\ta", "\r\n", "a\u0085b", "\u0085\u0085a", "a\u180eb", "\u180e",
    "\u00a0a", " \u00a0 a", "\u3000\u3000字", "\u2028a\u2029", "\u1680", "\u200b", "\x1c\x1d\x1e\x1f", "a\x1cb", "\x00", "a\x00b",
    "\x7f", "'s", "'S", " 's", "''s", "it's's", "'", "'x", "'ll'd've're", "don’t", "1234567890", "1a1a", "½a", "²³", "_a_", "a_b",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "!!!!!!!!!!!!!!!!", "=-=-=-=-", "...", " ...", "\ufffd", "\U0010ffff", "\ue000",
    "<|endoftext|>", "<|startoftranscript|><|en|>", "<|0.00|>", "ǅ ʰ ª º ـ", "a\u0301", "\u0301", " \u0301a", "🏳️‍🌈", "👍🏽",
]


def random_characters(rng, length):
    """Characters of Python's Unicode version from every plane; no surrogates, nothing unassigned."""
    blocks = [(0x20, 0x7F), (0xA0, 0x250), (0x370, 0x530), (0x530, 0x1000), (0x1000, 0x2000), (0x2000, 0x2C00),
              (0x2C00, 0x3400), (0x3400, 0xA000), (0xA000, 0xD800), (0xE000, 0x10000), (0x10000, 0x20000), (0x20000, 0x110000)]
    text = ""
    while len(text) < length:
        low, high = rng.choice(blocks)
        c = chr(rng.randrange(low, high))
        if unicodedata.category(c) not in ("Cn", "Cs"):
            text += c
        if rng.random() < 0.2:
            text += rng.choice([" ", "  ", "\n", "'s", "7", "\u3000", "e"])
    return text


def make_strings():
    rng = random.Random(20250625)
    strings = SENTENCES + EDGES
    while len(strings) < COUNT:
        kind = rng.random()
        if kind < 0.35:
            strings.append(random_characters(rng, rng.randrange(1, 9)))
        elif kind < 0.8:
            sentence = rng.choice(SENTENCES)
            start = rng.randrange(len(sentence))
            strings.append(sentence[start:start + rng.randrange(1, 24)])
        elif kind < 0.9:
            strings.append(rng.choice(EDGES) + rng.choice(SENTENCES)[:10] + rng.choice(EDGES))
        else:
            strings.append("".join(rng.choice(" \n\t'sdlvet.x1é字\u00a0") for _ in range(rng.randrange(1, 24))))
    return strings


def dump_lines(path, header, rows):
    """One row a line, so that differences can be read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compact = dict(ensure_ascii=False, separators=(",", ":"))
    lines = [json.dumps(row, **compact) for row in rows]
    head = "".join(f"{json.dumps(k)}:{json.dumps(v, **compact)},\n" for k, v in header.items())
    path.write_text("{" + head + '"strings":[\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")


def write_tiktoken_golden(strings):
    multilingual, english = get_tokenizer(True), get_tokenizer(False)
    header = {
        "non_speech_multilingual": list(multilingual.non_speech_tokens),
        "non_speech_gpt2": list(english.non_speech_tokens),
    }
    rows = [
        [s, multilingual.encoding.encode(s, disallowed_special=()), english.encoding.encode(s, disallowed_special=())]
        for s in strings
    ]
    dump_lines(FOLDER / "tiktoken.json", header, rows)


def write_tiny_golden(strings):
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        SENTENCES, tokenizers.trainers.BpeTrainer(vocab_size=900, initial_alphabet=alphabet, show_progress=False))
    rows = [[s, bpe.encode(s).ids] for s in strings]
    special = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|yue|>", "<|translate|>", "<|transcribe|>",
               "<|startoflm|>", "<|startofprev|>", "<|nocaptions|>", "<|notimestamps|>"]
    bpe.add_special_tokens(special)
    bpe.add_tokens([f"<|{i * 0.02:.2f}|>" for i in range(11)])
    (FOLDER / "tiny").mkdir(parents=True, exist_ok=True)
    bpe.save(str(FOLDER / "tiny" / "tokenizer.json"), pretty=False)
    dump_lines(FOLDER / "tiny" / "encodings.json", {}, rows)


if __name__ == "__main__":
    all_strings = make_strings()
    write_tiktoken_golden(all_strings)
    write_tiny_golden(all_strings[:300])

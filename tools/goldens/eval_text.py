"""Goldens of word error rates: openai-whisper's text normalizers, and jiwer's counts and alignments.

    python tools/goldens/eval_text.py      needs openai-whisper==20250625, jiwer==4.0.0

writes tests/goldens/eval_normalizers.json (made-up texts: numbers in words, currency, contractions, brackets, British
spellings, several scripts, odd whitespace; each with what both normalizers make of it) and tests/goldens/eval_wer.json (word
sequences with errors; the long ones are made from common.py's hash, so that only their names are stored). Ten seconds.
"""

import json
import random
from pathlib import Path

import jiwer
from common import integers
from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

OUT = Path(__file__).resolve().parents[2] / "tests" / "goldens"
TEXTS = 900

NUMBERS = """zero oh o one two three four five six seven eight nine ten eleven twelve thirteen fifteen nineteen twenty
thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion decillion ones twos sixes first
second third fourth fifth sixth eighth ninth nineth twelfth twentieth twenties nineties hundreds hundredth thousandth
millions and point double triple minus plus negative positive dollar dollars pound euros cent cents per percent
half a""".split()
FIGURES = """0 00 1 7 10 20 100 1960 1960s 1st 2nd 32nd 274th 1,000 1,2,3 12,345,678 3.14 .5 5. 0.05 $5 $20 $0.07 $0.5x
£3.50 €100 ¢7 5% 50.5% %5 $ 192.168.0.1 3.0 007 7s 4th 10:30 2-3 1/2 ½ ² ③ ٣ ٣٫٥ x2 2x a1b2 100th 1e5 -5 +7 #3 0 1""".split()
WORDS = """the colour favourite centre organise organised theatre grey cheque aluminium catalogue travelling defence
i'm you're he's she'd they'll we've won't can't don't isn't let's ain't y'all ma'am wanna gotta gonna i'ma imma woulda
coulda shoulda mr mrs mr. dr. st. prof capt gov sen rev jr sr esq lt col he'd been she's been it's gone he'd done she's got
hmm mm mhm mmm uh um uhm hmmm rock'n'roll 'tis o'clock the dogs' mother's "quoted" 'single' well-known e.g. i.e. u.s.a.
end. two.three what? yes! (aside) [noise] <unk> <|en|> (a(b) ) [x> ( ) () café naïve Übung straße Ærø Łódź œuvre þing ÀÉ
e\u0301 İstanbul ΣΊΣΥΦΟΣ ΟΔΟΣ Привет мир こんにちは 世界 ｆｕｌｌ ﬁne ㎏ 한국어 한국 ไทย हिन्दी שָׁלוֹם 👍 🇫🇷 … – — “curly” don’t l’été ™ © x² ℃
\u00a0 \u2003 \u200b \ufeff \u1e9b\u0323 a\u0328\u0301 \u0344 _under_score MR SMITH Colour HUNDRED""".split(" ")
PHRASES = ["two and a half", "million and a half dollars", "and a half", "twenty twenty one", "nineteen ninety nine",
           "one oh one", "two thousand and twenty one", "three point one four", "one hundred and one", "five dollars and ten cents",
           "two dollars and seven cents", "zero dollars and five cents", "ten per cent", "ten per person", "double oh seven",
           "triple nine", "minus five degrees", "twenty first century", "he's been there", "they'd gone", "one of the ones",
           "sixty four thousand", "six hundred sixty six", "point five", "point of view", "two point", "and and", "one million three",
           "five five five", "ten eleven", "twenty ten", "one twenty", "hundred hundred", "two hundreds", "nine nineth", "$1 and 50 cents"]
JOINERS = [" "] * 12 + ["  ", ", ", ". ", "\n", "-", "", "\t", "\u00a0", " '", "\x1c"]


def made_up_text(chance: random.Random) -> str:
    text = ""
    for _ in range(chance.randint(0, 9)):
        pool = chance.choices([NUMBERS, FIGURES, WORDS, PHRASES], [4, 2, 3, 2])[0]
        word = chance.choice(pool)
        if chance.random() < 0.1:
            word = word.capitalize() if chance.random() < 0.5 else word.upper()
        text += word + chance.choice(JOINERS)
    return text


def normalizers() -> list:
    chance = random.Random(7)
    english, basic = EnglishTextNormalizer(), BasicTextNormalizer()
    texts = ["", " ", "\n", *PHRASES, *WORDS, *FIGURES] + [made_up_text(chance) for _ in range(TEXTS)]
    cases = []
    for text in texts:
        try:
            cases.append({"text": text, "english": english(text), "basic": basic(text)})
        except (AssertionError, ValueError, TypeError):
            pass  # texts the reference itself fails on have no right answer
    return cases


def counts(reference: list, hypothesis: list) -> dict:
    out = jiwer.process_words([" ".join(reference)], [" ".join(hypothesis)])
    return {"hits": out.hits, "substitutions": out.substitutions, "deletions": out.deletions,
            "insertions": out.insertions, "wer": out.wer,
            "chunks": [[c.type[0], c.ref_start_idx, c.ref_end_idx, c.hyp_start_idx, c.hyp_end_idx]
                       for c in out.alignments[0] if c.type != "equal"]}


def short_cases() -> list:
    chance = random.Random(11)
    cases = []
    for _ in range(400):
        alphabet = "abcdefghij"[: chance.choice([1, 2, 3, 5, 10])]
        reference = [chance.choice(alphabet) for _ in range(chance.randint(0, 14))]
        hypothesis = [chance.choice(alphabet) for _ in range(chance.randint(0, 14))]
        if chance.random() < 0.5:
            hypothesis = [w for w in reference if chance.random() < 0.9]
            for _ in range(chance.randint(0, 3)):
                hypothesis.insert(chance.randint(0, len(hypothesis)), chance.choice(alphabet))
        cases.append({"reference": "".join(reference), "hypothesis": "".join(hypothesis), **counts(reference, hypothesis)})
    return cases


def hashed_words(name: str, count: int, limit: int) -> list:
    return [str(value) for value in integers(name, count, limit)]


def long_cases() -> list:
    cases = []
    for index, (length, words, errors) in enumerate([(300, 3, 40), (1500, 50, 200), (2500, 4, 900), (3000, 300, 100),
                                                     (4000, 2, 1500), (5000, 900, 800), (6000, 12, 5000)]):
        name = f"eval.wer.{index}"
        reference = hashed_words(name, length, words)
        hypothesis = list(reference)
        places = integers(name + ".places", errors, length - errors)
        kinds = integers(name + ".kinds", errors, 3)
        others = hashed_words(name + ".others", errors, words)
        for place, kind, other in zip(places, kinds, others):
            if kind == 0:
                hypothesis[place] = other
            elif kind == 1:
                del hypothesis[place]
            else:
                hypothesis.insert(place, other)
        result = counts(reference, hypothesis)
        checksum = sum((i + 1) * sum(c[1:]) for i, c in enumerate(result.pop("chunks"))) % 1000003
        cases.append({"name": name, "length": length, "words": words, "errors": errors, "checksum": checksum, **result})
    return cases


def main() -> None:
    cases = normalizers()
    lines = ",\n".join(json.dumps(case) for case in cases)
    (OUT / "eval_normalizers.json").write_text(f"[\n{lines}\n]\n")
    short = ",\n".join(json.dumps(case) for case in short_cases())
    long = ",\n".join(json.dumps(case) for case in long_cases())
    (OUT / "eval_wer.json").write_text(f'{{"short": [\n{short}\n],\n"long": [\n{long}\n]}}\n')
    print(len(cases), "texts")


if __name__ == "__main__":
    main()

"""Sentences of the demo language: a narrow, meeting-shaped English of some 270 words.

Every sentence comes from a template whose slots draw from short word lists. A stable hash splits the sentences: those
in the held-out share are never spoken for training, so a test sentence is one the model has not seen.
"""
from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable

ONES = "one two three four five six seven eight nine".split()
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth twelfth fifteenth twentieth".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April June July August September October November December".split()
NAMES = "Anna David Emma Frank Helen Jack Laura Martin Oliver Peter Sarah Thomas".split()
PLACES = "London Paris Berlin Rome Boston Chicago Madrid Dublin".split()
TEAMS = "marketing sales design support finance product".split()
THINGS = ("report budget contract plan schedule invoice document presentation email file server "
          "database website release project agenda summary design").split()
PLURALS = "reports numbers files messages customers servers tickets questions answers changes people problems".split()
ADJECTIVES = "new old first last next final weekly annual important small".split()
ROOMS = "kitchen|office|garden|library|meeting room|waiting room".split("|")
VERBS = "finish send read check open close review update sign share test move".split()
PAST = "finished sent checked opened closed reviewed updated signed shared tested moved".split()
WEATHER = "sunny cloudy rainy windy warm cold dry".split()
VEHICLES = "train bus plane taxi".split()
CURRENCIES = "dollars euros pounds".split()
UNITS = "minutes hours days weeks months".split()
HELD_OUT_SHARE = 12  # one sentence in this many


class Grammar:
    """Draws sentences with one random stream; two grammars with equal seeds say equal things."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)
        self._templates = _templates(self)

    def pick(self, options: list[str]) -> str:
        return self._random.choice(options)

    def small_number(self) -> str:
        n = self._random.randrange(1, 100) if self._random.random() < 0.7 else self._random.randrange(10, 20)
        if n < 10:
            return ONES[n - 1]
        if n < 20:
            return TEENS[n - 10]
        return TENS[n // 10 - 2] + (f" {ONES[n % 10 - 1]}" if n % 10 else "")

    def number(self) -> str:
        roll = self._random.random()
        if roll < 0.6:
            return self.small_number()
        tail = "" if self._random.random() < 0.3 else f" and {self.small_number()}"
        if roll < 0.85:
            return f"{self.pick(ONES)} hundred{tail}"
        return f"{self.small_number()} thousand"

    def digits(self) -> str:
        return " ".join(self.pick(["zero", *ONES]) for _ in range(self._random.randint(3, 6)))

    def date(self) -> str:
        return self.pick([f"{self.pick(MONTHS)} {self.pick(ORDINALS)}", f"the {self.pick(ORDINALS)} of {self.pick(MONTHS)}",
                          self.pick(DAYS), f"next {self.pick(DAYS)}", f"{self.pick(DAYS)}, {self.pick(MONTHS)} {self.pick(ORDINALS)}"])

    def clock(self) -> str:
        hour = self.pick(ONES + TEENS[:3])
        return self.pick([f"{hour} o'clock", f"{hour} thirty", f"half past {hour}", f"quarter past {hour}",
                          f"quarter to {hour}", f"{hour} in the morning", f"{hour} in the evening", "noon"])

    def thing(self) -> str:
        return self.pick([f"the {self.pick(THINGS)}", f"the {self.pick(ADJECTIVES)} {self.pick(THINGS)}",
                          f"the {self.pick(PLURALS)}", f"the {self.pick(TEAMS)} {self.pick(THINGS)}",
                          f"our {self.pick(THINGS)}", f"your {self.pick(THINGS)}"])

    def person(self) -> str:
        return self.pick([*[self.pick(NAMES)] * 3, "she", "he", f"the {self.pick(TEAMS)} team"])

    def people(self) -> str:
        return self.pick(["we", "they", "you", "I", f"{self.pick(NAMES)} and {self.pick(NAMES)}"])

    def when(self) -> str:
        return self.pick(["tomorrow", "today", "next week", "soon", f"by {self.pick(DAYS)}", f"on {self.date()}",
                          f"at {self.clock()}", f"before {self.pick(DAYS)}"])

    def past_when(self) -> str:
        return self.pick(["yesterday", "this morning", "last week", "today", f"on {self.pick(DAYS)}"])

    def sentence(self) -> str:
        text = self.pick_template()()
        return text[0].upper() + text[1:]

    def pick_template(self) -> Callable[[], str]:
        return self._random.choice(self._templates)

    def split_sentence(self, held_out: bool) -> str:
        """A sentence of the wanted split."""
        while True:
            text = self.sentence()
            if is_held_out(text) == held_out:
                return text


def is_held_out(text: str) -> bool:
    """Whether a sentence belongs to the evaluation split; the same on every machine."""
    return zlib.crc32(text.encode()) % HELD_OUT_SHARE == 0


def _templates(g: Grammar) -> list[Callable[[], str]]:
    """The sentence shapes; repeated calls of one entry give fresh slot values."""
    p = g.pick
    return [
        lambda: f"good {p(['morning', 'afternoon', 'evening'])} {p(['everyone', p(NAMES)])}, and welcome to the {p(['meeting', p(TEAMS) + ' meeting'])}.",
        lambda: f"good {p(['morning', 'afternoon', 'evening'])}, this is {p(NAMES)} from {p(TEAMS)}.",
        lambda: f"the {p(['meeting', 'presentation', p(TEAMS) + ' meeting'])} starts at {g.clock()} on {g.date()}.",
        lambda: f"let us start with {g.thing()}.",
        lambda: f"let us talk about {g.thing()} and {g.thing()}.",
        lambda: f"the {p(['first', 'next', 'last'])} item is {g.thing()}.",
        lambda: f"please {p(VERBS)} {g.thing()} {g.when()}.",
        lambda: f"could you {p(VERBS)} {g.thing()} {p(['for ' + p(NAMES), g.when()])}?",
        lambda: f"{p([g.person(), g.people()])} {p(PAST)} {g.thing()} {g.past_when()}.",
        lambda: f"{g.person()} will {p(VERBS)} {g.thing()} {g.when()}.",
        lambda: f"{g.people()} {p(['should', 'must', 'can', 'will'])} {p(VERBS)} {g.thing()} {g.when()}.",
        lambda: f"when will {g.person()} {p(VERBS)} {g.thing()}?",
        lambda: f"who {p(PAST)} {g.thing()}?",
        lambda: f"I {p(['think', 'hope', 'know'])} that {g.person()} {p(PAST)} {g.thing()}.",
        lambda: f"my phone number is {g.digits()}.",
        lambda: f"the code for the {p(ROOMS)} is {g.digits()}.",
        lambda: f"the total is {g.number()} {p(CURRENCIES)}.",
        lambda: f"{p(['the price', 'our budget', 'the invoice'])} is {g.number()} {p(CURRENCIES)}.",
        lambda: f"sales went {p(['up', 'down'])} by {g.small_number()} percent in {p(MONTHS)}.",
        lambda: f"we need {g.number()} {p(PLURALS)} by {g.date()}.",
        lambda: f"there are {g.number()} {p(PLURALS)} in the {p([p(ROOMS), p(THINGS)])}.",
        lambda: f"the {p(VEHICLES)} to {p(PLACES)} leaves at {g.clock()}.",
        lambda: f"the {p(VEHICLES)} from {p(PLACES)} arrives at {g.clock()} on {p(DAYS)}.",
        lambda: f"{g.person()} is in {p(PLACES)} {p(['today', 'this week', 'until ' + g.date()])}.",
        lambda: f"today it is {p(WEATHER)} and {p(WEATHER)} in {p(PLACES)}.",
        lambda: f"tomorrow will be {p(WEATHER)} in {p(PLACES)}, with {g.small_number()} degrees.",
        lambda: f"{p(NAMES)} and {p(NAMES)} are in the {p(ROOMS)}.",
        lambda: f"where is {p([p(NAMES), g.thing()])}?",
        lambda: f"the {p(TEAMS)} team has {g.number()} people in {p(PLACES)}.",
        lambda: f"call {p(NAMES)} at {g.clock()}.",
        lambda: f"it will take {g.small_number()} {p(UNITS)} to {p(VERBS)} {g.thing()}.",
        lambda: f"{p(['the', 'our', 'your'])} {p(THINGS)} is {p(['ready', 'late', 'important', 'final'])}{p(['', ', ' + p(NAMES)])}.",
        lambda: f"thank you very much, {p(NAMES)}.",
        lambda: f"{p(['yes', 'no', 'of course', 'I agree', 'that is right', 'not yet', 'no problem'])}, {p(['thank you', p(NAMES)])}.",
        lambda: f"{p(['yes', 'no', 'of course'])}, {g.person()} {p(PAST)} {g.thing()} {g.past_when()}.",
        lambda: f"the next meeting is on {g.date()} at {g.clock()}.",
    ]


def words_of(text: str) -> list[str]:
    """Lower-case words without punctuation: what a word error rate compares."""
    return re.findall(r"[a-z']+", text.lower())


if __name__ == "__main__":
    from collections import Counter

    grammar = Grammar(1)
    counts: Counter[str] = Counter()
    distinct = set()
    for index in range(60000):
        sample = grammar.sentence()
        distinct.add(sample)
        counts.update(words_of(sample))
        if index < 12:
            print(sample)
    print(f"{len(counts)} words, {len(distinct)} distinct of 60000; rarest: {counts.most_common()[-6:]}")

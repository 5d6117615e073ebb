"""The synthetic voices: which train the speaker model and which are kept aside to measure with.

A voice is one recorded person, as a Debian package speaks it: MBROLA diphones through espeak-ng, RHVoice, Festival, Flite
and SVOX Pico. People who are in two packages are named once. And there are the imagined ones of espeak-ng, its variants, which
are calculated from formants and closer to each other than people are.
"""
from __future__ import annotations

import zlib
from dataclasses import dataclass

MBROLA = ("af1 ar1 ar2 br1 br2 br3 br4 ca1 ca2 cn1 cr1 cz1 cz2 de1 de2 de3 de4 de5 de6 de7 de8 ee1 en1 es1 es2 es3 es4 fr1 "
          "fr2 fr3 fr4 fr5 fr6 fr7 gr1 gr2 hb1 hb2 hu1 ic1 id1 in1 in2 ir1 it1 it2 it3 it4 jp1 jp2 jp3 la1 lt1 lt2 ma1 mx1 mx2 "
          "nl1 nl2 nl3 nz1 pl1 pt1 ro1 sw1 sw2 tl1 tr1 tr2 us1 us2 us3 vz1").split()
# Alphabet that the voice's language is written in.
RHVOICE = {**dict.fromkeys("alan bdl clb evgeniy-eng lyubov slt Leticia-F123 magda natan spomenka hana".split(), "latin"),
           **dict.fromkeys("aleksandr anatol anna arina artemiy azamat elena irina kiko marianna mikhail natalia nazgul "
                           "pavel suze talgat tatiana victoria vitaliy volodymyr yuriy".split(), "cyrillic")}
FESTIVAL = ("kal_diphone ked_diphone don_diphone rab_diphone upc_ca_ona_hts czech_dita czech_krb czech_machac czech_ph "
            "hy_fi_mv_diphone suo_fi_lj_diphone lp_diphone pc_diphone el_diphone").split()
FLITE = ["rms", "awb"]
PICO = ["en-US", "en-GB", "de-DE", "es-ES", "fr-FR", "it-IT"]
# Without those that whisper or sing, and of those that differ little (Gene, Gene2) the first.
ESPEAK = ("Alex Alicia Andrea Andy Annie AnxiousAndy Denis Diogo Gene Henrique Hugo Jacky Lee Marco Mario Michael Mike Nguyen "
          "RicishayMax Storm Tweaky UniRobot adam anika antonio aunty belinda benjamin boris caleb croak david ed edward f1 f2 f3 "
          "f4 f5 grandma grandpa gustave iven john kaukovalta klatt klatt2 klatt3 klatt4 linda m1 m2 m3 m4 m5 m6 m7 m8 marcelo "
          "max michel miguel norbert pablo paul pedro quincy rob robert robosoft robosoft3 robosoft5 sandro shelby steph travis "
          "victor zac").split()

HELD_OUT = {"mbrola:" + name for name in "us1 us2 us3 en1 de2 de7 fr1 fr4 es1 it3 nl2 pl1 sw2 br1 br2 mx1".split()} | {
    "rhvoice:" + name for name in "alan lyubov clb anna pavel natan".split()} | {
    "festival:kal_diphone", "festival:ked_diphone", "flite:rms", "flite:awb", "pico:en-GB", "pico:en-US"} | {
    "espeak:" + name for name in "Alicia Andy Denis Storm adam f2 f4 klatt3 linda m3 m7 quincy robert zac".split()}



def is_held_out(label: str) -> bool:
    """Whether a voice is kept aside: these, and one real person in ten."""
    return label in HELD_OUT or (label.startswith("person:") and zlib.crc32(label.encode()) % 10 == 0)


@dataclass(frozen=True)
class Voice:
    engine: str
    name: str
    alphabet: str = "latin"

    @property
    def label(self) -> str:
        return f"{self.engine}:{self.name}"

    @property
    def held_out(self) -> bool:
        return is_held_out(self.label)


def all_voices() -> list[Voice]:
    return ([Voice("mbrola", name) for name in MBROLA]
            + [Voice("rhvoice", name, alphabet) for name, alphabet in RHVOICE.items()]
            + [Voice("festival", name) for name in FESTIVAL]
            + [Voice("flite", name) for name in FLITE]
            + [Voice("pico", name) for name in PICO]
            + [Voice("espeak", name) for name in ESPEAK])

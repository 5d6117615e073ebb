"""Speech from libflite, in process, with the time of every word and phoneme; phonemes carry espeak-ng's names."""
from __future__ import annotations

import ctypes

import numpy as np

from espeak import Speech

VOICES = {"awb": "cmu_us_awb", "slt": "cmu_us_slt", "rms": "cmu_us_rms", "kal16": "cmu_us_kal16",
          "kal": "cmu_us_kal"}

# CMU phone -> espeak-ng's en-us name, so that one phoneme head serves both synthesizers.
TO_ESPEAK = {
    "aa": "A:", "ae": "a", "ah": "V", "ao": "O:", "aw": "aU", "ax": "@", "ay": "aI", "b": "b", "ch": "tS", "d": "d",
    "dh": "D", "eh": "E", "er": "3", "ey": "eI", "f": "f", "g": "g", "hh": "h", "ih": "I", "iy": "i:", "jh": "dZ",
    "k": "k", "l": "l", "m": "m", "n": "n", "ng": "N", "ow": "oU", "oy": "OI", "p": "p", "pau": "", "r": "r",
    "s": "s", "sh": "S", "t": "t", "th": "T", "uh": "U", "uw": "u:", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "Z",
}


class _Wave(ctypes.Structure):
    _fields_ = [("type", ctypes.c_char_p), ("sample_rate", ctypes.c_int), ("num_samples", ctypes.c_int),
                ("num_channels", ctypes.c_int), ("samples", ctypes.POINTER(ctypes.c_short))]


class _Voice(ctypes.Structure):  # the head of cst_voice; the rest is not touched
    _fields_ = [("name", ctypes.c_char_p), ("features", ctypes.c_void_p)]


class Flite:
    """Flite's built-in voices; one per process, not thread-safe."""

    def __init__(self) -> None:
        self._lib = lib = ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
        for name in ("libflite_usenglish.so.1", "libflite_cmulex.so.1"):
            ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        lib.flite_init()
        pointers = {"flite_synth_text": [ctypes.c_char_p, ctypes.c_void_p], "utt_wave": [ctypes.c_void_p],
                    "utt_relation": [ctypes.c_void_p, ctypes.c_char_p], "relation_head": [ctypes.c_void_p],
                    "item_next": [ctypes.c_void_p]}
        for name, arguments in pointers.items():
            getattr(lib, name).restype = ctypes.c_void_p
            getattr(lib, name).argtypes = arguments
        lib.utt_wave.restype = ctypes.POINTER(_Wave)
        lib.flite_ffeature_string.restype = ctypes.c_char_p
        lib.flite_ffeature_string.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        lib.item_feat_float.restype = ctypes.c_float
        lib.item_feat_float.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        lib.feat_set_float.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float]
        lib.delete_utterance.argtypes = [ctypes.c_void_p]
        self._voices: dict[str, ctypes._Pointer] = {}

    def _voice(self, name: str) -> ctypes._Pointer:
        if name not in self._voices:
            library = ctypes.CDLL(f"libflite_{VOICES[name]}.so.1", mode=ctypes.RTLD_GLOBAL)
            register = getattr(library, f"register_{VOICES[name]}")
            register.restype = ctypes.POINTER(_Voice)
            register.argtypes = [ctypes.c_char_p]
            self._voices[name] = register(None)
        return self._voices[name]

    def say(self, text: str, voice: str, stretch: float) -> Speech:
        """Speaks `text`; `stretch` scales every duration (1.0 is the voice's own speed)."""
        lib, handle = self._lib, self._voice(voice)
        lib.feat_set_float(handle.contents.features, b"duration_stretch", stretch)
        utterance = lib.flite_synth_text(text.encode(), ctypes.cast(handle, ctypes.c_void_p))
        wave = lib.utt_wave(utterance).contents
        samples = np.ctypeslib.as_array(wave.samples, (wave.num_samples,)).astype(np.float32) / 32768
        speech = Speech(samples, wave.sample_rate)
        offsets = [i for i in range(len(text)) if text[i] != " " and (i == 0 or text[i - 1] == " ")]
        segment = lib.relation_head(lib.utt_relation(utterance, b"Segment"))
        start, word_index, previous = 0.0, -1, ""
        while segment:
            name = lib.flite_ffeature_string(segment, b"name").decode()
            word = lib.flite_ffeature_string(segment, b"R:SylStructure.parent.parent.name").decode()
            first = lib.flite_ffeature_string(segment, b"R:SylStructure.p.name").decode() == "0" and \
                lib.flite_ffeature_string(segment, b"R:SylStructure.parent.p.name").decode() == "0"
            if word != "0" and name != "pau" and (first or word != previous):
                word_index += 1
                if word_index < len(offsets):
                    speech.word_starts.append((offsets[word_index], start))
            previous = word
            speech.phonemes.append((TO_ESPEAK.get(name, ""), start))
            start = lib.item_feat_float(segment, b"end")
            segment = lib.item_next(segment)
        speech.phonemes.append(("", start))
        lib.delete_utterance(utterance)
        return speech

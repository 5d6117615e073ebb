"""Speech from libespeak-ng, in process, with the time of every word and phoneme it speaks."""
from __future__ import annotations

import ctypes
from dataclasses import dataclass, field

import numpy as np

_SYNCHRONOUS = 2
_PHONEME_EVENTS = 0x0001
_CHARS_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_EVENT_WORD, _EVENT_PHONEME = 1, 7


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
                ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
                ("user_data", ctypes.c_void_p), ("id", _EventId)]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass
class Speech:
    """Mono samples in [-1, 1] and what was said when; times in seconds from the first sample."""

    samples: np.ndarray                      # [n] float32
    sample_rate: int
    word_starts: list[tuple[int, float]] = field(default_factory=list)       # (character offset, start)
    phonemes: list[tuple[str, float]] = field(default_factory=list)          # (name, start); "" is a pause


class Espeak:
    """One libespeak-ng per process; not thread-safe."""

    def __init__(self) -> None:
        self._lib = ctypes.CDLL("libespeak-ng.so.1")
        self.sample_rate = self._lib.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS)
        if self.sample_rate <= 0:
            raise RuntimeError("libespeak-ng did not start; is espeak-ng-data installed?")
        self._chunks: list[np.ndarray] = []
        self._events: list[tuple[int, int, int, str]] = []
        self._callback = _CALLBACK(self._receive)  # kept alive: the library holds only the pointer
        self._lib.espeak_SetSynthCallback(self._callback)

    def _receive(self, wav: ctypes._Pointer, count: int, events: ctypes._Pointer) -> int:
        if wav and count > 0:
            self._chunks.append(np.ctypeslib.as_array(wav, (count,)).copy())
        index = 0
        while events[index].type:
            event = events[index]
            name = event.id.string.decode(errors="replace") if event.type == _EVENT_PHONEME else ""
            self._events.append((event.type, event.audio_position, event.text_position, name))
            index += 1
        return 0

    def say(self, text: str, voice: str, rate: int, pitch: int, pitch_range: int) -> Speech:
        """Speaks `text`; `voice` is a language and variant such as "en-us+f2", rate in words per minute."""
        self._chunks.clear()
        self._events.clear()
        if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice '{voice}'")
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._lib.espeak_SetParameter(parameter, value, 0)
        data = text.encode() + b"\0"
        self._lib.espeak_Synth(data, len(data), 0, 1, 0, _CHARS_UTF8, None, None)
        samples = np.concatenate(self._chunks).astype(np.float32) / 32768 if self._chunks else np.zeros(0, np.float32)
        speech = Speech(samples, self.sample_rate)
        for kind, milliseconds, position, name in self._events:
            if kind == _EVENT_WORD:
                speech.word_starts.append((position - 1, milliseconds / 1000))
            elif kind == _EVENT_PHONEME:
                speech.phonemes.append((name.replace("_:", "").replace("_", ""), milliseconds / 1000))
        return speech

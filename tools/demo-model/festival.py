"""Speech from a Festival process, with the time of every word and phoneme; phonemes carry espeak-ng's names."""
from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from espeak import Speech
from flite import TO_ESPEAK

VOICES = {"kal": "voice_kal_diphone", "ked": "voice_ked_diphone", "slt": "voice_cmu_us_slt_arctic_hts"}

# Prints one line a segment (name, end) and one a token (start of its first segment), then a full stop.
_PROGRAM = """
(define (say text file stretch)
  (Parameter.set 'Duration_Stretch stretch)
  (let ((utt (utt.synth (eval (list 'Utterance 'Text text)))))
    (utt.save.wave utt file 'riff)
    (mapcar (lambda (s) (format t "\\nsegment %s %f\\n" (item.name s) (item.feat s "end"))) (utt.relation.items utt 'Segment))
    (mapcar (lambda (k) (if (string-equal "0" (item.feat k "daughter1.name")) nil
        (format t "\\ntoken %f\\n" (item.feat k "daughter1.R:SylStructure.daughter1.daughter1.R:Segment.segment_start"))))
      (utt.relation_tree_roots utt))
    (format t "\\nspoken.\\n")
    (fflush nil)))
(define (utt.relation_tree_roots utt)
  (let ((item (utt.relation.first utt 'Token)) (all nil))
    (while item (set! all (cons item all)) (set! item (item.next item)))
    (reverse all)))
"""


class Festival:
    """One Festival process, started at the first sentence; not thread-safe."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._voice = ""
        self._folder = tempfile.TemporaryDirectory()

    def _send(self, text: str) -> None:
        if self._process is None:
            self._process = subprocess.Popen(["festival", "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self._send(_PROGRAM)
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def say(self, text: str, voice: str, stretch: float) -> Speech:
        """Speaks `text`; `stretch` scales every duration (1.0 is the voice's own speed)."""
        path = Path(self._folder.name) / "spoken.wav"
        if voice != self._voice:
            self._send(f"({VOICES[voice]})")
            self._voice = voice
        self._send(f'(say "{text}" "{path}" {stretch:.3f})')
        segments: list[tuple[str, float]] = []
        tokens: list[float] = []
        for line in self._process.stdout:
            fields = line.split()
            if fields[:1] == ["spoken."]:
                break
            if fields[:1] == ["segment"]:
                segments.append((fields[1], float(fields[2])))
            elif fields[:1] == ["token"]:
                tokens.append(float(fields[1]))
        else:
            raise RuntimeError(f"festival ended while saying '{text}'; is the voice '{voice}' installed?")
        samples, rate = soundfile.read(path, dtype="float32")
        speech = Speech(np.ascontiguousarray(samples), rate)
        offsets = [i for i in range(len(text)) if text[i] != " " and (i == 0 or text[i - 1] == " ")]
        speech.word_starts = list(zip(offsets, tokens))
        start = 0.0
        for name, end in segments:
            speech.phonemes.append((TO_ESPEAK.get(name, ""), start))
            start = end
        speech.phonemes.append(("", start))
        return speech

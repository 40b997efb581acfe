"""Synthetic speech by eSpeak NG (GPL), through ctypes: for benchmarks alone.

The words are those of real prompts; test words and test voices are never learnt from.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import TYPE_CHECKING, Final

import espeakng_loader
import numpy as np
import soundfile

from benchmarks.speech.prompts import RUNS, Prompt, prompts
from fourfold.core.transcripts.symbols import normalized

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["VOICES", "say", "vocabulary"]

VOICES: Final = ("m1", "m2", "m3", "m4", "f1", "f2", "f3", "f4")
"""Variants of each language's voice."""
SYNCHRONOUS: Final = 2
UTF8: Final = 1
MIN_LETTERS: Final = 3
CALLBACK: Final = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


@cache
def vocabulary(language: str) -> list[str]:
    """Return the words of a language's prompts, sorted."""
    texts = [normalized(one.text, plain=True) for one in prompts(language)]
    words = {word for text in texts for word in text.split()}
    return sorted(word for word in words if len(word) >= MIN_LETTERS and "'" not in word)


def say(
    language: str, voices: tuple[str, ...], words: list[str], n: int, seed: int
) -> list[Prompt]:
    """Let voices say n phrases of one to four random words; files are kept."""
    random = np.random.default_rng(seed)
    said = []
    for _ in range(n):
        text = " ".join(random.choice(words, random.integers(1, 5)))
        voice = str(random.choice(voices))
        file = RUNS / "voices" / language / voice / f"{text}.wav"
        if not file.is_file():
            samples, rate = _synthesize(text, f"{language}+{voice}")
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, samples, rate)
        said.append(Prompt(file, text))
    return said


@cache
def _espeak() -> tuple[ctypes.CDLL, int]:
    """Start the library once; return it and its sample rate."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = str(espeakng_loader.get_data_path()).encode()
    return library, library.espeak_Initialize(SYNCHRONOUS, 0, data, 0)


def _synthesize(text: str, voice: str) -> tuple[NDArray[np.int16], int]:
    library, rate = _espeak()
    parts: list[NDArray[np.int16]] = []

    def collect(samples: ctypes.POINTER, n: int, _events: object) -> int:  # type: ignore[valid-type]
        if samples and n:
            parts.append(np.ctypeslib.as_array(samples, (n,)).copy())
        return 0

    called = CALLBACK(collect)
    library.espeak_SetSynthCallback(called)
    if library.espeak_SetVoiceByName(voice.encode()):
        raise ValueError(f"eSpeak NG must have the voice {voice}; it has not")
    spoken = text.encode()
    library.espeak_Synth(spoken, len(spoken) + 1, 0, 0, 0, UTF8, None, None)
    library.espeak_Synchronize()
    return np.concatenate(parts), rate

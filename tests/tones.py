"""Speech of a made-up people, who whistle a tone of its own for each letter."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

import numpy as np
import soundfile

from fourfold.core.transcripts.symbols import normalized

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RATE: Final = 8000
TONES: Final = {"a": 400, "e": 700, "i": 1100, "o": 1600, "u": 2300, "ä": 3000}
"""Letter → hertz."""


def whistle(text: str, pitch: float = 1.0, seed: int = 0) -> np.ndarray:
    """Whistle a text: .12 s a letter, and as much silence between words."""
    random = np.random.default_rng(seed)
    time = np.arange(RATE * 12 // 100) / RATE
    pause = np.zeros(RATE // 25)
    parts = [pause]
    for letter in normalized(text, plain=True):
        tone = np.sin(2 * np.pi * pitch * TONES[letter] * time) if letter != " " else 0 * time
        parts += [tone, pause]
    samples = np.concatenate(parts)
    return 0.5 * samples + 0.003 * random.normal(size=len(samples))


def phrases(n: int, seed: int, letters: str = "aeiou") -> list[str]:
    """Draw n phrases of one or two words."""
    random = np.random.default_rng(seed)

    def word() -> str:
        return "".join(random.choice([*letters], random.integers(2, 4)))

    return [" ".join(word() for _ in range(random.integers(1, 3))) for _ in range(n)]


def write_tones(
    folder: Path, texts: Sequence[str], *, pitch: float = 1.0, speakers: Sequence[str] | None = None
) -> Path:
    """Write a folder of sounds with ``metadata.csv``, as audiofolder has them; return it."""
    folder.mkdir(parents=True)
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file_name", "transcription", *(["speaker"] if speakers else [])])
        for at, text in enumerate(texts):
            name = f"{at:03}.wav"
            soundfile.write(folder / name, whistle(text or "a", pitch, at), RATE)
            rows.writerow([name, text, *([speakers[at]] if speakers else [])])
    return folder

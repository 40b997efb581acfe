"""Real speech: the prompts of Debian's ``asterisk-core-sounds-*`` packages, as installed.

One professional speaker a language says about 560 prompts; Digium, CC BY-SA 3.0. Packages ``-wav``
and ``-gsm`` hold the same prompts through two codecs.
"""

from __future__ import annotations

import csv
import gzip
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, final

import numpy as np
import soundfile

from benchmarks.harness import ROOT
from fourfold.core.transcripts.symbols import normalized
from fourfold.errors import FileError
from fourfold.readers import read_domains

if TYPE_CHECKING:
    from fourfold import Domain

__all__ = ["LANGUAGES", "RUNS", "Prompt", "prompts", "read_spoken"]

RUNS: Final = ROOT / "runs" / "speech"
"""Folder of records and of what is synthesized."""
SOUNDS: Final = Path("/usr/share/asterisk/sounds")
LANGUAGES: Final = {
    "en": "en_US_f_Allison",
    "es": "es_MX_f_Allison",
    "fr": "fr_CA_f_June",
    "it": "it_IT_m_Carlo",
    "ru": "ru_RU_f_IvrvoiceRU",
}
"""Language → the folder of its voice."""
ODD: Final = re.compile(r"[\[\](){}<>\d]")
"""Signs of prompts whose text is no transcript: notes, and numbers in digits."""
SHORTEST, LONGEST = 0.3, 10.0
"""Seconds of prompts that are used."""
GSM_RATE: Final = 8000

Device = Literal["wav", "gsm"]


@final
class Prompt(NamedTuple):
    """A file and its transcript."""

    file: Path
    text: str


@cache
def prompts(language: str, device: Device = "wav") -> list[Prompt]:
    """List the prompts of a language, each text once, in the order of their names.

    Raises
    ------
    FileError
        If the packages are not installed.
    """
    voice = SOUNDS / LANGUAGES[language]
    texts = Path(f"/usr/share/doc/asterisk-core-sounds-{language}/core-sounds-{language}.txt.gz")
    for needed, kind in ((texts, ""), (voice, f"-{device}")):
        if not needed.exists():
            raise FileError(
                f"{needed} must be there: apt-get install asterisk-core-sounds-{language}{kind}"
            )
    found: dict[str, Prompt] = {}
    with gzip.open(texts, "rt", encoding="utf-8-sig") as lines:
        pairs = [line.split(":", 1) for line in lines if ":" in line and not line.startswith(";")]
    for name, text in pairs:
        file = voice / f"{name.strip()}.wav"
        plain = normalized(text, plain=True)
        if not plain or ODD.search(text) or not file.is_file() or plain in found:
            continue
        seconds = soundfile.info(file).duration
        if SHORTEST < seconds < LONGEST and 0.04 * len(plain) < seconds:
            found[plain] = Prompt(file if device == "wav" else _as_wav(file), text.strip())
    return list(found.values())


def _as_wav(file: Path) -> Path:
    """Decode the same prompt from raw GSM 06.10."""
    place = RUNS / "gsm" / file.relative_to(SOUNDS)
    if not place.is_file():
        raw = file.with_suffix(".gsm")
        samples, _ = soundfile.read(
            raw, format="RAW", subtype="GSM610", samplerate=GSM_RATE, channels=1
        )
        place.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(place, samples, GSM_RATE)
    return place


def read_spoken(sets: dict[str, list[Prompt]]) -> dict[str, Domain]:
    """Read sets of prompts by name, as a user would: tables of files and transcripts."""
    tables = []
    for name, listed in sets.items():
        table = RUNS / "lists" / f"{name}.csv"
        table.parent.mkdir(parents=True, exist_ok=True)
        with table.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["file_name", "transcription"])
            rows.writerows((str(one.file), one.text) for one in listed)
        tables.append(table)
    return dict(zip(sets, read_domains(tables), strict=True))


def shuffled(listed: list[Prompt], seed: int) -> list[Prompt]:
    """Return prompts in a random order."""
    return [listed[at] for at in np.random.default_rng(seed).permutation(len(listed))]

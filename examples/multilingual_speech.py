"""Speech: a language with few transcripts, with the help of three others.

Source: prompts in English, Spanish and French, each said by one professional speaker. Target: 50
transcribed prompts in Italian; the others judge. The sounds are Debian's, CC BY-SA 3.0:
``apt-get install asterisk-core-sounds-{en,es,fr,it}{,-wav}``. Run it with ``python
examples/multilingual_speech.py``; it takes about half an hour on two cores.
"""

from __future__ import annotations

import csv
import gzip
import re
from pathlib import Path

import soundfile

from fourfold import FineTune, Study, keep_memory, read_domains
from fourfold.cli.show import show_found
from fourfold.report import write_report

OUTPUT = Path("runs/multilingual_speech")
VOICES = {
    "en": "en_US_f_Allison",
    "es": "es_MX_f_Allison",
    "fr": "fr_CA_f_June",
    "it": "it_IT_m_Carlo",
}
TRANSCRIBED = 50


def prompts(language: str) -> list[tuple[Path, str]]:
    """List the sounds of a language with their transcripts."""
    texts = Path(f"/usr/share/doc/asterisk-core-sounds-{language}/core-sounds-{language}.txt.gz")
    folder = Path("/usr/share/asterisk/sounds") / VOICES[language]
    found = []
    for line in gzip.decompress(texts.read_bytes()).decode("utf-8-sig").splitlines():
        name, _, text = line.partition(":")
        file = folder / f"{name.strip()}.wav"
        noted = line.startswith(";") or re.search(r"[\[\](){}<>\d]", text)
        if not noted and file.is_file() and 0.04 * len(text) < soundfile.info(file).duration < 10:
            found.append((file, text.strip()))
    return found


def listed(name: str, rows: list[tuple[Path, str]]) -> Path:
    """Write a table of sounds and transcripts, as ``fourfold study`` would be given it."""
    path = OUTPUT / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file_name", "transcription"])
        table.writerows(rows)
    return path


def main() -> None:
    """Run the study and write its report."""
    keep_memory()
    italian = prompts("it")
    few, others = italian[:: len(italian) // TRANSCRIBED], italian[1 :: len(italian) // TRANSCRIBED]
    tables = [listed(language, prompts(language)[:200]) for language in ("en", "es", "fr")]
    tables += [listed("it", few), listed("it_judged", others)]
    *sources, target, evaluate = read_domains(tables)
    study = Study(sources, target, evaluate, methods=[FineTune()], seeds=1, output=OUTPUT / "study")
    result = study.run()
    write_report([result], OUTPUT / "report.html")
    show_found(result, OUTPUT / "study", {})


if __name__ == "__main__":
    main()

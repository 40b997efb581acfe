r"""One person's voice: what five speakers teach about the digits of a sixth.

Source: the labelled utterances of five speakers of the free spoken digits. Target: the sixth, with
one, three and five utterances a digit; what is left of the sixth is kept apart to judge on. Get the
recordings from https://github.com/Jakobovski/free-spoken-digit-dataset, then::

    python examples/one_speaker.py fsdd/recordings --speaker theo
    python examples/one_speaker.py fsdd/recordings --all

Nothing here needs Python: a study takes folders of sounds in which a sub-folder is a class. With
``--folders DIR`` they are laid out and no more, for the same by hand::

    python examples/one_speaker.py fsdd/recordings --folders voices
    cd voices/theo/3-a-digit
    fourfold study --source five --target sixth --evaluate rest -o runs/one_speaker \
        --methods FineTune,L2SP,KLAdaptation,LwF,Prototypes --jobs 2
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fourfold import ConvNet, Study, keep_memory, read_domain
from fourfold.cli.show import show_found
from fourfold.readers import read_domains
from fourfold.report import write_report

if TYPE_CHECKING:
    from fourfold.study import Result

OUTPUT = Path("runs/one_speaker")
SHOTS = (1, 3, 5)
NETWORK = ConvNet(channels=(16, 32), hidden_layer_sizes=(64,), batch_norm=True)
"""Takes a third of the default network's time."""
METHODS = ("FineTune", "L2SP", "KLAdaptation", "LwF", "Prototypes")
"""Minutes' worth; LayerTransfer, which tries every cut, would take longer than all of these."""


def lay_out(recordings: list[Path], speaker: str, shots: int, folder: Path) -> Path:
    """Link {digit}_{speaker}_{n}.wav as five/, sixth/ and rest/, each with a folder a digit.

    The utterances of the target are drawn; fewer of them are among more, and ``rest`` is always
    the same.
    """
    place = folder / speaker / f"{shots}-a-digit"
    drawn = np.random.default_rng(0).permutation(len(recordings))
    met = dict.fromkeys("0123456789", 0)
    for recording in (recordings[i] for i in drawn):
        digit, who, _ = recording.stem.split("_")
        pile = "five"
        if who == speaker:
            met[digit] += 1
            pile = "rest" if met[digit] > max(SHOTS) else "sixth"
        if pile == "sixth" and met[digit] > shots:
            continue
        link = place / pile / digit / recording.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(recording.resolve())
    return place


def study(place: Path, output: Path, wish: argparse.Namespace) -> Result:
    """Run methods beside the baselines."""
    source, target = read_domains([place / "five", place / "sixth"])
    evaluate = read_domain(place / "rest", like=target)
    title = f"five speakers → {place.parent.name}, {place.name.replace('-', ' ')}"
    result = Study(
        source,
        target,
        evaluate,
        methods=wish.methods,
        network=NETWORK,
        recipe={"epochs": wish.epochs},
        seeds=wish.seeds,
        jobs=2,
        output=output,
        title=title,
    ).run()
    show_found(result, output)
    return result


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recordings", type=Path, help="{digit}_{speaker}_{n}.wav")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--speaker", default="theo", help="the sixth")
    who.add_argument("--all", action="store_true", help="leave each speaker out in turn")
    parser.add_argument("--folders", type=Path, help="lay out folders of sounds, and no more")
    parser.add_argument("--shots", type=int, nargs="+", default=SHOTS, choices=range(1, 6))
    parser.add_argument("--methods", nargs="+", default=METHODS, help="names")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    return parser.parse_args()


def main() -> None:
    """Lay out folders, run a study for each, and write one report."""
    keep_memory()
    wish = options()
    recordings = sorted(p for p in wish.recordings.glob("*.wav") if p.stem.count("_") == 2)
    speakers = sorted({recording.stem.split("_")[1] for recording in recordings})
    chosen = speakers if wish.all else [wish.speaker]
    if not set(chosen) & set(speakers):
        raise SystemExit(f"{wish.recordings} must hold {wish.speaker}'s recordings; got {speakers}")
    folder = wish.folders or OUTPUT / "voices"
    places = [lay_out(recordings, who, shots, folder) for who in chosen for shots in wish.shots]
    if wish.folders:
        return
    results = [study(p, OUTPUT / p.parent.name / p.name, wish) for p in places]
    write_report(results, OUTPUT / "report.html")
    print(f"Open {OUTPUT / 'report.html'}")


if __name__ == "__main__":
    main()

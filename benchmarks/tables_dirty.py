"""Tables as they are found: codes written as numbers, very many categories, many missing cells."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import TargetEncoder

from benchmarks.harness import Benchmark, Measures, Medians, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TARGET_WEIGHT: Final = 5.0
"""Weight of a target row of the peers, where a source row has 1."""
HELD: Final = 5
"""One of so many source rows stops the peers' boosting."""


@final
@dataclass(frozen=True)
class Settings:
    """Rows, and options of the studies; none but for a test."""

    source: int = 20_000
    merchants: int = 100_000
    labels: int = 500
    evaluate: int = 5000
    draws: int = 3
    options: Mapping[str, Any] = field(default_factory=dict)


@final
class Tables(NamedTuple):
    """Source, target and rows to evaluate on, with their labels; columns that are codes."""

    source: tuple[pd.DataFrame, NDArray[np.intp]]
    target: tuple[pd.DataFrame, NDArray[np.intp]]
    evaluate: tuple[pd.DataFrame, NDArray[np.intp]]
    codes: tuple[str, ...]


def _codes(s: Settings, rng: np.random.Generator) -> Tables:
    """Draw loans of firms of 40 industries, whose codes say nothing as numbers."""
    effects = rng.normal(0, 1.2, 40)

    def part(n: int, moved: float) -> tuple[pd.DataFrame, NDArray[np.intp]]:
        frame, score = _numbers(rng, n, moved)
        code = rng.integers(0, 40, n)
        frame["industry"] = 100 + 7 * code
        return frame, _answers(rng, score + effects[code])

    return Tables(*_domains(s.source, s, part), ("industry",))


def _merchants(s: Settings, rng: np.random.Generator) -> Tables:
    """Draw payments to 50,000 merchants, some of which are seldom seen."""
    n = max(s.merchants // 2, 10)
    effects, often = rng.normal(0, 1.5, n), rng.pareto(1.5, n) + 0.2

    def part(rows: int, moved: float) -> tuple[pd.DataFrame, NDArray[np.intp]]:
        frame, score = _numbers(rng, rows, moved)
        merchant = rng.choice(n, rows, p=often / often.sum())
        frame["merchant"] = np.char.add("m", merchant.astype(str))
        return frame, _answers(rng, score + effects[merchant])

    return Tables(*_domains(s.merchants, s, part), ("merchant",))


def _missing(s: Settings, rng: np.random.Generator) -> Tables:
    """Draw 200 columns, 40 % of whose cells are missing; of some the lack tells something."""
    weights = np.where(np.arange(200) < 30, rng.normal(0, 0.35, 200), 0)
    tells = np.where(np.arange(200) % 10 == 0, rng.normal(0, 0.5, 200), 0)

    def part(n: int, moved: float) -> tuple[pd.DataFrame, NDArray[np.intp]]:
        x = rng.normal(moved, 1, (n, 200))
        gone = rng.random((n, 200)) < 0.4
        score = np.where(gone, 0, np.sin(x) + x / 2) @ weights + (gone - 0.4) @ tells
        frame = pd.DataFrame(np.where(gone, np.nan, x.round(3)))
        return frame.add_prefix("x"), _answers(rng, score)

    return Tables(*_domains(s.source, s, part), ())


def _numbers(rng: np.random.Generator, n: int, moved: float) -> tuple[pd.DataFrame, Floats]:
    """Draw five numbers, and a score that two of them give."""
    x = rng.normal(moved, 1, (n, 5)).round(3)
    score = 0.5 * x[:, 0] - 0.4 * x[:, 1] * (x[:, 2] > 0)
    return pd.DataFrame(x, columns=[f"x{i}" for i in range(5)]), score


def _answers(rng: np.random.Generator, score: Floats) -> NDArray[np.intp]:
    return (rng.random(len(score)) < 1 / (1 + np.exp(1 - score))).astype(np.intp)


def _domains(source: int, s: Settings, part: Callable[[int, float], Any]) -> tuple[Any, Any, Any]:
    return part(source, 0.0), part(s.labels, 0.3), part(s.evaluate, 0.3)


TABLES: Final = {"codes": _codes, "merchants": _merchants, "missing": _missing}


def _side(name: str, s: Settings) -> Measures:
    """Return mean AUCs of the shipped model and of the peers, over draws."""
    found = [_measure(TABLES[name](s, np.random.default_rng(i)), s) for i in range(s.draws)]
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]}


def _measure(tables: Tables, s: Settings) -> dict[str, float]:
    rows, truth = tables.evaluate
    began = time.perf_counter()
    shipped = _ships(tables, s)
    seconds = time.perf_counter() - began
    return {
        "ships": float(roc_auc_score(truth, shipped)),
        "LightGBM": float(roc_auc_score(truth, _boosted(tables, rows))),
        "mean labels": float(roc_auc_score(truth, _encoded(tables, rows))),
        "seconds": seconds,
    }


def _ships(tables: Tables, s: Settings) -> Floats:
    """Return probabilities by the model of a study with its defaults."""
    from fourfold import Domain, Store, Study, load

    with tempfile.TemporaryDirectory() as folder:
        source, target = Domain(*tables.source), Domain(*tables.target)
        place = {"output": Path(folder, "study"), "store": Store(Path(folder, "store"))}
        Study(source, target, metric="auc", progress=False, **place, **s.options).run()
        answers: Floats = load(Path(folder, "study", "best")).predict_proba(tables.evaluate[0])
    return answers[:, 1]


def _boosted(tables: Tables, asked: pd.DataFrame) -> Floats:
    """Boost source and weighted target rows with a flag, codes as LightGBM's own categories."""
    frames = [tables.source[0], tables.target[0], asked]
    kinds = {
        name: pd.CategoricalDtype(np.unique(np.concatenate([one[name] for one in frames])).tolist())
        for name in tables.codes
    }
    source, target, rows = (one.astype(kinds).copy() for one in frames)
    return _pooled(tables, source, target, rows)


def _encoded(tables: Tables, asked: pd.DataFrame) -> Floats:
    """Boost them with codes as mean labels of the source, out of fold; all columns without any."""
    codes = list(tables.codes)
    if not codes:
        return _boosted(tables, asked)
    source, target, rows = tables.source[0].copy(), tables.target[0].copy(), asked.copy()
    encoder = TargetEncoder(cv=StratifiedKFold(5, shuffle=True, random_state=0))
    source[codes] = encoder.fit_transform(source[codes], tables.source[1])
    target[codes], rows[codes] = encoder.transform(target[codes]), encoder.transform(rows[codes])
    return _pooled(tables, source, target, rows)


def _pooled(
    tables: Tables, source: pd.DataFrame, target: pd.DataFrame, rows: pd.DataFrame
) -> Floats:
    import lightgbm

    held = np.arange(len(source)) % HELD == 0
    x = pd.concat([source[~held].assign(flag=False), target.assign(flag=True)])
    y = np.concatenate([tables.source[1][~held], tables.target[1]])
    weight = np.where(x["flag"], TARGET_WEIGHT, 1)
    model = lightgbm.LGBMClassifier(
        n_estimators=1000, learning_rate=0.05, random_state=0, num_threads=2, verbose=-1
    )
    model.fit(
        x,
        y,
        sample_weight=weight,
        eval_X=source[held].assign(flag=False),
        eval_y=tables.source[1][held],
        callbacks=[lightgbm.early_stopping(50, verbose=False)],
    )
    return np.asarray(model.predict_proba(rows.assign(flag=True)))[:, 1]


def _figures(medians: Medians) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, found in medians.items():
        figures |= {f"{name}_{key.replace(' ', '_').lower()}": of for key, of in found.items()}
        figures[f"{name}_vs_lightgbm"] = found["ships"] - found["LightGBM"]
    return figures


BENCHMARK: Final = Benchmark(
    name="tables_dirty",
    title="Default studies of tables with codes, 50,000 merchants and missing cells",
    counts="""
      · AUC on rows that no study sees, means of three draws; loans and payments that are drawn, a
        target with moved numbers and 500 labels.
      · codes: 40 industries, written as numbers, beside five numbers; merchants: 50,000 in 100,000
        rows of the source; missing: 200 columns of which 40 % of the cells are missing.
      · LightGBM: source and weighted target rows together with a flag of the domain, codes as its
        own categories, stopped early on held-out source rows; mean_labels: the same with codes as
        mean labels out of fold.
    """,
    sides={name: partial(_side, name) for name in TABLES},
    figures=_figures,
    targets={f"{name}_vs_lightgbm": Target("≥", 0.0) for name in TABLES},
    packages=("torch", "scikit-learn", "numpy", "pandas", "lightgbm"),
    settings=Settings(),
    quick=Settings(
        source=300,
        merchants=300,
        labels=60,
        evaluate=200,
        draws=1,
        options={"methods": ["Pooled"], "seeds": 1, "folds": 2},
    ),
    rounds=1,
)

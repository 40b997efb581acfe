"""Layer transfer does with each layer what it says, and finds out which layers to copy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold import L2SP, Domain, LayerTransfer, load, save
from fourfold.data.rows import as_rows
from fourfold.errors import DataError, ParameterError
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.finetuning import _layers as layered
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.networks import Mlp
from fourfold.preparation.choose import Standardize
from fourfold.training.recipe import Recipe
from samples import gains, rows

NET = Mlp(hidden_layer_sizes=(8, 7, 6))
SHORT = Recipe(epochs=2, batch_size=16, min_steps=10, learning_rate=0.01)


X, Y = rows()
SOURCE = Domain(X, Y)
COMMON = {
    "network": NET, "recipe": SHORT, "prepare": FrozenEstimator(Standardize().fit(as_rows(X)))
}  # fmt: skip
FEW = Domain(X[:16] + 0.3, Y[:16])
OTHERS = Domain(X[:16] + 0.3, np.array(list("abcd"))[Y[:16]])


def source_layers():
    taught = SourceOnly(**COMMON).fit(X, source=SOURCE).model_
    return {**dict(taught.body.named_children()), "head": taught.head}


def same_as_source(model):
    """Tell which layers are the source's to the bit."""
    ours = {**dict(model.model_.body.named_children()), "head": model.model_.head}
    return {
        name
        for name, layer in source_layers().items()
        if list(layer.parameters())
        and all(
            a.shape == b.shape and torch.equal(a, b)
            for a, b in zip(layer.parameters(), ours[name].parameters(), strict=True)
        )
    }


# --- what becomes of each layer ------------------------------------------------------------------

ALL = ["fc1", "fc2", "fc3", "head"]
KEPT = [
    (2, ["fc1", "fc2"]),
    (-2, ["fc3", "head"]),
    (0, []),
    (4, ALL),
    (("fc2",), ["fc2"]),
    (("fc3", "fc1"), ["fc1", "fc3"]),
]


@pytest.mark.parametrize(("copy", "kept"), KEPT)
def test_what_is_copied_and_frozen_is_the_sources_to_the_bit(copy, kept):
    model = LayerTransfer(copy=copy, train="rest", **COMMON).fit(FEW, source=SOURCE)
    assert same_as_source(model) == set(kept)
    said = {name: "copied, frozen" if name in kept else "fresh, trained" for name in ALL}
    assert model.layers_ == said


def test_what_is_copied_and_trained_starts_at_the_source():
    still = Recipe(epochs=1, min_steps=1, learning_rate=1e-12, weight_decay=0.0)
    common = {**COMMON, "recipe": SHORT}
    taught = TargetOnly(**common).fit(SOURCE)
    model = LayerTransfer(copy=4, recipe=still).fit(FEW, source=taught)
    np.testing.assert_allclose(model.outputs(X), taught.outputs(X), atol=1e-5)
    moved = LayerTransfer(copy=4, **COMMON).fit(FEW, source=SOURCE)
    assert same_as_source(moved) == set()
    assert set(moved.layers_.values()) == {"copied, trained"}


def test_named_layers_are_trained_and_no_others():
    model = LayerTransfer(copy=4, train=("fc1",), **COMMON).fit(FEW, source=SOURCE)
    assert same_as_source(model) == {"fc2", "fc3", "head"}


def test_all_frozen_is_the_source():
    model = LayerTransfer(copy=4, train="rest", **COMMON).fit(FEW, source=SOURCE)
    taught = SourceOnly(**COMMON).fit(X, source=SOURCE)
    np.testing.assert_array_equal(model.outputs(X), taught.outputs(X))


def test_other_classes_need_a_fresh_head():
    model = LayerTransfer(copy=-1, train="rest", **COMMON).fit(OTHERS, source=SOURCE)
    assert model.layers_["fc3"] == "copied, frozen"
    assert model.layers_["head"] == "fresh, trained"


class Normed(nn.Module):
    """Not a plain sequence, with batch norm and a weight beside its layers."""

    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(5))
        self.lower = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Dropout(0.5))
        self.upper = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6))

    def forward(self, x):
        return self.upper(self.lower(x + self.shift).relu()).relu()


@pytest.mark.parametrize("copy", [2, -2])
def test_frozen_layers_keep_their_statistics(copy):
    common = {**COMMON, "network": Normed()}
    taught = SourceOnly(**common).fit(X, source=SOURCE).model_.body
    model = LayerTransfer(copy=copy, train="rest", **common).fit(FEW, source=SOURCE)
    frozen = "lower" if copy > 0 else "upper"
    for name, value in taught.network.get_submodule(frozen).state_dict().items():
        now = model.model_.body.network.get_submodule(frozen).state_dict()[name]
        assert torch.equal(now, value)
    assert list(model.layers_) == ["network", "network.lower", "network.upper", "head"]


def test_a_frozen_beginning_is_computed_once(monkeypatch):
    seen = []
    frozen_rows = layered.frozen_rows

    def watch(module, given):
        seen.append((list(dict(module.named_children())), given.n))
        return frozen_rows(module, given)

    monkeypatch.setattr(layered, "frozen_rows", watch)
    LayerTransfer(copy=2, train="rest", **COMMON).fit(FEW, source=SOURCE)
    assert seen == [(["prepare", "fc1", "fc2"], 16)]
    LayerTransfer(copy=-2, train="rest", **COMMON).fit(FEW, source=SOURCE)
    LayerTransfer(copy=2, train="all", **COMMON).fit(FEW, source=SOURCE)
    assert len(seen) == 1


# --- choosing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [FEW, OTHERS])
def test_every_cut_is_tried_from_both_ends(target):
    model = LayerTransfer(**COMMON).fit(target, source=SOURCE)
    n = 4 if target is FEW else 3
    curve = model.curve_
    assert curve.x == [str(i) for i in range(n + 1)]
    assert set(curve.lines) == {
        f"{end} {way}" for end in ("first", "last") for way in ("frozen", "tuned")
    }
    lines = list(curve.lines.values())
    assert {line[0] for line in lines} == {lines[0][0]}  # nothing copied: the target alone
    assert all(0 <= score <= 1 for line in lines for score in line)
    assert model.findings_[0] is curve


def test_what_is_chosen_is_the_best_and_what_one_gets_by_asking_for_it():
    model = LayerTransfer(**COMMON).fit(FEW, source=SOURCE)
    copied = tuple(name for name, what in model.layers_.items() if what.startswith("copied"))
    trained = tuple(name for name, what in model.layers_.items() if what.endswith("trained"))
    asked = LayerTransfer(copy=copied, train=trained, **COMMON).fit(FEW, source=SOURCE)
    np.testing.assert_array_equal(asked.outputs(X), model.outputs(X))
    best = max(score for line in model.curve_.lines.values() for score in line)
    for name, line in model.curve_.lines.items():
        for n, score in enumerate(line):
            end = "first" if name.startswith("first") else "last"
            frozen = name.endswith("frozen")
            these = tuple(ALL[:n] if end == "first" else ALL[len(ALL) - n :])
            if these == copied and frozen == (set(trained).isdisjoint(copied)):
                assert score == best


@pytest.mark.parametrize("beside", ["groups", "time"])
def test_layers_are_chosen_on_other_groups_or_later_rows(monkeypatch, beside):
    given = np.arange(FEW.n_rows) // 2 if beside == "groups" else np.arange(FEW.n_rows)
    rated = []

    def score(*given):
        rated.append([getattr(part, beside) for part in given[2:4]])
        return 0.5

    monkeypatch.setattr(layered.Layered, "score", score)
    few = Domain(FEW.rows, np.arange(FEW.n_rows) % 2, **{beside: given})
    LayerTransfer(**COMMON).fit(few, source=SOURCE)
    assert rated
    for learnt, judged in rated:
        assert not set(learnt) & set(judged)
        assert beside == "groups" or learnt.max() < judged.min()


@pytest.mark.parametrize("train", ["rest", "all"])
def test_one_way_can_be_asked_for(train):
    model = LayerTransfer(train=train, **COMMON).fit(FEW, source=SOURCE)
    ways = {name.split()[1] for name in model.curve_.lines}
    assert ways == {"frozen" if train == "rest" else "tuned"}


def test_one_label_a_class_leaves_nothing_to_choose_by():
    model = LayerTransfer(**COMMON).fit(X[:4], Y[:4], source=SOURCE)
    assert model.curve_ is None
    assert set(model.layers_.values()) == {"copied, trained"}
    assert "too few to be split" in model.findings_[0].title


def test_numbers_are_chosen_by_their_loss():
    labels = X[:, 0] * 1.5
    model = LayerTransfer(**COMMON).fit(X[:20], labels[:20], source=Domain(X, labels))
    assert model.curve_.up == "minus the loss"
    assert max(max(line) for line in model.curve_.lines.values()) <= 0


def test_it_is_described_also_after_loading(tmp_path, capsys):
    model = LayerTransfer(**COMMON).fit(FEW, source=SOURCE)
    again = load(save(model, tmp_path / "model"))
    assert again.curve_ == model.curve_
    model.describe()
    said = capsys.readouterr().out
    again.describe()
    assert said == capsys.readouterr().out
    assert said.splitlines() == [f"{name:<4}  {what}" for name, what in model.layers_.items()]


# --- what cannot be ------------------------------------------------------------------------------

BAD = [
    ({"copy": ("fc1", "fc9")}, FEW, "copy must name layers of the network; got 'fc9'; near it: fc"),
    ({"copy": 1, "train": ("hed",)}, FEW, "train must name layers of the network; got 'hed'"),
    ({"copy": 5}, FEW, r"copy must lie in \[-4, 4\] for layers fc1, fc2, fc3, head; got 5"),
    ({"copy": -4}, OTHERS, r"copy must lie in \[-3, 3\] for layers fc1, fc2, fc3; got -4"),
    ({"copy": ("head",)}, OTHERS, "copy must leave out 'head'"),
    ({"copy": 1, "train": ("fc2",)}, FEW, "fc3, head is neither"),
    ({"train": ("fc1",)}, FEW, "train must be 'auto', 'all' or 'rest' where copy is 'auto'"),
]


@pytest.mark.parametrize(("options", "target", "sentence"), BAD)
def test_names_and_numbers_that_do_not_fit_are_refused(options, target, sentence):
    with pytest.raises(ParameterError, match=sentence):
        LayerTransfer(**COMMON, **options).fit(target, source=SOURCE)


def test_a_bare_network_has_no_fresh_layers():
    network = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4))
    with pytest.raises(ParameterError, match="network must be given to build a fresh one"):
        LayerTransfer(recipe=SHORT).fit(FEW, source=network)


# --- real cases ----------------------------------------------------------------------------------


def digits():
    pictures, y = load_digits(return_X_y=True)
    return (pictures / 16).astype(np.float32), y


def few_of(y, where, n, seed):
    rng = np.random.default_rng(seed)
    few = [rng.choice(where[y[where] == c], n, replace=False) for c in np.unique(y[where])]
    return np.concatenate(few)


def test_it_beats_the_target_alone_on_noisy_digits():
    found = gains(LayerTransfer, shots=3, seeds=3, recipe=Recipe(epochs=5, min_steps=60))
    assert min(found) > 0.05, found


def test_inverted_inputs_want_the_first_layers_trained_and_permuted_labels_the_last():
    """Surgical fine-tuning: train where the shift is, keep the other end."""
    pictures, y = digits()
    source, where = Domain(pictures[:900], y[:900]), np.arange(900, len(y))
    few = few_of(y, where, 20, 0)
    rest = np.setdiff1d(where, few)
    shifts = {"inputs": (1 - pictures, y), "labels": (pictures, (y + 3) % 10)}
    recipe = Recipe(min_steps=300, learning_rate=0.03)  # signs of weights have far to go
    common = {"network": Mlp(hidden_layer_sizes=(64, 64)), "recipe": recipe}
    ends = {"first": ("fc1",), "last": ("head",)}
    score = {}
    for shift, (inputs, labels) in shifts.items():
        for end, train in ends.items():
            model = LayerTransfer(copy=3, train=train, **common)
            model.fit(inputs[few], labels[few], source=source)
            score[shift, end] = model.score(inputs[rest], labels[rest])
    assert score["inputs", "first"] > score["inputs", "last"] + 0.01, score
    assert score["labels", "last"] > score["labels", "first"] + 0.01, score


def test_copying_all_and_training_all_is_fine_tuning():
    tuned = FineTune(decay=1.0, **COMMON).fit(FEW, source=SOURCE)
    copied = LayerTransfer(copy=4, train="all", **COMMON).fit(FEW, source=SOURCE)
    assert abs(tuned.score(X, Y) - copied.score(X, Y)) < 0.1


def test_names_may_be_a_list():
    listed = LayerTransfer(copy=["fc1", "fc2"], train=["fc2", "fc3", "head"], **COMMON)
    listed.fit(FEW, source=SOURCE)
    assert list(listed.layers_.values()) == [
        "copied, frozen", "copied, trained", "fresh, trained", "fresh, trained",
    ]  # fmt: skip
    with pytest.raises(ParameterError, match="train must name layers of the network; got 'foo'"):
        LayerTransfer(copy=2, train=["foo"], **COMMON).fit(FEW, source=SOURCE)


def test_of_equals_the_one_that_copies_more_is_chosen(monkeypatch):
    monkeypatch.setattr("fourfold.methods.finetuning._layers.Layered.score", lambda *_args: 1.0)
    model = LayerTransfer(**COMMON).fit(FEW, source=SOURCE)
    assert all(what.startswith("copied") for what in model.layers_.values())


def test_nothing_is_trained_before_names_are_checked(monkeypatch):
    monkeypatch.setattr("fourfold.training.loop._Loop.run", None)
    with pytest.raises(ParameterError, match="got 'nope'"):
        LayerTransfer(copy=("nope",), **COMMON).fit(FEW, source=SOURCE)
    for method in (FineTune, L2SP):
        with pytest.raises(DataError, match="must be linear, and have every class of the target"):
            method(head="source", **COMMON).fit(OTHERS, source=SOURCE)


class Bare(nn.Module):
    """Has a norm without weights between its layers."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(5, affine=False)
        self.layer = nn.Linear(5, 6)

    def forward(self, x):
        return self.layer(self.norm(x)).relu()


def test_statistics_without_weights_are_copied_too():
    common = {**COMMON, "network": Bare()}
    taught = SourceOnly(**common).fit(X, source=SOURCE)
    model = LayerTransfer(copy=3, train="rest", **common).fit(FEW, source=SOURCE)
    assert list(model.layers_) == ["network.norm", "network.layer", "head"]
    np.testing.assert_array_equal(model.outputs(X), taught.outputs(X))

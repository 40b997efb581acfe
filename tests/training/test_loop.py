"""The training loop does what its recipe says, and nothing else."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from lightning_fabric.loggers import CSVLogger
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler
from torch import nn

from fourfold.data.rows import ArrayRows, Rows, SparseRows, as_rows
from fourfold.errors import DataError, ParameterError
from fourfold.training.batches import Table
from fourfold.training.loop import minimize
from fourfold.training.phases import Part, Phase
from fourfold.training.recipe import Recipe
from fourfold.training.runtime import Runtime


def rows(n, d=1):
    """Rows that say their own position."""
    return torch.arange(n, dtype=torch.float32).reshape(n, 1).repeat(1, d)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def flat(lists):
    return list(itertools.chain.from_iterable(lists))


class Seen:
    """A loss that notes what it was given, and pulls one weight down a slope of 1."""

    def __init__(self):
        self.module = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.module.weight)
        self.t, self.batches, self.weights = [], [], []

    def __call__(self, t, *batches):
        self.t.append(t)
        self.batches.append([batch.x[:, 0].int().tolist() for batch in batches])
        self.weights.append(self.module.weight.item())
        return -self.module.weight.sum()

    def train(self, *tables, **options):
        settings = {"min_steps": 1, "weight_decay": 0.0, "schedule": "constant"} | options
        validate = settings.pop("validate", None)
        recipe = Recipe(**settings)
        phase = Phase(self, self.module)
        return minimize(self.module, phase, *tables, recipe=recipe, validate=validate)

    def rates(self):
        """Learning rate of each step, as plain SGD shows it."""
        return np.diff([*self.weights, self.module.weight.item()])


# --- how long ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "steps", "epochs"),
    [
        ({"epochs": 3}, 9, 3),
        ({"epochs": 3, "min_steps": 10}, 12, 4),
        ({"epochs": 3, "max_steps": 5}, 5, 2),
        ({"epochs": 3, "max_steps": 100}, 9, 3),
        ({"epochs": 3, "steps": 7}, 7, 3),
        ({"epochs": 3, "steps": 7, "min_steps": 100}, 7, 3),
    ],
)
def test_epochs_steps_and_min_steps(options, steps, epochs):
    seen = Seen()
    history = seen.train(Table(rows(10)), batch_size=4, **options)
    assert len(seen.t) == history.steps == steps
    assert len(history.losses) == epochs
    np.testing.assert_allclose(seen.t, np.arange(steps) / steps)
    assert history.seconds > 0


def test_each_row_once_an_epoch_in_another_order():
    seen = Seen()
    seen.train(Table(rows(12)), batch_size=4, epochs=3)
    epochs = [flat(b[0] for b in seen.batches[i : i + 3]) for i in (0, 3, 6)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(12))] * 3
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_batches_are_always_full_and_no_row_waits_for_long():
    seen = Seen()
    seen.train(Table(rows(10)), batch_size=4, steps=25)
    assert {len(b[0]) for b in seen.batches} == {4}
    counts = np.bincount(flat(b[0] for b in seen.batches), minlength=10)
    assert counts.tolist() == [10] * 10


def test_tables_go_in_step_and_the_shorter_starts_over():
    seen = Seen()
    long, short, tiny = Table(rows(12)), Table(rows(4)), Table(rows(2))
    history = seen.train(short, long, tiny, batch_size=4, epochs=2)
    assert history.steps == 6
    assert sorted(flat(b[1] for b in seen.batches[:3])) == list(range(12))
    assert [sorted(b[0]) for b in seen.batches] == [[0, 1, 2, 3]] * 6
    assert [sorted(b[2]) for b in seen.batches] == [[0, 1]] * 6


def test_a_table_may_have_its_own_batch_size():
    seen = Seen()
    seen.train(Table(rows(12)), Table(rows(12), batch_size=3), batch_size=4, epochs=1)
    assert [(len(a), len(b)) for a, b in seen.batches] == [(4, 3)] * 4


def test_a_sampler_chooses_the_rows():
    def pairs(generator, size):
        while True:
            first = torch.randint(5, (1,), generator=generator)
            yield torch.cat([first, first + 5]).repeat(size // 2)

    runs = []
    for _ in range(2):
        torch.manual_seed(3)
        seen = Seen()
        seen.train(Table(rows(10), sampler=pairs), batch_size=4, steps=6)
        runs.append(seen.batches)
    assert runs[0] == runs[1]
    assert all(b[1] == b[0] + 5 and len(b) == 4 for (b,) in runs[0])
    assert len({b[0] for (b,) in runs[0]}) > 1


def test_labels_stay_beside_their_rows():
    found = []

    def loss(_t, batch):
        found.append((batch.x[:, 0] * 2 - batch.y).abs().max().item())
        return net(batch.x).sum() * 0

    net = nn.Linear(1, 1)
    minimize(net, Phase(loss, net), Table(rows(9), rows(9)[:, 0] * 2), recipe=Recipe(steps=5))
    assert found == [0.0] * 5


def test_a_table_without_rows_is_refused():
    with pytest.raises(DataError, match="must have a row for each of 1 processes; got 0"):
        Seen().train(Table(rows(0)))


# --- where rows lie ------------------------------------------------------------------------------


def test_arrays_in_memory_are_not_copied():
    x = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
    table = Table(as_rows(x))
    assert np.shares_memory(table.x.numpy(), x)
    kept = torch.from_numpy(x)
    assert Table(kept).x is kept


def _variants():
    x = np.arange(40, dtype=np.float32).reshape(20, 2)
    still = x.copy()
    still.flags.writeable = False
    yield "backwards", x[::-1]
    yield "every other", np.repeat(x, 2, axis=1)[:, ::2]
    yield "by columns", np.asfortranarray(x)
    yield "read-only", still
    yield "other byte order", x.astype(">f4")
    yield "bytes", x.astype(np.uint8)
    yield "truth", x > 7


@pytest.mark.parametrize(
    ("kind", "x"), list(_variants()), ids=lambda v: v if isinstance(v, str) else ""
)
@pytest.mark.parametrize("limit", [0, 1 << 20])
def test_any_array_gives_its_rows(kind, x, limit, monkeypatch):
    monkeypatch.setattr("fourfold.training.batches.LOADED_BYTES", limit)
    before = x.copy()
    table = Table(as_rows(x))
    index = torch.tensor([4, 0, 19])
    batch = table.batch(index, torch.device("cpu"))
    np.testing.assert_array_equal(batch.x.numpy(), x[index.numpy()])
    batch.x.zero_()
    np.testing.assert_array_equal(x, before)  # a batch is its own, whatever is done to it
    assert kind


def test_what_is_large_is_read_batch_by_batch(monkeypatch, tmp_path):
    monkeypatch.setattr("fourfold.training.batches.LOADED_BYTES", 100)
    mapped = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (64, 4))
    mapped[:] = rows(64, 4).numpy()
    table = Table(ArrayRows(mapped))
    assert isinstance(table.x, Rows)
    seen = Seen()
    seen.train(table, batch_size=16, epochs=1)
    assert sorted(flat(b[0] for b in seen.batches)) == list(range(64))


def test_sparse_rows_become_dense_batches():
    from scipy.sparse import csr_array

    x = np.diag(np.arange(1, 7)).astype(np.float32)
    table = Table(SparseRows(csr_array(x)))
    np.testing.assert_array_equal(
        table.batch(torch.tensor([2, 5]), torch.device("cpu")).x, x[[2, 5]]
    )


# --- how fast ------------------------------------------------------------------------------------

T = np.arange(12) / 12
SCHEDULES = {
    "constant": np.ones(12),
    "cosine": 0.5 * (1 + np.cos(np.pi * T)),
    "step": np.array([1.0] * 8 + [0.1] * 4),
    "inverse": 1 / (1 + 10 * T) ** 0.75,
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.5])
def test_schedules_are_closed_forms(schedule, warmup):
    seen = Seen()
    options = {"schedule": schedule, "warmup": warmup, "optimizer": "sgd", "momentum": 0.0}
    seen.train(Table(rows(4)), steps=12, learning_rate=0.02, **options)
    warm = np.minimum(1, T / warmup) if warmup else 1
    np.testing.assert_allclose(seen.rates(), 0.02 * SCHEDULES[schedule] * warm, atol=1e-7)


def test_momentum_adds_up():
    seen = Seen()
    seen.train(Table(rows(4)), steps=5, learning_rate=0.01, optimizer="sgd", momentum=0.5)
    np.testing.assert_allclose(seen.rates(), 0.01 * (2 - 0.5 ** np.arange(5)), rtol=1e-5)


@pytest.mark.parametrize(
    ("optimizer", "expected"), [("sgd", (1 - 0.1 * 0.3) ** 6), ("adamw", (1 - 0.1 * 0.3) ** 6)]
)
def test_weight_decay_without_a_gradient_shrinks_geometrically(optimizer, expected):
    net = nn.Linear(1, 1, bias=False)
    nn.init.ones_(net.weight)
    recipe = Recipe(
        steps=6,
        optimizer=optimizer,
        momentum=0.0,
        learning_rate=0.1,
        weight_decay=0.3,
        schedule="constant",
    )
    minimize(net, Phase(lambda _t, b: net(b.x).sum() * 0, net), Table(rows(3)), recipe=recipe)
    assert net.weight.item() == pytest.approx(expected, rel=1e-5)


def test_parts_learn_at_their_own_rates():
    net = nn.ModuleList(nn.Linear(1, 1, bias=False) for _ in range(3))
    for layer in net:
        nn.init.ones_(layer.weight)
    parts = [Part(net[0]), Part(net[1], 0.5), Part(net[2], 0.0, weight_decay=0.0), Part(net)]
    recipe = Recipe(
        steps=1, optimizer="sgd", learning_rate=0.1, weight_decay=1.0, schedule="constant"
    )
    phase = Phase(lambda _t, _b: -sum(layer.weight.sum() for layer in net), parts)
    minimize(net, phase, Table(rows(2)), recipe=recipe)
    # slope −1, decay 1·1: they cancel where the decay is the recipe's
    assert [layer.weight.item() for layer in net] == pytest.approx([1.0, 1.0, 1.0])
    parts[1] = Part(net[1], 0.5, weight_decay=0.0)
    minimize(net, Phase(phase.loss, parts), Table(rows(2)), recipe=recipe)
    assert [layer.weight.item() for layer in net] == pytest.approx([1.0, 1.05, 1.0])


def test_what_does_not_require_gradients_stays():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    net[0].requires_grad_(False)
    before = net[0].weight.clone()
    phase = Phase(lambda _t, b: net(b.x).square().mean(), net)
    minimize(net, phase, Table(rows(6, 2)), recipe=Recipe(steps=4, weight_decay=1.0))
    assert torch.equal(net[0].weight, before)


@pytest.mark.parametrize("limit", [0.5, 1e6])
def test_clipping_bounds_the_length_of_the_gradient(limit):
    net = nn.Linear(3, 1)
    lengths = []

    def loss(_t, batch):
        before = [p.detach().clone() for p in net.parameters()]
        lengths.append(before)
        return 100 * (net(batch.x) - 7).square().mean()

    recipe = Recipe(
        steps=5,
        optimizer="sgd",
        momentum=0.0,
        weight_decay=0.0,
        learning_rate=1e-3,
        schedule="constant",
        clip_norm=limit,
    )
    minimize(net, Phase(loss, net), Table(rows(4, 3)), recipe=recipe)
    lengths.append([p.detach() for p in net.parameters()])
    steps = [
        math.sqrt(sum((a - b).square().sum().item() for a, b in zip(x, y, strict=True))) / 1e-3
        for x, y in itertools.pairwise(lengths)
    ]
    if limit < 1:
        assert max(steps) == pytest.approx(limit, rel=1e-3)
    else:
        assert min(steps) > 100


def test_mixed_precision_computes_in_bfloat16_and_keeps_float32_weights():
    found = set()
    net = nn.Linear(4, 1)

    def loss(_t, batch):
        out = net(batch.x)
        found.add(out.dtype)
        return out.float().square().mean()

    with Runtime(precision="bf16-mixed"):
        history = minimize(net, Phase(loss, net), Table(rows(8, 4)), recipe=Recipe(steps=30))
    assert found == {torch.bfloat16}
    assert net.weight.dtype == torch.float32
    assert history.losses[-1][0] < history.losses[0][0]


# --- phases --------------------------------------------------------------------------------------


def test_phases_alternate_and_repeat():
    net = nn.ModuleDict({"a": nn.Linear(1, 1, bias=False), "b": nn.Linear(1, 1, bias=False)})
    for part in net.values():
        nn.init.zeros_(part.weight)
    calls = []

    def first(t, batch):
        calls.append(("a", t, batch.x[0, 0].item()))
        return 2.0 - 0 * net["a"].weight.sum() - net["b"].weight.sum() * 0

    def second(t, batch):
        calls.append(("b", t, batch.x[0, 0].item()))
        return 3.0 - net["b"].weight.sum()

    phases = [Phase(first, net["a"]), Phase(second, net["b"], repeat=3)]
    recipe = Recipe(
        steps=4,
        batch_size=1,
        optimizer="sgd",
        momentum=0.0,
        weight_decay=0.0,
        learning_rate=0.01,
        schedule="constant",
    )
    history = minimize(net, phases, Table(rows(4)), recipe=recipe)
    assert [name for name, _, _ in calls] == ["a", "b", "b", "b"] * 4
    assert all(len({call[1:] for call in calls[i : i + 4]}) == 1 for i in range(0, 16, 4))
    assert net["b"].weight.item() == pytest.approx(12 * 0.01)
    assert net["a"].weight.item() == 0
    assert history.losses == [[2.0, pytest.approx(3 - 0.01 * 5.5)]]


def test_a_phase_may_have_its_own_backward():
    net = nn.Linear(1, 2, bias=False)
    nn.init.zeros_(net.weight)
    given = []

    def backward(losses, module):
        given.append((losses.detach().tolist(), module is net))
        losses[1].backward()

    phase = Phase(lambda _t, b: -net(torch.ones_like(b.x)).mean(0), net, backward=backward)
    recipe = Recipe(
        steps=1, optimizer="sgd", weight_decay=0.0, learning_rate=0.1, schedule="constant"
    )
    history = minimize(net, phase, Table(rows(4)), recipe=recipe)
    assert given == [([0.0, 0.0], True)]
    assert net.weight.flatten().tolist() == pytest.approx([0.0, 0.1])
    assert history.losses == [[0.0]]


# --- along the way -------------------------------------------------------------------------------


def test_early_stopping_goes_back_to_the_best_weights():
    seen = Seen()
    scores, kept = iter([0.1, 0.9, 0.3, 0.9, 0.8, 0.7]), []

    def validate():
        assert not seen.module.training
        kept.append(seen.module.weight.item())
        return next(scores)

    options = {"patience": 2, "validation": 0.1, "validate": validate}
    history = seen.train(Table(rows(4)), epochs=20, **options)
    assert history.scores == [0.1, 0.9, 0.3, 0.9]
    assert len(history.losses) == 4
    assert seen.module.weight.item() == kept[1] != kept[-1]


def test_scores_without_patience_are_only_noted():
    seen = Seen()
    history = seen.train(Table(rows(4)), epochs=4, validate=iter([4, 3, 2, 1]).__next__)
    assert history.scores == [4.0, 3.0, 2.0, 1.0]
    assert seen.module.weight.item() > max(seen.weights)


def test_the_module_trains_and_ends_in_evaluation_mode():
    modes = []
    net = nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.5)).eval()
    minimize(
        net,
        Phase(lambda _t, b: (modes.append(net[1].training), net(b.x).sum())[1], net),
        Table(rows(4)),
        recipe=Recipe(steps=2, epochs=1),
    )
    assert modes == [True, True]
    assert not net[1].training


def test_callbacks_see_each_epoch():
    calls = []
    hook = lambda epoch, history: calls.append((epoch, len(history.losses), history.steps))  # noqa: E731
    with Runtime(callbacks=(hook,)):
        Seen().train(Table(rows(8)), batch_size=4, epochs=3)
    assert calls == [(0, 1, 2), (1, 2, 4), (2, 3, 6)]


def test_loggers_get_losses_and_scores(tmp_path):
    logger = CSVLogger(tmp_path, name="log", version=0, flush_logs_every_n_steps=1)
    seen = Seen()
    validate = iter([0.5, 0.6]).__next__
    with Runtime(loggers=(logger,)):
        history = seen.train(Table(rows(8)), batch_size=4, epochs=2, validate=validate)
    lines = (tmp_path / "log" / "version_0" / "metrics.csv").read_text().splitlines()
    table = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    assert [float(line["loss"]) for line in table] == [loss for (loss,) in history.losses]
    assert [float(line["score"]) for line in table] == [0.5, 0.6]
    assert [int(line["step"]) for line in table] == [2, 4]


def test_a_loss_that_is_no_number_stops_it():
    net = nn.Linear(1, 1)
    for bad in (math.nan, math.inf):
        with pytest.raises(
            ParameterError, match=r"loss must stay finite; got \[(nan|inf)\] in epoch 1"
        ):
            minimize(
                net,
                Phase(lambda _t, b, bad=bad: net(b.x).sum() * 0 + bad, net),
                Table(rows(4)),
                recipe=Recipe(),
            )


def test_the_same_seed_gives_the_same_weights():
    def run(seed):
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.3), nn.Linear(8, 1))
        phase = Phase(lambda _t, b: (net(b.x) - b.y).square().mean(), net)
        minimize(net, phase, Table(rows(30, 2), rows(30)), recipe=Recipe(steps=20, batch_size=8))
        return net[0].weight

    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))


# --- the whole -----------------------------------------------------------------------------------


def test_a_linear_regression_reaches_its_closed_form():
    X, y = load_diabetes(return_X_y=True)
    X = StandardScaler().fit_transform(X)[:, [0, 2, 3, 8]]
    y = (y - y.mean()) / y.std()
    exact = LinearRegression().fit(X, y)
    net = nn.Linear(4, 1)
    recipe = Recipe(
        epochs=60,
        batch_size=64,
        optimizer="sgd",
        learning_rate=0.05,
        weight_decay=0.0,
        schedule="cosine",
    )
    table = Table(as_rows(X.astype(np.float32)), torch.tensor(y, dtype=torch.float32))
    phase = Phase(lambda _t, b: (net(b.x)[:, 0] - b.y).square().mean(), net)
    history = minimize(net, phase, table, recipe=recipe)
    np.testing.assert_allclose(net.weight.detach().numpy()[0], exact.coef_, atol=0.01)
    assert net.bias.item() == pytest.approx(exact.intercept_, abs=0.01)
    best = np.mean((exact.predict(X) - y) ** 2)
    assert history.losses[-1][0] == pytest.approx(best, rel=0.05)


@pytest.mark.parametrize("options", [{"validation": 0.2}, {"validation": 0.2, "patience": 1}])
def test_validation_without_a_score_is_refused(options):
    with pytest.raises(ParameterError, match="validate must be given if the recipe asks for"):
        Seen().train(Table(rows(4)), **options)

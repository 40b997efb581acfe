"""Two processes, started as torchrun starts them, train one model, that of a single process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from fourfold import Domain
from fourfold.frozen.store import Store, using
from fourfold.methods.adaptation.dann import DANN
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.networks import ConvNet, Mlp
from fourfold.training.batches import Table
from fourfold.training.loop import minimize
from fourfold.training.phases import Phase
from fourfold.training.recipe import Recipe

SMALL = ConvNet(channels=(4, 6), hidden_layer_sizes=(12,))
NORMED = ConvNet(channels=(4, 6), hidden_layer_sizes=(12,), batch_norm=True)


def digits():
    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 1, 8, 8).astype(np.float32)
    return Domain(X[:128], y[:128]), 16 - X[256:320], y[256:320]


def recipe(**options):
    settings = {"optimizer": "sgd", "learning_rate": 0.02, "batch_size": 32, "epochs": 2}
    return Recipe(**{**settings, "min_steps": 8, **options})


def outside_norm():
    """A network with PyTorch's batch norm, which knows nothing of other processes."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 12), nn.BatchNorm1d(12), nn.ReLU())


def fitted():
    """Fit methods on digits and on their negatives: name → outputs (n, 10)."""
    source, X, y = digits()
    few = np.where(np.arange(64) % 3, -1, y)  # one label in three
    torch.manual_seed(0)
    mlp = Mlp(hidden_layer_sizes=(12,), batch_norm=True)
    early = recipe(epochs=6, validation=0.25, patience=1)
    methods = {
        "FineTune": (FineTune(network=SMALL, recipe=recipe()), y),
        "FineTune, normed": (FineTune(network=NORMED, recipe=recipe()), y),
        "FineTune, adamw": (
            FineTune(network=SMALL, recipe=recipe(optimizer="adamw", learning_rate=0.003)),
            y,
        ),
        "FineTune, normed rows": (FineTune(network=mlp, recipe=recipe()), y),
        "FineTune, early": (FineTune(network=SMALL, recipe=early, probe_first=True), y),
        "DANN": (DANN(network=SMALL, recipe=recipe()), None),
        "DANN, normed": (DANN(network=NORMED, recipe=recipe()), None),
        "DANN, few labels": (DANN(network=NORMED, recipe=recipe()), few),
        "outside norm": (FineTune(network=outside_norm(), recipe=recipe()), y),
    }
    return {
        name: m.fit(X, labels, source=source).outputs(X) for name, (m, labels) in methods.items()
    }


def unlike():
    """Train what the processes begin from other seeds."""
    torch.manual_seed(int(os.environ.get("RANK", "0")))
    net = nn.Linear(64, 1)
    x = torch.from_numpy(digits()[1]).flatten(1) / 16
    phase = Phase(lambda _t, b: net(b.x).square().mean(), net)
    minimize(net, phase, Table(x), recipe=recipe())
    return net.weight.detach().numpy()


def stored(folder):
    """Fit with a store that both processes use."""
    source, X, y = digits()
    with using(Store(folder / "store")):
        return FineTune(network=SMALL, recipe=recipe()).fit(X, y, source=source).outputs(X)


def main(folder):
    torch.set_num_threads(1)
    found = {"unlike": unlike(), "stored": stored(folder)} | fitted()
    np.savez(folder / f"{os.environ['RANK']}.npz", **found)


def launch(folder):
    """Start two processes by torchrun's own agent, forked: torch is imported once."""
    import lightning_fabric  # noqa: F401  once for both
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=2, run_id="suite", start_method="fork",
        rdzv_backend="c10d", rdzv_endpoint="127.0.0.1:0", local_addr="127.0.0.1",
    )  # fmt: skip
    elastic_launch(config, main)(folder)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    done = subprocess.run(
        [sys.executable, __file__, str(folder)],
        env={**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=False,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return [dict(np.load(folder / f"{rank}.npz")) for rank in (0, 1)]


@pytest.fixture(scope="module")
def alone():
    return fitted()


NAMES = [
    "FineTune",
    "FineTune, normed",
    "FineTune, adamw",
    "FineTune, normed rows",
    "FineTune, early",
    "DANN",
    "DANN, normed",
    "DANN, few labels",
    "outside norm",
]


@pytest.mark.parametrize("name", [*NAMES, "unlike", "stored"])
def test_both_processes_have_the_same_model(name, ranks):
    first, second = (rank[name] for rank in ranks)
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", NAMES[:-1])
def test_it_is_the_model_of_one_process_with_the_same_global_batch(name, ranks, alone):
    assert alone[name].std() > 0.1
    np.testing.assert_allclose(ranks[0][name], alone[name], atol=1e-3)


if __name__ == "__main__":
    launch(Path(sys.argv[1]))

"""A killed training is resumed to the last bit, from its own file only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from fourfold import Domain
from fourfold.data.rows import as_rows
from fourfold.errors import FileError, FourfoldWarning
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.networks import Mlp
from fourfold.training.batches import Table
from fourfold.training.checkpoint import training_for
from fourfold.training.loop import minimize
from fourfold.training.phases import Phase
from fourfold.training.recipe import Recipe
from fourfold.training.runtime import Runtime

SETTINGS = {
    "sgd": {"optimizer": "sgd", "epochs": 7},
    "adamw": {"optimizer": "adamw", "schedule": "inverse", "epochs": 7},
    "early": {
        "optimizer": "adamw",
        "learning_rate": 0.05,
        "epochs": 30,
        "patience": 3,
        "validation": 0.1,
    },
}
RUNS = {"whole": None, "killed": 2, "killed again": 4, "resumed": None}
"""Name → epoch after which the process kills itself; all but the first have checkpoints."""


def training(kind, name, folder):
    """Train two networks with everything that has a state, and save their weights and history."""
    torch.manual_seed(5)
    x = torch.randn(48, 6)
    y = (x[:, :2].prod(1, keepdim=True) > 0).float()
    norm = nn.Sequential(nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3))
    net, other = nn.Sequential(nn.Linear(6, 16), norm, nn.Linear(16, 1)), nn.Linear(6, 1)
    nets = nn.ModuleList([net, other])

    def kill(epoch, _history):
        if epoch == RUNS[name]:
            os.kill(os.getpid(), signal.SIGKILL)

    def validate():
        with torch.no_grad():
            return -float((net(x[:16]) - y[:16]).square().mean())

    def loss(_t, a, b):
        noise = torch.randn_like(a.x) * 0.1  # the random state matters too
        return (net(a.x + noise) - a.y).square().mean() + net(b.x).square().mean() * 0.1

    def loss_of_other(_t, a, _b):
        return (other(a.x) - a.y).square().mean()

    recipe = Recipe(batch_size=10, min_steps=1, **SETTINGS[kind])
    checkpoints = None if name == "whole" else folder / f"{kind} checkpoints"
    phases = [Phase(loss, net), Phase(loss_of_other, other)]
    tables = Table(x, y), Table(x[:13])
    with Runtime(checkpoints=checkpoints, checkpoint_every=0.0, callbacks=(kill,)):
        history = minimize(nets, phases, *tables, recipe=recipe, validate=validate)
    values = [history.losses, history.scores, history.steps]
    save_file(nets.state_dict(), folder / f"{kind} {name}", {"history": json.dumps(values)})


def train_and_kill(folder):
    """Run each training in a child of its own; print how each ended."""
    import lightning_fabric  # noqa: F401  once for all children

    torch.set_num_threads(1)
    ends = {}
    for kind in SETTINGS:
        for name in RUNS:
            if (child := os.fork()) == 0:
                try:
                    training(kind, name, folder)
                finally:
                    os._exit(1 if sys.exc_info()[0] else 0)
            ends[f"{kind} {name}"] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.stdout.write(json.dumps(ends))


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, __file__, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return folder, json.loads(done.stdout)


def outcome(path):
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["history"]), load_file(path)


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_killed_training_goes_on_to_the_same_bits(kind, killed):
    folder, ends = killed
    assert [ends[f"{kind} {name}"] for name in RUNS] == [0, -signal.SIGKILL, -signal.SIGKILL, 0]
    assert not (folder / f"{kind} killed").exists()
    history, weights = outcome(folder / f"{kind} whole")
    found_history, found = outcome(folder / f"{kind} resumed")
    assert found_history == history
    assert set(found) == set(weights)
    for name, value in weights.items():
        assert torch.equal(found[name], value), name
    if kind == "early":
        assert 5 < len(history[0]) < 30


# --- in this process -----------------------------------------------------------------------------


class StopError(Exception):
    """Any error that ends a training."""


def run(folder, *, seed=0, stop=None, x=None, every=0.0, progress=False, **options):
    """Train a small network; return it and the epochs of this call."""
    torch.manual_seed(seed)
    net = nn.Linear(3, 1)
    x = torch.arange(24.0).reshape(8, 3) / 24 if x is None else x
    made = []

    def callback(epoch, _history):
        made.append(epoch)
        if epoch == stop:
            raise StopError

    recipe = Recipe(**{"min_steps": 1, "epochs": 6, **options})
    runtime = Runtime(
        checkpoints=folder, checkpoint_every=every, callbacks=(callback,), progress=progress
    )
    phase = Phase(lambda _t, b: (net(b.x) - 1).square().mean(), net)
    validate = iter([3.0, 2.0, 1.0, 0.0, 0.0, 0.0]).__next__ if "patience" in options else None
    with suppress(StopError), runtime:
        minimize(net, phase, Table(x), recipe=recipe, validate=validate)
    return net, made


def state(folder):
    (file,) = folder.iterdir()
    return file


def test_it_resumes_from_the_last_epoch(tmp_path):
    folder = tmp_path / "deep" / "folder"
    _, made = run(folder, stop=3)
    assert made == [0, 1, 2, 3]
    net, made = run(folder)
    assert made == [3, 4, 5]
    alone, _ = run(tmp_path / "other")
    assert torch.equal(net.weight, alone.weight)


@pytest.mark.parametrize("options", [{}, {"patience": 2, "validation": 0.1}])
def test_a_finished_training_is_not_repeated(options, tmp_path):
    first, made = run(tmp_path, **options)
    assert len(made) == (3 if options else 6)
    again, made = run(tmp_path, **options)
    assert made == []
    assert torch.equal(first.weight, again.weight)
    assert not again.training


def test_it_is_written_no_more_often_than_asked(tmp_path, monkeypatch):
    run(tmp_path, stop=4, every=3600.0)
    run(tmp_path, every=3600.0)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr("fourfold.training.checkpoint.WORTH_A_FILE", 0.0)
    run(tmp_path, stop=4, every=3600.0)
    assert not list(tmp_path.iterdir())
    run(tmp_path, every=3600.0)
    assert state(tmp_path).exists()


@pytest.mark.parametrize(
    "other",
    [{"learning_rate": 0.5}, {"epochs": 7}, {"seed": 1}, {"x": torch.ones(8, 3)}],
    ids=["recipe", "epochs", "seed", "data"],
)
@pytest.mark.parametrize("finished", [True, False])
def test_another_training_has_another_file(other, finished, tmp_path):
    run(tmp_path, stop=None if finished else 2)
    _, made = run(tmp_path, **other)
    assert made[0] == 0
    assert len(list(tmp_path.iterdir())) == 2


def test_another_purpose_has_another_file(tmp_path):
    with training_for("one"):
        run(tmp_path, stop=2)
    with training_for("another"):
        _, made = run(tmp_path)
    assert made == [0, 1, 2, 3, 4, 5]
    with training_for("one"):
        _, made = run(tmp_path)
    assert made == [2, 3, 4, 5]


def test_progress_and_intervals_do_not_matter(tmp_path, capsys):
    run(tmp_path, stop=2)
    _, made = run(tmp_path, progress=True, every=5.0)
    assert made[0] == 2
    capsys.readouterr()


def truncated(path):
    path.write_bytes(path.read_bytes()[:-3])


def flipped(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


def foreign(path):
    save_file({"weight": torch.zeros(3)}, path)


def named(path):
    save_file({"weight": torch.zeros(3)}, path, {"fourfold": json.dumps({"history": {}})})


def garbled(path):
    save_file({"weight": torch.zeros(3)}, path, {"fourfold": "{"})


@pytest.mark.parametrize("harm", [truncated, flipped, empty, foreign, named, garbled])
def test_a_damaged_or_foreign_file_trains_from_the_start(harm, tmp_path):
    whole, _ = run(tmp_path / "other")
    run(tmp_path, stop=2)
    harm(next(tmp_path.glob("*.safetensors")))
    with pytest.warns(FourfoldWarning, match=r"\.safetensors must be .*: trained from the start"):
        net, made = run(tmp_path)
    assert made == [0, 1, 2, 3, 4, 5]
    assert torch.equal(net.weight, whole.weight)
    assert run(tmp_path)[1] == []


@pytest.mark.filterwarnings("ignore::fourfold.errors.FourfoldWarning")
def test_a_folder_in_its_place_is_one_sentence(tmp_path):
    run(tmp_path, stop=2)
    path = state(tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(FileError, match=r"\.safetensors must be writable for checkpoints"):
        run(tmp_path)


def test_a_write_replaces_the_file_in_one_step(tmp_path, monkeypatch):
    run(tmp_path, stop=2)
    before = state(tmp_path).read_bytes()

    def broken(_tensors, path, _notes):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fourfold.core.digests.save_file", broken)
    with pytest.raises(FileError, match=r"\.safetensors must be writable.*No space left"):
        run(tmp_path)
    assert state(tmp_path).read_bytes() == before
    monkeypatch.undo()
    _, made = run(tmp_path)
    assert made[0] == 2


def test_it_holds_tensors_and_json_and_no_pickle(tmp_path):
    run(tmp_path, optimizer="adamw")
    with safe_open(state(tmp_path), "pt") as file:
        names = set(file.keys())
        notes = json.loads(file.metadata()["fourfold"])
    assert {"net/weight", "net/bias", "random", "stream/0/random"} < names
    assert {"opt/0/0/exp_avg", "opt/0/0/exp_avg_sq", "opt/0/0/step"} < names
    assert len(notes["history"]["losses"]) == 6
    assert b"pickle" not in state(tmp_path).read_bytes()


def test_rows_read_from_disk_are_part_of_the_name(tmp_path, monkeypatch):
    monkeypatch.setattr("fourfold.training.batches.LOADED_BYTES", 0)
    still = np.arange(24, dtype=np.float32).reshape(8, 3) / 24
    still.flags.writeable = False
    run(tmp_path, x=as_rows(still), stop=2)
    _, made = run(tmp_path, x=as_rows(still))
    assert made[0] == 2
    _, made = run(tmp_path, x=as_rows(still[::-1]))
    assert made[0] == 0


def test_a_killed_fit_is_resumed_through_all_its_trainings(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 4)).astype(np.float32), np.arange(60) % 3
    source = Domain(X, y)

    def fit(name, stop=None):
        made = []

        def callback(epoch, _history):
            made.append(epoch)
            if len(made) == stop:
                raise StopError

        recipe = Recipe(epochs=2, min_steps=1)
        method = FineTune(network=Mlp(hidden_layer_sizes=(5,)), recipe=recipe, probe_first=True)
        runtime = Runtime(checkpoints=tmp_path / name, checkpoint_every=0.0, callbacks=(callback,))
        with suppress(StopError), runtime:
            method.fit(X[:9], y[:9], source=source)
        return method, made

    whole, made = fit("whole")
    assert made == [0, 1] * 3  # the source model, the head, everything
    for _ in range(3):
        fit("killed", stop=2)
    resumed, made = fit("killed")
    assert len(made) < 6
    np.testing.assert_array_equal(resumed.outputs(X), whole.outputs(X))


if __name__ == "__main__":
    train_and_kill(Path(sys.argv[1]))

"""A killed training ends as if it had not been killed, and nothing else is taken for its state."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from fourfold import Domain
from fourfold.data.rows import as_rows
from fourfold.errors import DataError, FileError
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.networks import Mlp
from fourfold.training.batches import Table
from fourfold.training.loop import minimize
from fourfold.training.phases import Phase
from fourfold.training.recipe import Recipe

SETTINGS = {
    "sgd": {"optimizer": "sgd", "epochs": 7},
    "adamw": {"optimizer": "adamw", "schedule": "inverse", "epochs": 7},
    "early": {"optimizer": "adamw", "learning_rate": 0.05, "epochs": 30, "patience": 3},
}
RUNS = {"whole": None, "killed": 2, "killed again": 4, "resumed": None}
"""Name → the epoch after which the process kills itself; all but the first have a checkpoint."""


def training(kind, name, folder):
    """Train two networks with all that has a state, and write down what became of them."""
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

    recipe = Recipe(batch_size=10, least_steps=1, each_epoch=(kill,), **SETTINGS[kind])
    if name != "whole":
        recipe.set_params(checkpoint=str(folder / f"{kind}.state"), checkpoint_every=0.0)
    phases = [Phase(loss, net), Phase(loss_of_other, other)]
    tables = Table(x, y), Table(x[:13])
    history = minimize(nets, phases, *tables, recipe=recipe, validate=validate)
    values = [history.losses, history.scores, history.steps]
    save_file(nets.state_dict(), folder / f"{kind} {name}", {"history": json.dumps(values)})


def train_and_kill(folder):
    """Run each training in a child of its own; print how each ended."""
    torch.set_num_threads(1)
    ends = {}
    for kind in SETTINGS:
        for name in RUNS:
            if (child := os.fork()) == 0:
                training(kind, name, folder)
                os._exit(0)
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
    """Stands for whatever ends a training."""


def run(path, *, seed=0, stop=None, x=None, epochs=6, **options):
    """Train a small network; return it and how many epochs this call made."""
    torch.manual_seed(seed)
    net = nn.Linear(3, 1)
    x = torch.arange(24.0).reshape(8, 3) / 24 if x is None else x
    made = []

    def hook(epoch, _history):
        made.append(epoch)
        if epoch == stop:
            raise StopError

    settings = {"least_steps": 1, "checkpoint_every": 0.0, "epochs": epochs} | options
    recipe = Recipe(checkpoint=str(path), each_epoch=(hook,), **settings)
    phase = Phase(lambda _t, b: (net(b.x) - 1).square().mean(), net)
    validate = iter([3.0, 2.0, 1.0, 0.0, 0.0, 0.0]).__next__ if "patience" in options else None
    try:
        minimize(net, phase, Table(x), recipe=recipe, validate=validate)
    except StopError:
        return net, made
    return net, made


def test_it_goes_on_from_the_last_epoch(tmp_path):
    path = tmp_path / "deep" / "state"
    _, made = run(path, stop=3)
    assert made == [0, 1, 2, 3]
    net, made = run(path)
    assert made == [3, 4, 5]
    alone, _ = run(tmp_path / "other")
    assert torch.equal(net.weight, alone.weight)


@pytest.mark.parametrize("options", [{}, {"patience": 2}])
def test_what_is_over_is_not_trained_again(options, tmp_path):
    first, made = run(tmp_path / "state", **options)
    assert len(made) == (3 if options else 6)
    again, made = run(tmp_path / "state", **options)
    assert made == []
    assert torch.equal(first.weight, again.weight)
    assert not again.training


def test_it_is_written_no_more_often_than_asked(tmp_path):
    run(tmp_path / "state", stop=4, checkpoint_every=3600.0)
    assert not (tmp_path / "state").exists()
    run(tmp_path / "state", checkpoint_every=3600.0)
    assert (tmp_path / "state").exists()


@pytest.mark.parametrize(
    "other",
    [{"learning_rate": 0.5}, {"epochs": 7}, {"seed": 1}, {"x": torch.ones(8, 3)}],
    ids=["recipe", "epochs", "seed", "data"],
)
@pytest.mark.parametrize("finished", [True, False])
def test_another_training_is_refused(other, finished, tmp_path):
    run(tmp_path / "state", stop=None if finished else 2)
    with pytest.raises(DataError, match=r"start and data; got another: remove it"):
        run(tmp_path / "state", **other)


def test_where_it_is_shown_does_not_matter(tmp_path, capsys):
    run(tmp_path / "state", stop=2)
    _, made = run(tmp_path / "state", progress=True, checkpoint_every=5.0)
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


def folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [truncated, flipped, empty, foreign, named, garbled, folder])
def test_damaged_and_foreign_files_are_refused(harm, tmp_path):
    run(tmp_path / "state", stop=2)
    harm(tmp_path / "state")
    with pytest.raises(DataError, match=r"state must be .*: remove it"):
        run(tmp_path / "state")


def test_a_write_replaces_the_file_in_one_step(tmp_path, monkeypatch):
    run(tmp_path / "state.safetensors", stop=2)
    before = (tmp_path / "state.safetensors").read_bytes()

    def broken(_tensors, path, _notes):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fourfold.training.checkpoint.save_file", broken)
    with pytest.raises(FileError, match=r"state.safetensors must be writable.*No space left"):
        run(tmp_path / "state.safetensors")
    assert (tmp_path / "state.safetensors").read_bytes() == before
    monkeypatch.undo()
    _, made = run(tmp_path / "state.safetensors")
    assert made[0] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["state.safetensors"]


def test_it_holds_tensors_and_json_and_no_pickle(tmp_path):
    run(tmp_path / "state", optimizer="adamw")
    with safe_open(tmp_path / "state", "pt") as file:
        names = set(file.keys())
        notes = json.loads(file.metadata()["fourfold"])
    assert {"net/weight", "net/bias", "random", "stream/0/random"} < names
    assert {"opt/0/0/exp_avg", "opt/0/0/exp_avg_sq", "opt/0/0/step"} < names
    assert len(notes["history"]["losses"]) == 6
    assert b"pickle" not in (tmp_path / "state").read_bytes()


def test_rows_that_are_read_from_disk_name_the_training_too(tmp_path, monkeypatch):
    monkeypatch.setattr("fourfold.training.batches.LOADED_BYTES", 0)
    still = np.arange(24, dtype=np.float32).reshape(8, 3) / 24
    still.flags.writeable = False
    run(tmp_path / "state", x=as_rows(still), stop=2)
    _, made = run(tmp_path / "state", x=as_rows(still))
    assert made[0] == 2
    with pytest.raises(DataError, match="got another"):
        run(tmp_path / "state", x=as_rows(still[::-1]))


def test_a_killed_fit_goes_on_through_all_its_trainings(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 4)).astype(np.float32), np.arange(60) % 3
    source = Domain(X, y)

    def fit(name, stop=None):
        made = []

        def hook(epoch, _history):
            made.append(epoch)
            if len(made) == stop:
                raise StopError

        recipe = Recipe(
            epochs=2,
            least_steps=1,
            checkpoint=str(tmp_path / name),
            checkpoint_every=0.0,
            each_epoch=(hook,),
        )
        method = FineTune(network=Mlp(hidden_layer_sizes=(5,)), recipe=recipe, probe_first=True)
        try:
            return method.fit(X[:9], y[:9], source=source), made
        except StopError:
            return method, made

    whole, made = fit("whole")
    assert made == [0, 1] * 3  # the source model, the head, everything
    for stop in (2, 2, 2):
        fit("state", stop)
    resumed, made = fit("state")
    assert len(made) < 6
    np.testing.assert_array_equal(resumed.outputs(X), whole.outputs(X))


if __name__ == "__main__":
    train_and_kill(Path(sys.argv[1]))

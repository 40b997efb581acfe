"""How a trained network is written and read: weights, preparation, task, and its builder."""

from __future__ import annotations

import copy
import shutil
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from xxhash import xxh3_128_hexdigest

from fourfold import networks
from fourfold.core import findings
from fourfold.core.serialization import from_plain, to_plain
from fourfold.core.tasks import TASKS
from fourfold.errors import BundleError
from fourfold.estimators.problem import Model
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.onnx import export_onnx, session
from fourfold.frozen.store import active
from fourfold.networks.builder import Body
from fourfold.preparation.choose import load_preparation
from fourfold.training.phases import History

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from onnxruntime import InferenceSession

    from fourfold.estimators.network import NetworkEstimator

__all__ = ["OnnxModule", "only_predicts", "read", "write"]

WEIGHTS: Final = "weights.safetensors"
BODY: Final = "body.onnx"
FROZEN: Final = "frozen.onnx"
PREPARE: Final = "prepare"


def write(estimator: NetworkEstimator, folder: Path) -> dict[str, Any]:
    """Write a fitted estimator's network into a folder; return the rest as JSON can hold it."""
    model = estimator.model_
    weights = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    (folder / PREPARE).mkdir()
    estimator.prepare_.save(folder / PREPARE)
    if estimator.frozen_ is not None:
        _write_frozen(estimator.frozen_, estimator.prepare_.shape_, folder / FROZEN)
    for name in estimator.tensors:
        save_file(vars(estimator)[name], folder / f"{name}.safetensors")
    builder = estimator.builder_
    if builder is None:
        _write_onnx(model.body.bare(), estimator.shape_, folder / BODY)
    history = vars(estimator).get("history_")
    own = type(estimator.network) if isinstance(estimator.network, nn.Module) else None
    return {
        "task": to_plain(estimator.task_),
        "task_state": estimator.task_.state(),
        "module": own and f"{own.__module__}.{own.__qualname__}",
        "network": to_plain(builder.bare() if builder is not None else None),
        "shape": list(estimator.shape_),
        "width": model.body.width,
        "features": estimator.n_features_in_,
        "history": asdict(history) if history is not None else None,
        "findings": [findings.to_json(finding) for finding in estimator.findings_],
        "plain": {name: vars(estimator)[name] for name in estimator.plain},
    }


def _write_frozen(frozen: Frozen, shape: tuple[int, ...], path: Path) -> None:
    """Write a frozen prefix, which many models share; with a store it is exported once."""
    store = active()
    if store is None:
        _write_onnx(frozen.module, shape, path)
        return
    key = xxh3_128_hexdigest(f"onnx {frozen.key} {shape}".encode())
    once = store.artifact(key, lambda part: _write_onnx(frozen.module, shape, part / FROZEN))
    shutil.copyfile(once / FROZEN, path)


def _write_onnx(module: nn.Module, shape: tuple[int, ...], path: Path) -> None:
    saved = [part.content for part in module.modules() if isinstance(part, OnnxModule)]
    if saved:
        path.write_bytes(saved[0])
    else:
        export_onnx(copy.deepcopy(module).cpu(), torch.zeros(2, *shape), path)


def read(estimator: NetworkEstimator, folder: Path, notes: Mapping[str, Any]) -> None:
    """Make an estimator fitted with what :func:`write` wrote.

    Where the network is a module of the user's, ``estimator.network`` may hold it, to be trained
    on; without it the estimator still predicts, through ONNX.
    """
    estimator.task_ = from_plain(notes["task"], TASKS).restore(notes["task_state"])
    estimator.prepare_ = load_preparation(folder / PREPARE)
    frozen = folder / FROZEN
    estimator.frozen_ = Frozen(OnnxModule(frozen), engine="torch") if frozen.exists() else None
    estimator.shape_ = tuple(notes["shape"])
    estimator.n_features_in_ = notes["features"]
    estimator.findings_ = [findings.from_json(raw) for raw in notes["findings"]]
    if notes["history"] is not None:
        estimator.history_ = History(**notes["history"])
    if notes["module"] and estimator.network is None:  # said when somebody wants to train it
        estimator.network = f"{notes['module']}: load(path, network=...) brings it"
    for name in estimator.plain:
        setattr(estimator, name, notes["plain"][name])
    for name in estimator.tensors:
        setattr(estimator, name, load_file(folder / f"{name}.safetensors"))
    body = _body(estimator, folder, notes)
    estimator.model_ = Model(body, estimator.last_layer(body.width)).eval()
    _load_weights(estimator.model_, load_file(folder / WEIGHTS))


def _body(estimator: NetworkEstimator, folder: Path, notes: Mapping[str, Any]) -> Body:
    if notes["network"] is None and not isinstance(estimator.network, nn.Module):
        estimator.builder_ = None
        return estimator.on_rows(Body({"network": OnnxModule(folder / BODY)}, notes["width"]))
    estimator.builder_ = from_plain(notes["network"], networks.BUILDERS)
    return estimator.build_body()


def _load_weights(model: Model, weights: dict[str, Tensor]) -> None:
    """Load what was trained; a body that runs in ONNX has its weights inside."""
    if only_predicts(model):
        weights = {k: v for k, v in weights.items() if k.startswith("head.")}
        model.head.load_state_dict({k.removeprefix("head."): v for k, v in weights.items()})
        return
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise BundleError(f"the network must be the one that was saved; got: {first}") from error


@final
class OnnxModule(nn.Module):
    """A network that was saved as ONNX, for prediction.

    Parameters
    ----------
    path
        The file; it is read whole.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.content = path.read_bytes()

    def forward(self, x: Tensor) -> Tensor:
        running = _session(self.content, torch.get_num_threads())
        (name,) = [given.name for given in running.get_inputs()]
        return torch.from_numpy(running.run(None, {name: x.numpy()})[0])


@lru_cache(maxsize=8)
def _session(content: bytes, threads: int) -> InferenceSession:
    """Open a network once; a session is no part of the module, which is copied and pickled."""
    return session(content, threads)


def only_predicts(model: Model) -> bool:
    """Tell whether a model's body runs in ONNX, and so cannot be trained."""
    return any(isinstance(stage, OnnxModule) for stage in model.body.children())

"""Files of a fitted network: weights, preparation, task, builder and further state."""

from __future__ import annotations

import copy
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from xxhash import xxh3_128_hexdigest

from fourfold import networks
from fourfold.algorithms.calibration import Calibration
from fourfold.algorithms.rejection import Rejection
from fourfold.core import findings
from fourfold.core.inside import inside
from fourfold.core.serialization import from_plain, to_plain
from fourfold.core.tasks import TASKS
from fourfold.errors import BundleError, ParameterError
from fourfold.estimators.inputs import Inputs
from fourfold.estimators.model import Model
from fourfold.estimators.problem import Fitted
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.onnx import export_onnx, read_onnx
from fourfold.frozen.onnx_module import OnnxModule
from fourfold.frozen.store import active
from fourfold.networks.builder import Body, Builder, as_body
from fourfold.preparation.choose import load_preparation
from fourfold.training.phases import History

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task

__all__ = ["only_predicts", "read", "write"]

WEIGHTS: Final = "weights.safetensors"
BODY: Final = "body.onnx"
FROZEN: Final = "frozen.onnx"
PREPARE: Final = "prepare"


def write(folder: Path, task: Task, inputs: Inputs, fitted: Fitted) -> dict[str, Any]:
    """Write a fitted network into a folder; return the rest as JSON can hold it."""
    model = fitted.model
    if not isinstance(model, Model):
        raise ParameterError(f"the model to save must be a network; got {type(model).__name__}")
    weights = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    weights = weights if model.builder is None else model.builder.kept(weights)
    save_file(weights, folder / WEIGHTS)
    (folder / PREPARE).mkdir()
    inputs.prepare.save(folder / PREPARE)
    if inputs.frozen is not None:
        _write_frozen(inputs.frozen, inputs.prepare.shape_, folder / FROZEN)
    if model.builder is None:
        _write_onnx(model.body.bare(), inputs.shape, folder / BODY)
    tensors = {
        name: value
        for name, value in fitted.state.items()
        if isinstance(value, dict) and any(isinstance(v, Tensor) for v in value.values())
    }
    for name, value in tensors.items():
        save_file(value, folder / f"{name}.safetensors")
    return {
        "task": to_plain(task),
        "task_state": task.state(),
        "network": to_plain(None if model.builder is None else model.builder.saved()),
        "below": "" if model.builder is None else model.builder.saved().weights_digest,
        "shape": list(inputs.shape),
        "features": inputs.n_features,
        "typical": None if inputs.typical is None else inputs.typical.tolist(),
        "width": model.body.width,
        "history": asdict(fitted.history),
        "findings": [findings.to_json(finding) for finding in fitted.findings],
        "tensors": list(tensors),
        "calibration": fitted.calibration,
        "rejection": fitted.rejection,
        "state": {name: value for name, value in fitted.state.items() if name not in tensors},
    }


def read(
    folder: Path,
    notes: Mapping[str, Any],
    *,
    owner: str,
    module: nn.Module | None,
    head: Callable[[Task, int, Mapping[str, Any]], nn.Module],
) -> tuple[Task, Inputs, Fitted]:
    """Read a fitted network of the owner, an estimator's name, that :func:`write` wrote.

    Without the user's own network, ``module``, to be trained on, the model predicts through ONNX.
    ``head`` builds the head from task, width of the features and further state.
    """
    task = from_plain(notes["task"], TASKS).restore(notes["task_state"])
    frozen = folder / FROZEN
    inputs = Inputs(
        owner,
        load_preparation(folder / PREPARE),
        Frozen(SavedModule(frozen), engine="torch") if frozen.exists() else None,
        tuple(notes["shape"]),
        notes["features"],
        typical=_typical(notes.get("typical")),
    )
    state = {**notes["state"]}
    tensors = {name: inside(folder, f"{name}.safetensors") for name in notes["tensors"]}
    state |= {name: load_file(file) for name, file in tensors.items()}
    body = _body(folder, notes, inputs, module)
    model = Model(body, head(task, body.width, state)).eval()
    _load_weights(model, load_file(folder / WEIGHTS))
    found = [findings.from_json(raw) for raw in notes["findings"]]
    calibration, rejection = notes["calibration"], notes.get("rejection")
    fitted = Fitted(
        model,
        History(**notes["history"]),
        found,
        state,
        calibration=None if calibration is None else Calibration(*calibration),
        rejection=None if rejection is None else Rejection(*rejection),
    )
    return task, inputs, fitted


def _typical(saved: list[float] | None) -> NDArray[np.float32] | None:
    return None if saved is None else np.array(saved, np.float32)


def _write_frozen(frozen: Frozen, shape: tuple[int, ...], path: Path) -> None:
    """Write a frozen network, which many models share; with a store it is exported once."""

    def write(part: Path) -> None:
        made = frozen.onnx(shape)
        if made is None:
            _write_onnx(frozen.module, shape, part)
        else:
            part.write_bytes(made)

    store = active()
    if store is None:
        write(path)
        return
    key = xxh3_128_hexdigest(f"onnx {frozen.key} {shape}".encode())
    once = store.artifact(key, lambda part: write(part / FROZEN))
    shutil.copyfile(once / FROZEN, path)


def _write_onnx(module: nn.Module, shape: tuple[int, ...], path: Path) -> None:
    saved = [part.content for part in module.modules() if isinstance(part, OnnxModule)]
    if saved:
        path.write_bytes(saved[0])
    else:
        export_onnx(module, torch.zeros(2, *shape), path)


def _body(folder: Path, notes: Mapping[str, Any], inputs: Inputs, module: nn.Module | None) -> Body:
    if notes["network"] is not None:
        builder = from_plain(notes["network"], networks.BUILDERS).rebuilt(notes.get("below", ""))
        if builder.trained:  # of files of the user's, under the adapter
            return inputs.under(builder.build(inputs.shape))
        _check_size(builder, inputs.shape, folder / WEIGHTS)
        return inputs.under(builder.build(inputs.shape))
    if module is not None:
        return inputs.under(as_body(copy.deepcopy(module), inputs.shape))
    return inputs.under(Body({"network": SavedModule(folder / BODY)}, notes["width"]))


def _check_size(builder: Builder, shape: tuple[int, ...], weights: Path) -> None:
    """Refuse a network that is larger than its weights, before it takes memory."""
    with torch.device("meta"):
        planned = builder.build(shape).state_dict()
    needed, found = sum(value.nbytes for value in planned.values()), weights.stat().st_size
    if needed > found:
        raise BundleError(
            f"the network must be the one that was saved; got one of {needed:,} bytes, and "
            f"{found:,} bytes of weights"
        )


def _load_weights(model: Model, weights: dict[str, Tensor]) -> None:
    """Load trained weights; a body that runs in ONNX has its own inside."""
    if only_predicts(model):
        weights = {k: v for k, v in weights.items() if k.startswith("head.")}
        model.head.load_state_dict({k.removeprefix("head."): v for k, v in weights.items()})
        return
    try:
        builder = model.builder
        whole = {} if builder is None or not builder.trained else model.state_dict()
        if builder is not None and builder.kept(whole).keys() != weights.keys() and whole:
            raise BundleError("the network must be the one that was saved; got other adapters")
        model.load_state_dict({**whole, **weights})
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise BundleError(f"the network must be the one that was saved; got: {first}") from error


@final
class SavedModule(OnnxModule):
    """A network that was saved as ONNX.

    Parameters
    ----------
    path
        The file; it is read whole, and must hold all of its weights.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._content = read_onnx(path)

    @property
    def content(self) -> bytes:
        return self._content


def only_predicts(model: Model) -> bool:
    """Return whether a model's body runs in ONNX, and so cannot be trained."""
    return any(isinstance(stage, OnnxModule) for stage in model.body.children())

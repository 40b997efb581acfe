"""Networks of timm with their weights, and the preparation of pictures that a network had."""

from __future__ import annotations

import copy
import difflib
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from fourfold.core.digests import file_digest
from fourfold.core.process import seeded
from fourfold.errors import DataError, FileError, MissingExtraError, ParameterError, summary
from fourfold.networks.builder import Body
from fourfold.networks.weights import check_file, read_weights
from fourfold.preparation.pretrained.pictures import PictureInput

try:
    import timm
except ImportError as error:
    raise MissingExtraError("timm", "image") from error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["check_name", "load_timm", "random_timm", "timm_digest", "timm_preparation"]

RENAMED: Final = (
    (r"^_conv_stem", "conv_stem"),
    (r"^_bn0", "bn1"),
    (r"^_conv_head", "conv_head"),
    (r"^_bn1", "bn2"),
)
"""Patterns of names outside of the blocks of EfficientNets by lukemelas → timm's names."""


def check_name(name: str) -> str:
    """Return the name of a network of timm; refuse others and name near ones.

    Raises
    ------
    ParameterError
        If timm has no such network, or none with weights of this tag.
    """
    if timm.is_model(name):
        plain, _, tag = name.partition(".")
        tags = timm.list_pretrained(f"{plain}.*")
        if tag and f"{plain}.{tag}" not in tags:
            raise ParameterError(
                f"network 'timm:{name:.60}' must have weights of this tag; timm has "
                f"{', '.join(sorted(tags)[:4]) or 'none'}"
            )
        return name
    near = difflib.get_close_matches(name, timm.list_models(), n=4, cutoff=0.5)
    said = f"; near it: {', '.join(near)}" if near else ""
    raise ParameterError(f"network must be one of timm; got 'timm:{name:.60}'{said}")


def random_timm(name: str) -> Body:
    """Build a network of timm with random weights, for pictures of three channels."""
    return _body(timm.create_model(check_name(name), num_classes=0))


def load_timm(name: str, weights: str | None) -> Body:
    """Build a network of timm with weights of a file, or else of timm's own cache or hub.

    Raises
    ------
    FileError
        If the weights are not within reach; the message says where to put them.
    DataError
        If the file holds others.
    """
    return copy.deepcopy(_loaded(check_name(name), weights))


@lru_cache(maxsize=2)
def _loaded(name: str, weights: str | None) -> Body:
    with seeded(0):
        if weights is None:
            return _body(_from_hub(name))
        network = timm.create_model(name, num_classes=0)
    return _body(_filled(network, name, weights))


def _from_hub(name: str) -> Any:
    try:
        return timm.create_model(name, pretrained=True, num_classes=0)
    except Exception as error:  # hubs and their clients raise anything
        about = timm.get_pretrained_cfg(name)
        place = about.hf_hub_id if about and about.hf_hub_id else "its page"
        raise FileError(
            f"weights of 'timm:{name}' must be in the Hugging Face cache or within reach; got "
            f"{summary(error, 60)}: download model.safetensors of {place} elsewhere and bring it, "
            "weights=FILE, or say weights=None for random ones"
        ) from error


def _filled(network: Any, name: str, weights: str) -> Any:
    """Fill a network with a file's weights, under timm's names or those of other authors."""
    given = _tensors(Path(weights))
    wanted: dict[str, Tensor] = network.state_dict()
    if not given.keys() & wanted.keys():
        given = _renamed(given)
    lacking = [key for key in wanted if key not in given]
    if lacking:
        raise DataError(f"{weights} must hold {name}; it lacks {', '.join(lacking[:3])}")
    for key, tensor in wanted.items():
        if given[key].shape != tensor.shape:
            raise DataError(
                f"{weights} must hold {name}; its {key} is of shape {tuple(given[key].shape)}, not "
                f"{tuple(tensor.shape)}"
            )
    network.load_state_dict({key: given[key] for key in wanted})
    return network


def _tensors(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file, also of a checkpoint that holds them as ``state_dict``."""
    found = read_weights(path)
    weights = found.get("state_dict", found)
    if not isinstance(weights, dict):
        raise DataError(f"{path} must hold weights by name; got {type(weights).__name__}")
    return {str(key): value for key, value in weights.items() if isinstance(value, torch.Tensor)}


def _renamed(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the weights of EfficientNets by lukemelas; others stay as they are."""
    places = [re.match(r"_blocks\.(\d+)\.", key) for key in given]
    numbers = sorted({int(found[1]) for found in places if found})
    where = _places(given, numbers)
    named: dict[str, Tensor] = {}
    for key, value in given.items():
        found = re.match(r"_blocks\.(\d+)\.(.*)", key)
        if found is None:
            for pattern, new in RENAMED:
                key = re.sub(pattern, new, key)  # noqa: PLW2901  renamed step by step
            named[key] = value
            continue
        block, rest = int(found[1]), found[2]
        expands = f"_blocks.{block}._expand_conv.weight" in given
        names = {"_expand_conv": "conv_pw", "_depthwise_conv": "conv_dw"}
        names |= {"_project_conv": "conv_pwl" if expands else "conv_pw"}
        names |= {"_se_reduce": "se.conv_reduce", "_se_expand": "se.conv_expand"}
        shift = 1 if expands else 0
        names |= {f"_bn{i}": f"bn{i + shift}" for i in range(3)}
        layer, _, field = rest.partition(".")
        named[f"blocks.{where[block]}.{names.get(layer, layer)}.{field}"] = value
    return named


def _places(given: Mapping[str, Tensor], numbers: list[int]) -> dict[int, str]:
    """Return the place of each block in timm's stages, which begin with other kernels or widths."""
    places: dict[int, str] = {}
    stage, within, before = -1, 0, None
    for number in numbers:
        wide = given[f"_blocks.{number}._project_conv.weight"].shape[0]
        kernel = given[f"_blocks.{number}._depthwise_conv.weight"].shape[-1]
        if (wide, kernel) != before:
            stage, within, before = stage + 1, 0, (wide, kernel)
        places[number] = f"{stage}.{within}"
        within += 1
    return places


def _body(network: Any) -> Body:
    return Body(
        {"network": network}, int(network.head_hidden_size or network.num_features), "network"
    )


@lru_cache(maxsize=16)
def timm_digest(name: str, weights: str | None) -> str:
    """Return the hash of the weights of a network of timm."""
    if weights is not None:
        check_file(Path(weights))
        return file_digest(Path(weights))
    from fourfold.core.digests import digest_tensors

    return digest_tensors(_loaded(check_name(name), None).state_dict())


def timm_preparation(name: str, size: int | None) -> PictureInput:
    """Return the preparation of pictures of timm's data configuration, maybe of another size."""
    about = timm.get_pretrained_cfg(check_name(name))
    settings: Any = {} if about is None else about
    data: Any = timm.data
    found = data.resolve_data_config(pretrained_cfg=settings.to_dict() if about else {})
    height, width = found["input_size"][1:]
    side = (size, size) if size else (height, width)
    return PictureInput(
        size=side,
        crop=float(found["crop_pct"]) if found["crop_mode"] == "center" else 1.0,
        squash=found["crop_mode"] == "squash",
        filter=str(found["interpolation"]).replace("random", "bilinear"),  # type: ignore[arg-type]
        mean=tuple(map(float, found["mean"])),
        scale=tuple(map(float, found["std"])),
    )

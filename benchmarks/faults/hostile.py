"""Hostile bundles: saved models that somebody spoiled on purpose, with digests that fit again.

``make(kind, folder)`` saves a good model, with its sentence encoder beside it if it reads texts;
``HOSTILE[name].spoil(bundle, mark)`` spoils one of its kind, and what lies beside it. Code in it
would write the file ``mark``. Loading must refuse it in one sentence that says ``says``.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import onnx
import pandas as pd
import torch
from onnx import external_data_helper
from safetensors.torch import save_file
from torch import nn

from fourfold import bundle
from fourfold.bundle import files
from fourfold.core.digests import file_digest, folder_digests
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.networks import Mlp
from fourfold.preparation.choose import SentenceEncoding
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["HOSTILE", "KINDS", "Hostile", "encoder", "make", "sign"]

KINDS: Final = ("network", "table", "texts", "vectors")
"""Kinds of saved models: of a network of one's own, of tables, of texts, of vectors."""
TEXTS: Final = [
    "a good day",
    "a bad day",
    "good",
    "bad",
    "so good a day",
    "so bad",
    "good so",
    "bad a",
]


class Hostile(NamedTuple):
    """A way to spoil a saved model of a kind, given its folder and the file of hostile code."""

    kind: str
    says: str
    spoil: Callable[[Path, Path], object]


def make(kind: str, folder: Path) -> Path:
    """Train a small model of a kind, and save it as ``folder / "bundle"``."""
    X: Any = np.random.default_rng(0).normal(size=(24, 4)).astype(np.float32)
    y = np.arange(24) % 2
    parameters: dict[str, Any] = {"network": Mlp(hidden_layer_sizes=(4,))}
    if kind == "table":
        X = pd.DataFrame(X, columns=list("abcd")).assign(town=np.where(y, "Ulm", "Bonn"))
    if kind == "network":
        parameters = {"network": nn.Sequential(nn.Linear(4, 5), nn.ReLU())}
    if kind == "texts":
        X = TEXTS * 3
        parameters["prepare"] = SentenceEncoding(model=str(encoder(folder / "encoder")))
    model = TargetOnly(recipe=Recipe(epochs=1, min_steps=2), **parameters)
    return bundle.save(model.fit(X, y), folder / "bundle")


def encoder(folder: Path) -> Path:
    """Write a tiny sentence encoder, as sentence-transformers does."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel

    words = ["[PAD]", "[UNK]", "a", "bad", "day", "good", "so"]
    size: dict[str, Any] = {"hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 2}
    config = BertConfig(vocab_size=len(words), num_hidden_layers=1, **size)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        weights = BertModel(config).state_dict()
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    (folder / "1_Pooling").mkdir(parents=True)
    save_file(weights, folder / "model.safetensors")
    tokenizer.save(str(folder / "tokenizer.json"))
    types = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(types.items())
    ]
    _write(folder / "config.json", config.to_dict())
    _write(folder / "modules.json", modules)
    _write(
        folder / "1_Pooling" / "config.json",
        {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True},
    )
    about = {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    _write(folder / "tokenizer_config.json", {"model_max_length": 64, **about})
    return folder


def sign(folder: Path, change: Callable[[dict[str, Any]], object] = lambda _: None) -> None:
    """Change the index of a bundle, and write digests that fit its files, as a forger does."""
    path = folder / files.INDEX
    index = json.loads(path.read_text("utf-8"))
    del index["digest"]
    digests = folder_digests(folder)
    index["files"] = {name: digests.get(name, "") for name in digests if name != files.INDEX}
    change(index)
    index["digest"] = files._index_digest(index)  # noqa: SLF001  a forger knows it, too
    path.write_text(json.dumps(index), "utf-8")


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), "utf-8")


def _edit(path: Path, **changes: Any) -> None:
    _write(path, json.loads(path.read_text("utf-8")) | changes)


class _Pickled:
    """Code in a pickle."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[Any, ...]]:
        return os.system, (f"touch {self.mark}",)


def _payload(place: Path, mark: Path) -> None:
    """Write a module that runs code when it is imported."""
    (place / "payload.py").write_text(f"open({str(mark)!r}, 'w').close()\nclass Module: pass\n")


# --- paths ---------------------------------------------------------------------------------------


def _names_a_file(name: str) -> Callable[[Path, Path], None]:
    """Return a way to add a file outside to the index; in a name, {outside} is its path."""

    def spoil(folder: Path, _: Path) -> None:
        outside = folder.parent / "outside.safetensors"
        save_file({"x": torch.zeros(1)}, outside)
        named = name.format(outside=outside)
        digest = folder_digests(folder.parent)[outside.name]
        sign(folder, lambda index: index["files"].update({named: digest}))

    return spoil


def _reads_tensors(name: str) -> Callable[[Path, Path], None]:
    def spoil(folder: Path, _: Path) -> None:
        outside = folder.parent / "outside"
        save_file({"x": torch.zeros(1)}, outside.with_suffix(".safetensors"))
        named = name.format(outside=outside)
        sign(folder, lambda index: index["fitted"].update(tensors=[named]))

    return spoil


def _moved(folder: Path, name: str) -> Path:
    """Move a part of a bundle out of it, and return its new place."""
    return (folder / name).rename(folder.parent / "moved")


def _link(name: str) -> Callable[[Path, Path], None]:
    return lambda folder, _: (folder / name).symlink_to(_moved(folder, name))


def _pipe(name: str) -> Callable[[Path, Path], None]:
    def spoil(folder: Path, _: Path) -> None:
        _moved(folder, name)
        os.mkfifo(folder / name)

    return spoil


def _device(name: str) -> Callable[[Path, Path], None]:
    def spoil(folder: Path, _: Path) -> None:
        _moved(folder, name)
        (folder / name).symlink_to("/dev/zero")

    return spoil


def _text(text: str) -> Callable[[Path, Path], object]:
    return lambda folder, _: (folder / files.INDEX).write_text(text, "utf-8")


# --- code ----------------------------------------------------------------------------------------


def _foreign_class(folder: Path, _: Path) -> None:
    sign(folder, lambda index: index["estimator"].update({"class": "os.system"}))


def _pickled_network(folder: Path, mark: Path) -> None:
    place = _pickled_weights(folder, mark)
    _over(folder, {"weights": str(place)})


def _pickled_adapter(folder: Path, mark: Path) -> None:
    place = _pickled_weights(folder, mark)
    _over(folder, {"weights": str(place), "adapter": "lora"}, below=file_digest(place))


def _piped_adapter(folder: Path, _: Path) -> None:
    os.mkfifo(folder.parent / "pipe")
    _over(folder, {"weights": str(folder.parent / "pipe"), "adapter": "lora"})


def _pickled_weights(folder: Path, mark: Path) -> Path:
    place = folder.parent / "weights.pth"
    torch.save({"x": _Pickled(mark)}, place)
    return place


def _over(folder: Path, settings: dict[str, str], below: str = "") -> None:
    """Put a pretrained network by name in the place of the saved one."""
    network = {"class": "Pretrained", "parameters": {"name": "timm:resnet18", **settings}}
    changes = {"network": network, "below": below, "shape": [3, 32, 32]}
    sign(folder, lambda index: index["fitted"].update(changes))


def _endless_units(folder: Path, _: Path) -> None:
    units = {"hidden_layer_sizes": [200_000, 200_000]}
    sign(folder, lambda index: index["fitted"]["network"]["parameters"].update(units))


def _weights_elsewhere(folder: Path, _: Path) -> None:
    """Name weights of an ONNX file that lie outside."""
    path = folder / "body.onnx"
    model = onnx.load_from_string(path.read_bytes())
    (tensor, *_) = [part for part in model.graph.initializer if part.dims]
    (folder.parent / "outside").write_bytes(tensor.raw_data)
    external_data_helper.set_external_data(tensor, "../outside")
    tensor.ClearField("raw_data")
    path.write_bytes(model.SerializeToString())
    sign(folder)


def _schema(change: Callable[[dict[str, Any]], object], *, compress: bool = False) -> Any:
    """Return a way to change the schema of a skops file."""

    def spoil(folder: Path, _: Path) -> None:
        path = folder / "prepare" / "tables.skops"
        with zipfile.ZipFile(path) as old:
            parts = {name: old.read(name) for name in old.namelist()}
        schema = json.loads(parts["schema.json"])
        change(schema)
        parts["schema.json"] = json.dumps(schema).encode()
        kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        with zipfile.ZipFile(path, "w", kind) as new:
            for name, content in parts.items():
                new.writestr(name, content)
        sign(folder)

    return spoil


def _node(loader: str, module: str, name: str) -> Callable[[dict[str, Any]], object]:
    added = {"__loader__": loader, "__module__": module, "__class__": name, "__id__": 7}
    return lambda schema: schema["content"]["content"].setdefault("more", added)


# --- encoders ------------------------------------------------------------------------------------


def _hub(folder: Path, _: Path) -> None:
    """Name an encoder that nobody has: a hub would be asked for it."""
    path = folder / "prepare" / "preparation.json"
    _edit(path, parameters={"model": "somebody/encoder", "max_tokens": 256})
    sign(folder)


def _module(**changes: str) -> Callable[[Path, Path], None]:
    """Return a way to change the first module of an encoder, and to bring code."""

    def spoil(folder: Path, mark: Path) -> None:
        place = folder.parent / "encoder"
        modules = json.loads((place / "modules.json").read_text("utf-8"))
        modules[0] |= changes
        _write(place / "modules.json", modules)
        _payload(place, mark)
        shutil.copytree(place, folder.parent / "elsewhere")

    return spoil


def _setting(name: str, **changes: Any) -> Callable[[Path, Path], None]:
    """Return a way to change a settings file of an encoder, and to bring code."""

    def spoil(folder: Path, mark: Path) -> None:
        place = folder.parent / "encoder"
        _edit(place / name, **changes)
        _payload(place, mark)

    return spoil


def _pickled_encoder(folder: Path, mark: Path) -> None:
    place = folder.parent / "encoder"
    torch.save({"x": _Pickled(mark)}, place / "pytorch_model.bin")
    (place / "model.safetensors").unlink()


def _of_encoder(spoil: Callable[[Path, Path], object]) -> Callable[[Path, Path], object]:
    return lambda folder, mark: spoil(folder.parent / "encoder", mark)


CODE: Final = {"AutoConfig": "payload.Module", "AutoModel": "payload.Module"}
LACKS, LINKS, FILE = "it lacks", "no links, pipes or devices", "must be a regular file"
OUTSIDE, ENDS = (
    "must be the path of a file inside of its folder",
    "must be JSON; got RecursionError",
)
TYPES, OWN = "must hold scikit-learn's types only; got ", "code of its own"
MODULE = "where a module must be a known one"
HOSTILE: Final[dict[str, Hostile]] = {
    "file above the folder": Hostile("vectors", LACKS, _names_a_file("../outside.safetensors")),
    "file by its absolute path": Hostile("vectors", LACKS, _names_a_file("{outside}")),
    "tensors above the folder": Hostile("vectors", OUTSIDE, _reads_tensors("../outside")),
    "tensors by their absolute path": Hostile("vectors", OUTSIDE, _reads_tensors("{outside}")),
    "link in place of a file": Hostile("vectors", LINKS, _link("weights.safetensors")),
    "link in place of a folder": Hostile("vectors", LINKS, _link("prepare")),
    "link in place of the index": Hostile("vectors", LINKS, _link("bundle.json")),
    "pipe in place of a file": Hostile("vectors", LINKS, _pipe("weights.safetensors")),
    "pipe in place of the index": Hostile("vectors", FILE, _pipe("bundle.json")),
    "device in place of a file": Hostile("vectors", LINKS, _device("weights.safetensors")),
    "device in place of the index": Hostile("vectors", FILE, _device("bundle.json")),
    "file that is not listed": Hostile("vectors", "'payload.py' is no part of it", _payload),
    "index nested deeply": Hostile("vectors", ENDS, _text("[" * 100_000)),
    "index with a huge number": Hostile("vectors", "OverflowError", _text('{"format": 1e999}')),
    "class of another library": Hostile("vectors", "got 'os.system'", _foreign_class),
    "network from a pickle": Hostile("vectors", "the network must be the one", _pickled_network),
    "adapter over a pickle": Hostile("vectors", "weights and nothing else", _pickled_adapter),
    "adapter over a pipe": Hostile("vectors", "it is no regular file", _piped_adapter),
    "network with endless units": Hostile("vectors", "got one of 160,0", _endless_units),
    "weights outside of ONNX": Hostile("network", "it names other files", _weights_elsewhere),
    "type of another library": Hostile(
        "table", f"{TYPES}payload.Module", _schema(_node("ObjectNode", "payload", "Module"))
    ),
    "operator": Hostile(
        "table",
        f"{TYPES}operator.m",
        _schema(_node("OperatorFuncNode", "operator", "methodcaller")),
    ),
    "method": Hostile(
        "table", f"{TYPES}builtins", _schema(_node("MethodNode", "builtins", "dict"))
    ),
    "compressed transformer": Hostile(
        "table", "must not be compressed", _schema(lambda _: None, compress=True)
    ),
    "encoder of a hub": Hostile("texts", "only a fit downloads one", _hub),
    "encoder with a module of its own": Hostile("texts", MODULE, _module(type="payload.Module")),
    "encoder with a module of another library": Hostile(
        "texts", MODULE, _module(type="sentence_transformers.models.CLIPModel")
    ),
    "encoder with a module outside": Hostile("texts", OUTSIDE, _module(path="../elsewhere")),
    "encoder with code for its network": Hostile(
        "texts", OWN, _setting("config.json", auto_map=CODE)
    ),
    "encoder with code for its tokenizer": Hostile(
        "texts",
        OWN,
        _setting("tokenizer_config.json", auto_map={"AutoTokenizer": "payload.Module"}),
    ),
    "encoder with a network that trusts code": Hostile(
        "texts",
        "'lightglue'",
        _setting("config.json", model_type="lightglue", trust_remote_code=True),
    ),
    "encoder with endless layers": Hostile(
        "texts", "1000000000 layers", _setting("config.json", num_hidden_layers=10**9)
    ),
    "encoder from a pickle": Hostile(
        "texts", "'model.safetensors' must be there", _pickled_encoder
    ),
    "encoder with a pipe": Hostile("texts", FILE, _of_encoder(_pipe("config.json"))),
    "encoder with a device": Hostile("texts", FILE, _of_encoder(_device("model.safetensors"))),
}
"""Name → hostile bundle."""

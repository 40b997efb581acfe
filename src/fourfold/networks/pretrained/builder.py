"""Pretrained: a network by name, with the weights of its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, final

from fourfold.core.parameters import PositiveInt
from fourfold.errors import BundleError, DataError, FileError, ParameterError
from fourfold.networks.builder import Body, Builder
from fourfold.networks.towers import Prompt
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from fourfold.data.rows import Rows
    from fourfold.networks.towers import Towers
    from fourfold.preparation.base import Preparation

__all__ = ["CONVOLUTIONS", "TRANSFORMERS", "Pretrained"]

CONVOLUTIONS: Final = Recipe(
    epochs=5,
    min_steps=60,
    max_steps=150,
    batch_size=16,
    learning_rate=1e-3,
    weight_decay=1e-2,
    warmup=0.1,
    clip_norm=1.0,
)
"""Recipe of going on from a trained network of convolutions."""
TRANSFORMERS: Final = CONVOLUTIONS.but(learning_rate=2e-4)
"""Recipe of going on from a trained transformer."""


@final
class Pretrained(Builder):
    """A network by name, with the weights of its training and the inputs that it had.

    Weights are loaded by the library that knows the name, from its cache, a folder, or its hub; no
    code that comes with them runs. A name never stands for random weights.

    Parameters
    ----------
    name
        ``"timm:NAME"``; ``"hf:NAME-or-FOLDER"`` of transformers; ``"st:NAME-or-FOLDER"`` of
        sentence-transformers, among them ``"st:english"`` of the extra ``english``.
    weights
        ``"trained"``, or a file of them for a network of timm, ``.safetensors`` or read with
        ``weights_only``, also under the names that EfficientNet-Lite has elsewhere; None builds the
        architecture with random weights.
    adapter
        ``"lora"`` trains low-rank adapters of the attention (peft) in place of all weights; a saved
        model then holds these, and the name and hash of the network below.
    size
        Side of pictures in place of the network's own.
    max_tokens
        Longest text; None for the network's own limit, at most 256.
    prompt
        Template around the text of a class, for a pair of towers of pictures and texts, with ``{}``
        in its place; vectors of several are averaged. None puts ``"a photo of a {}."`` around names
        and words, but not around sentences.

    Notes
    -----
    A saved model holds settings and weights, and needs neither cache nor hub.
    """

    name: str = "timm:resnet18"
    weights: str | None = "trained"
    adapter: Literal["lora"] | None = None
    size: PositiveInt | None = None
    max_tokens: PositiveInt | None = None
    prompt: Prompt = None

    def _check_together(self) -> None:
        family, _, rest = self.name.partition(":")
        if family not in {"timm", "hf", "st"} or not rest:
            raise ParameterError(
                "name of Pretrained must be 'timm:NAME', 'hf:NAME', 'st:NAME', or a folder in "
                f"place of a name of the last two; got {self.name!r:.80}"
            )
        if self.weights not in {"trained", None} and family != "timm":
            raise ParameterError(
                f"weights of Pretrained must be 'trained' or None for {family}:, whose folders "
                f"hold weights; got {self.weights!r:.80}"
            )
        if self.adapter is not None and self.weights is None:
            raise ParameterError("adapter of Pretrained must stand on trained weights; got None")
        prompts = (self.prompt,) if isinstance(self.prompt, str) else self.prompt
        bad = [one for one in prompts or () if "{}" not in one]
        if bad or prompts == ():
            raise ParameterError(
                "prompt of Pretrained must hold {} in place of a name; got "
                f"{bad[0] if bad else 'none'!r:.80}"
            )

    @property
    def _of_timm(self) -> bool:
        return self.name.startswith("timm:")

    @property
    def _plain(self) -> str:
        return self.name.partition(":")[2]

    @property
    def _file(self) -> str | None:
        return None if self.weights in {"trained", None} else self.weights

    @property
    def trained(self) -> bool:
        return self.weights is not None

    @property
    def paired(self) -> bool:
        if not self.trained or self.adapter is not None or not self.name.startswith("hf:"):
            return False
        from fourfold.networks.pretrained.pairs import is_pair

        return is_pair(self.name)

    def towers(self, *, download: bool = True) -> Towers:
        if not download and not self._of_timm:
            from fourfold.preparation.pretrained.folders import find_network

            find_network(self.name, download=False)
        if not self.paired:
            raise ParameterError(
                "network must be one of two towers with trained weights, such as CLIP; got "
                f"{self.name!r:.80}"
            )
        from fourfold.networks.pretrained.pairs import load_towers

        return load_towers(self.name, self.prompt)

    @property
    def recipe(self) -> Recipe | None:
        if not self.trained:
            return None
        convolves = self._of_timm and not any(part in self._plain for part in ("vit", "swin"))
        return CONVOLUTIONS if convolves else TRANSFORMERS

    @property
    def weights_digest(self) -> str:
        if not self.trained:
            return ""
        if self._of_timm:
            from fourfold.networks.pretrained.pictures import timm_digest

            return timm_digest(self._plain, self._file)
        from fourfold.networks.pretrained.loading import network_digest

        return network_digest(self.name)

    def _build(self, shape: tuple[int, ...]) -> Body:
        self.check()
        body = self._whole(shape)
        if self.adapter is None:
            return body
        from fourfold.networks.pretrained.lora import with_adapters

        return with_adapters(body)

    def _whole(self, shape: tuple[int, ...]) -> Body:
        if self._of_timm:
            from fourfold.networks.pretrained.pictures import load_timm, random_timm

            if len(shape) != 3:
                raise DataError(f"{self.name} must get pictures; got rows of shape {shape}")
            return load_timm(self._plain, self._file) if self.trained else random_timm(self._plain)
        from fourfold.networks.pretrained.loading import load_network

        loaded = load_network(self.name, shape, shared=self.adapter is not None)
        return loaded.body if self.trained else loaded.architecture.build(shape)

    def preparation(self, rows: Sequence[Rows]) -> Preparation | None:
        kinds = {part.kind for part in rows}
        if self._of_timm:
            from fourfold.networks.pretrained.pictures import timm_preparation

            if kinds & {"texts", "table", "sparse"}:
                raise DataError(f"{self.name} must get pictures; got {', '.join(sorted(kinds))}")
            return timm_preparation(self._plain, self.size)
        from fourfold.networks.pretrained.inputs import own_preparation

        return own_preparation(self.name, rows, size=self.size, max_tokens=self.max_tokens)

    def untrained(self) -> Builder:
        return Pretrained(name=self.name, weights=None, size=self.size, max_tokens=self.max_tokens)

    def kept(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if self.adapter is None:
            return dict(weights)
        from fourfold.networks.pretrained.lora import adapter_weights

        return adapter_weights(weights)

    def saved(self) -> Builder:
        return self if self.adapter is not None else self.bare()

    def rebuilt(self, digest: str) -> Builder:
        if self.adapter is None:
            return self.bare()
        try:
            if not self._of_timm:
                from fourfold.preparation.pretrained.folders import find_network

                find_network(self.name, download=False)
            found = self.weights_digest
        except (FileError, ParameterError) as error:
            raise BundleError(f"a saved adapter needs its network: {error}") from error
        if found != digest:
            raise BundleError(
                f"the network {self.name!r:.80} must be the one below the adapter that was saved "
                f"({digest:.32}); got other weights ({found:.32})"
            )
        return self

    def bare(self) -> Builder:
        """Return the builder of the same architecture, which reads no file."""
        if self._of_timm:
            return Pretrained(name=self.name, weights=None)
        from fourfold.networks.pretrained.loading import known_architecture

        return known_architecture(self.name)

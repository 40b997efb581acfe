"""Waves: sounds as a pretrained network of sounds had them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fourfold.data.rows import ConvertedRows, Rows
from fourfold.errors import DataError, MissingExtraError, summary
from fourfold.preparation.base import Preparation

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Waves"]

RATE: Final = 16_000
"""Samples a second."""
EXTRACTORS: Final = ("Wav2Vec2FeatureExtractor", "WhisperFeatureExtractor")


@final
class Waves(Preparation):
    """Prepare sounds by the feature extractor of a pretrained network: waves, or log-mel pictures.

    Parameters
    ----------
    network
        Name or folder of the network.

    Attributes
    ----------
    extractor_
        Settings of its feature extractor, as JSON.
    row_shape_
        Bands and frames of the sounds as they were read, whose length the waves have.
    """

    network: str = "hf:facebook/wav2vec2-base"
    white_ = None
    """Sounds have no value of white."""

    def _learn(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        from fourfold.preparation.pretrained.folders import find_network

        path = find_network(self.network) / "preprocessor_config.json"
        if not path.exists():
            raise DataError(
                f"{self.network:.80} must hold the preparation of its sounds; it has no {path.name}"
            )
        self.extractor_ = path.read_text("utf-8")
        self._start()
        self.row_shape_ = rows[0].shape
        for part in rows:
            self._check_shape(part)
        first = rows[0].waves()
        return self.extracted(first.take(np.arange(1))).shape[1:]

    def _start(self) -> None:
        try:
            import transformers
        except ImportError as error:
            raise MissingExtraError("transformers", "text") from error
        about: dict[str, Any] = json.loads(self.extractor_)
        kind = about.pop("feature_extractor_type", None)
        if kind not in EXTRACTORS:
            raise DataError(
                f"{self.network:.80} must have one of {', '.join(EXTRACTORS)}; got {kind!r:.40}"
            )
        if about.get("sampling_rate", RATE) != RATE:
            raise DataError(
                f"{self.network:.80} must read {RATE} samples a second, as sounds are read; got "
                f"{about['sampling_rate']}"
            )
        try:
            made: Any = getattr(transformers, kind)
            self._extractor = made(**about)
        except Exception as error:  # settings of another version make it raise anything
            raise DataError(
                f"{self.network:.80} must have whole settings of its sounds; got {summary(error)}"
            ) from error

    def extracted(self, waves: NDArray[np.float32]) -> NDArray[np.float32]:
        """Extract features of waves (n, samples), each by itself: (n, ...)."""
        rows = [self._extractor(wave, sampling_rate=RATE, return_tensors="np") for wave in waves]
        name = str(self._extractor.model_input_names[0])
        return np.stack([np.asarray(row[name][0], np.float32) for row in rows])

    def _check_shape(self, rows: Rows, who: str = "") -> None:
        who = who or type(self).__name__
        if rows.kind != "sounds":
            raise DataError(f"{who} must be given sounds; got rows of kind {rows.kind}")
        if rows.shape != self.row_shape_:
            raise DataError(
                f"sounds of all domains must have one length; got {self.row_shape_} and "
                f"{rows.shape} (bands, frames): read them together, read_domains([...])"
            )

    def transform(self, rows: Rows, who: str = "") -> Rows:
        self.check_rows(rows, who)
        return ConvertedRows(rows.waves(), self.extracted, self.shape_, np.float32, self.digest)

    def check_rows(self, rows: Rows, who: str = "") -> None:
        check_is_fitted(self)
        self._check_shape(rows, who)

    def describe(self) -> str:
        return f"sounds as {self.network} had them, {' × '.join(map(str, self.shape_))}"

    def config(self) -> dict[str, Any]:
        return {"extractor": self.extractor_, "row_shape": list(self.row_shape_)}

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def _write(self, folder: Path) -> None:
        del folder  # settings alone were fitted

    def _read(self, config: dict[str, Any], folder: Path) -> None:
        del folder
        self.extractor_, self.row_shape_ = config["extractor"], tuple(config["row_shape"])
        self._start()

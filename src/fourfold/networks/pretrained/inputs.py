"""Inputs of networks of transformers: their own tokens, pictures and waves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from fourfold.errors import DataError, summary
from fourfold.networks.pretrained.architecture import KINDS
from fourfold.networks.pretrained.loading import settings_of
from fourfold.preparation.pretrained.folders import find_network
from fourfold.preparation.pretrained.pictures import PictureInput
from fourfold.preparation.pretrained.tokens import Tokens
from fourfold.preparation.pretrained.waves import Waves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.rows import Rows
    from fourfold.preparation.base import Preparation

__all__ = ["own_preparation"]

PAIRS: Final = frozenset({"clip", "siglip"})
"""Networks of two towers, of pictures and of texts."""
LONGEST: Final = 256
"""Most tokens of a text where nothing is said."""


def own_preparation(
    name: str, rows: Sequence[Rows], *, size: int | None, max_tokens: int | None
) -> Preparation:
    """Return the preparation with which a network was trained, for these rows.

    Raises
    ------
    DataError
        If the network reads something else.
    """
    kinds = {part.kind for part in rows}
    kind = str(settings_of(name).get("model_type"))
    reads = KINDS.get(kind)
    if reads == "input_ids" or (kind in PAIRS and kinds <= {"texts", "table"}):
        if not kinds <= {"texts", "table"}:
            raise DataError(f"{name:.80} must get texts; got {', '.join(sorted(kinds))}")
        return Tokens(network=name, max_tokens=max_tokens or LONGEST)
    if reads == "pixel_values" or kind in PAIRS:
        if not kinds <= {"pictures", "array"}:
            raise DataError(f"{name:.80} must get pictures; got {', '.join(sorted(kinds))}")
        return _pictures(name, size)
    if reads in {"input_values", "input_features"}:
        if kinds != {"sounds"}:
            raise DataError(f"{name:.80} must get sounds; got {', '.join(sorted(kinds))}")
        return Waves(network=name)
    raise DataError(f"{name:.80} must get rows that it can read; got {', '.join(sorted(kinds))}")


def _pictures(name: str, size: int | None) -> PictureInput:
    from transformers import AutoImageProcessor  # torchvision, two seconds

    auto: Any = AutoImageProcessor
    try:
        about = auto.from_pretrained(find_network(name), trust_remote_code=False).to_dict()
    except Exception as error:  # foreign files make libraries raise anything
        raise DataError(
            f"{name:.80} must hold the preparation of its pictures (preprocessor_config.json); got "
            f"{summary(error, 60)}"
        ) from error
    sides: dict[str, Any] = about.get("size") or {}
    crop = about.get("crop_size") if about.get("do_center_crop") else None
    shortest = sides.get("shortest_edge")
    resized = [shortest] * 2 if shortest else [sides.get("height"), sides.get("width")]
    kept = [crop["height"], crop["width"]] if crop else resized
    if None in [*kept, *resized]:
        raise DataError(f"{name:.80} must say the size of its pictures; got {sides}")
    (height, width), whole = (int(side or 0) for side in kept), int(resized[0] or 1)
    normal = about.get("do_normalize", True)
    return PictureInput(
        size=(size, size) if size else (height, width),
        crop=height / whole,
        squash=not shortest,
        filter=Image.Resampling(about.get("resample", 2)).name.lower(),  # type: ignore[arg-type]
        mean=tuple(about["image_mean"]) if normal else (0.0, 0.0, 0.0),
        scale=tuple(about["image_std"]) if normal else (1.0, 1.0, 1.0),
    )

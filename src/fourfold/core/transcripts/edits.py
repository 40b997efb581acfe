"""Errors of transcripts: edits of characters and of words, counted by jiwer."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple, final

import numpy as np

from fourfold.errors import MissingExtraError

try:
    import jiwer
except ImportError as error:
    raise MissingExtraError("jiwer", "audio") from error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Edits", "confusions", "count_edits"]


@final
class Edits(NamedTuple):
    """Edits of each text, (n,), and the lengths (n,) of the true ones: in characters or words."""

    edits: NDArray[np.float64]
    lengths: NDArray[np.float64]

    @property
    def rate(self) -> float:
        """Edits over length, of all texts together."""
        return float(self.edits.sum() / self.lengths.sum())


def count_edits(
    true: Sequence[str], found: Sequence[str], unit: Literal["characters", "words"] = "characters"
) -> Edits:
    """Count the fewest substitutions, deletions and insertions from true texts to found ones.

    Examples
    --------
    >>> count_edits(["one two", "three"], ["one too", "three"], "words").rate
    0.3333333333333333
    """
    compare = jiwer.process_characters if unit == "characters" else jiwer.process_words
    outcome = compare(list(true), list(found))
    edits = [
        sum(
            max(one.ref_end_idx - one.ref_start_idx, one.hyp_end_idx - one.hyp_start_idx)
            for one in chunks
            if one.type != "equal"
        )
        for chunks in outcome.alignments
    ]
    lengths = [len(one) for one in outcome.references]
    return Edits(np.array(edits, float), np.array(lengths, float))


def confusions(true: Sequence[str], found: Sequence[str]) -> Counter[tuple[str, str]]:
    """Count aligned words that differ: (true, found), "" for a missing or an added word."""
    outcome = jiwer.process_words(list(true), list(found))
    counts: Counter[tuple[str, str]] = Counter()
    parts = zip(outcome.references, outcome.hypotheses, outcome.alignments, strict=True)
    for theirs, ours, chunks in parts:
        for one in chunks:
            if one.type == "equal":
                continue
            left = theirs[one.ref_start_idx : one.ref_end_idx] or [""]
            right = ours[one.hyp_start_idx : one.hyp_end_idx] or [""]
            longest = max(len(left), len(right))
            pairs = zip(
                left * longest if left == [""] else left,
                right * longest if right == [""] else right,
                strict=True,
            )
            counts.update(pairs)
    return counts

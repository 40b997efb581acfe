"""Errors of transcripts: rates of characters and words, and the words that were misheard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fourfold.core.findings import Facts
from fourfold.core.tasks import Transcription

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from fourfold.core.findings import Finding
    from fourfold.data.domain import Domain
    from fourfold.study.running.outcomes import Outcome

__all__ = ["transcript_errors"]

MOST: Final = 12
"""Misheard words that are named."""


def transcript_errors(evaluate: Domain, outcomes: Sequence[Outcome]) -> list[Finding]:
    """Align transcripts to the true ones on rows to evaluate on, over all seeds."""
    from fourfold.core.transcripts.edits import confusions, count_edits  # an extra

    true: list[str] = []
    heard: list[str] = []
    for outcome in outcomes:
        if isinstance(outcome.task, Transcription):
            true += outcome.task.texts(evaluate.known)
            answers: Any = outcome.judged(evaluate)
            heard += outcome.task.decode(answers).tolist()
    rates = {
        f"wrong {unit} in 100": f"{100 * count_edits(true, heard, unit).rate:.1f}"
        for unit in ("characters", "words")
    }
    wrong: Counter[tuple[str, str]] = confusions(true, heard)
    named = {
        f"{a or '(nothing)'} → {b or '(nothing)'}": str(n) for (a, b), n in wrong.most_common(MOST)
    }
    return [
        Facts("Transcripts beside the true ones", rates),
        *([Facts("Words most often misheard", named)] if named else []),
    ]

"""Error rates of transcripts: of characters and of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

from fourfold.core.tasks import Transcription
from fourfold.errors import ParameterError
from fourfold.study.metrics.base import RaterScore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.study.metrics.base import Floats, Rater

__all__ = ["ErrorRate"]


@final
class ErrorRate(RaterScore):
    """Edits from true transcripts to decoded ones, over the length of the true ones.

    It is of all rows together, and above 1 where more is added than there is.
    """

    best: ClassVar[float] = 0.0
    worst = -1.0
    lower: ClassVar[bool] = True

    def __init__(self, name: str, unit: Literal["characters", "words"]) -> None:
        self.name, self.unit = name, unit
        self.terms = f"wrong {unit} in 100"

    def rater(self, task: Task, y: NDArray[Any], outputs: Any) -> Rater:
        if not isinstance(task, Transcription):
            raise ParameterError(f"{self.name} needs transcripts; got a {type(task).__name__}")
        from fourfold.core.transcripts.edits import count_edits  # an extra

        found = count_edits(task.texts(y), task.decode(outputs).tolist(), self.unit)

        def rate(weights: Floats) -> Floats:
            return -(found.edits @ weights) / (found.lengths @ weights)

        return rate

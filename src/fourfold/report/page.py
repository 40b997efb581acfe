"""One self-contained page from the results of studies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self, final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from fourfold.core.atomic import whole_file
from fourfold.errors import DataError, FileError
from fourfold.report import words
from fourfold.report.charts import Chart, confusion_chart, learning_curves
from fourfold.report.confusions import Confused, most_confused
from fourfold.report.findings import Found, found
from fourfold.report.leaderboard import Row, Scale, leaderboard
from fourfold.report.place import Corner, corners
from fourfold.report.points import Colours, points_chart
from fourfold.report.summary import Summary, summarize
from fourfold.study.result import JointResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.study.result import DataSummary, Result

__all__ = ["write_report"]

MOST_TASKS: Final = 6
"""More tasks than these are summed up, and not shown one by one."""


def write_report(results: Sequence[Result | JointResult], path: Path) -> None:
    """Write what studies found as one HTML file that needs nothing else, all or nothing.

    Parameters
    ----------
    results
        One or several; each becomes a section of the page. One of several tasks becomes a summary,
        with a section for each task where they are few.
    path
        The file to write.

    Raises
    ------
    DataError
        If there is no result.
    FileError
        If the file cannot be written.
    """
    if not results:
        raise DataError("a report must have at least one result; got none")
    keyed = [(f"study-{i}", result) for i, result in enumerate(results, start=1)]
    sections = [
        _Joint.of(key, result) if isinstance(result, JointResult) else _Study.of(key, result)
        for key, result in keyed
    ]
    template = _environment().get_template("report.html.jinja")
    _write(template.render(sections=sections, plotly=get_plotlyjs()), Path(path))


@final
@dataclass(frozen=True)
class _Study:
    """A section of the page: a result, and what is drawn from it."""

    template: ClassVar[str] = "study.html.jinja"

    key: str
    result: Result
    piles: list[tuple[str, DataSummary]]
    rows: list[Row]
    scale: Scale
    curves: list[Chart]
    found: list[Found]
    confusion: Chart | None
    confused: list[Confused]
    colours: Colours
    pictures: list[Chart]
    corners: list[Corner]

    @property
    def compared(self) -> bool:
        """Whether any method is compared to a baseline."""
        return any(row.line.difference for row in self.rows)

    @classmethod
    def of(cls, key: str, result: Result) -> Self:
        """Prepare a result for the page."""
        rows, scale = leaderboard(result)
        colours = Colours.of(result.pictures)
        return cls(
            key=key,
            result=result,
            piles=_piles(result),
            rows=rows,
            scale=scale,
            curves=learning_curves(result.lines),
            found=found(result.lines),
            confusion=confusion_chart(result.classes, result.confusion),
            confused=most_confused(result.classes, result.confusion),
            colours=colours,
            pictures=[points_chart(points, colours) for points in result.pictures],
            corners=corners(result),
        )


@final
@dataclass(frozen=True)
class _Joint:
    """A section of the page on several tasks: a summary, and where they are few, each of them."""

    template: ClassVar[str] = "joint.html.jinja"

    key: str
    result: JointResult
    summary: Summary
    studies: list[_Study]

    @classmethod
    def of(cls, key: str, result: JointResult) -> Self:
        """Prepare a result for the page."""
        parts = list(result.results.values()) if len(result.results) <= MOST_TASKS else []
        studies = [_Study.of(f"{key}-{i}", part) for i, part in enumerate(parts, start=1)]
        return cls(key, result, summarize(result), studies)


def _piles(result: Result) -> list[tuple[str, DataSummary]]:
    piles = [("source", pile) for pile in result.sources] + [("target", result.target)]
    return piles + ([("evaluation", result.evaluate)] if result.evaluate else [])


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # names of classes, files and columns are a stranger's text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "breakable": words.breakable,
        "count": words.count,
        "duration": words.duration,
        "measure": words.measure,
        "number": words.number,
        "plain": words.plain,
        "signed": words.signed,
    }
    return environment


def _write(page: str, path: Path) -> None:
    try:
        with whole_file(path) as part:
            part.write_text(page, encoding="utf-8", errors="replace")  # file names may be no text
    except OSError as error:
        raise FileError(f"{path} must be writable for the report; {error}") from error

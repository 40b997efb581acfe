"""The page: one self-contained HTML file from the results of studies."""

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
from fourfold.report.findings import MethodFindings, findings_by_method
from fourfold.report.leaderboard import Row, Scale, leaderboard
from fourfold.report.points import Colours, points_chart
from fourfold.report.quadrants import Quadrant, quadrants
from fourfold.report.summary import Summary, summarize
from fourfold.study.result import JointResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.study.result import DataSummary, Result

__all__ = ["write_report"]

MOST_TASKS: Final = 6
"""Largest number of tasks with a section each."""


def write_report(results: Sequence[Result | JointResult], path: Path) -> None:
    """Write the results of studies as one self-contained HTML file, all or nothing.

    Parameters
    ----------
    results
        Results, each a section of the page. A result of several tasks becomes a summary, and a
        section for each task if there are at most six.
    path
        File to write.

    Raises
    ------
    DataError
        If there is no result.
    FileError
        If the file cannot be written.
    """
    if not results:
        raise DataError("a report must have at least one result; got none")
    sections = [_section(f"study-{i}", result) for i, result in enumerate(results, start=1)]
    template = _environment().get_template("report.html.jinja")
    _write(template.render(sections=sections, plotly=get_plotlyjs()), Path(path))


@final
@dataclass(frozen=True)
class _StudySection:
    """Section of one study: its result, charts and tables."""

    template: ClassVar[str] = "study.html.jinja"

    key: str
    result: Result
    data: list[tuple[str, DataSummary]]
    rows: list[Row]
    scale: Scale
    curves: list[Chart]
    findings: list[MethodFindings]
    confusion: Chart | None
    confused: list[Confused]
    colours: Colours
    pictures: list[Chart]
    quadrants: list[Quadrant]

    @property
    def compared(self) -> bool:
        """Whether any method is compared to a baseline."""
        return any(row.line.difference for row in self.rows)

    @classmethod
    def of(cls, key: str, result: Result) -> Self:
        """Make the section of a result."""
        rows, scale = leaderboard(result)
        colours = Colours.of(result.pictures)
        return cls(
            key=key,
            result=result,
            data=_data(result),
            rows=rows,
            scale=scale,
            curves=learning_curves(result.lines),
            findings=findings_by_method(result.lines),
            confusion=confusion_chart(result.classes, result.confusion),
            confused=most_confused(result.classes, result.confusion),
            colours=colours,
            pictures=[points_chart(points, colours) for points in result.pictures],
            quadrants=quadrants(result),
        )


@final
@dataclass(frozen=True)
class _TasksSection:
    """Section of several tasks: a summary, and a section for each of a few tasks."""

    template: ClassVar[str] = "joint.html.jinja"

    key: str
    result: JointResult
    summary: Summary
    studies: list[_StudySection]

    @classmethod
    def of(cls, key: str, result: JointResult) -> Self:
        """Make the section of a result."""
        parts = list(result.results.values()) if len(result.results) <= MOST_TASKS else []
        studies = [_StudySection.of(f"{key}-{i}", part) for i, part in enumerate(parts, start=1)]
        return cls(key, result, summarize(result), studies)


def _section(key: str, result: Result | JointResult) -> _StudySection | _TasksSection:
    if isinstance(result, JointResult):
        return _TasksSection.of(key, result)
    return _StudySection.of(key, result)


def _data(result: Result) -> list[tuple[str, DataSummary]]:
    """Return the role and the summary of each data set."""
    data = [*(("source", source) for source in result.sources), ("target", result.target)]
    return data + ([("evaluation", result.evaluate)] if result.evaluate else [])


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # names of classes, files and columns are untrusted text
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
            part.write_text(page, encoding="utf-8", errors="replace")  # file names may be invalid
    except OSError as error:
        raise FileError(f"{path} must be writable for the report; {error}") from error

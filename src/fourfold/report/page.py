"""The page: one self-contained HTML file from the results of studies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from fourfold.core.atomic import whole_file
from fourfold.core.wording import in_words
from fourfold.errors import DataError, FileError
from fourfold.methods import cells
from fourfold.report import words
from fourfold.report.charts import confusion_chart, learning_curves, most_confused
from fourfold.report.decisions import decision_charts
from fourfold.report.findings import findings_by_method
from fourfold.report.intervals import Scale, Spread
from fourfold.report.points import Colours, points_chart
from fourfold.study.result import JointResult, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    sections = [
        _tasks(f"study-{i}", result)
        if isinstance(result, JointResult)
        else _study(f"study-{i}", result)
        for i, result in enumerate(results, start=1)
    ]
    template = _environment().get_template("report.html.jinja")
    page = template.render(sections=sections, cells=cells().values(), plotly=get_plotlyjs())
    try:
        with whole_file(Path(path)) as part:
            part.write_text(page, encoding="utf-8", errors="replace")  # file names may be invalid
    except OSError as error:
        raise FileError(f"{path} must be writable for the report; {error}") from error


def _study(key: str, result: Result) -> dict[str, Any]:
    """Return the section of one study: its result, charts and tables."""
    data = [*(("source", source) for source in result.sources), ("target", result.target)]
    colours = Colours.of(result.pictures)
    return {
        "template": "study.html.jinja",
        "key": key,
        "result": result,
        "data": data + ([("evaluation", result.evaluate)] if result.evaluate else []),
        "scale": Scale.of(line.difference for line in result.lines),
        "slowest": max((line.seconds for line in result.lines), default=0.0) or 1.0,
        "curves": learning_curves(result.lines),
        "findings": findings_by_method(result.lines),
        "confusion": confusion_chart(result.classes, result.confusion),
        "decisions": decision_charts(result.decisions),
        "confused": most_confused(result.classes, result.confusion),
        "colours": colours,
        "pictures": [points_chart(points, colours) for points in result.pictures],
    }


def _tasks(key: str, result: JointResult) -> dict[str, Any]:
    """Return the section of several tasks, and a section for each of a few tasks."""
    parts = list(result.results.values()) if len(result.results) <= MOST_TASKS else []
    return {
        "template": "joint.html.jinja",
        "key": key,
        "result": result,
        "delta_scale": Scale.of(line.delta for line in result.lines),
        "gain_scale": Scale.of(gain.difference for gain in result.lines[0].gains.values()),
        "studies": [_study(f"{key}-{i}", part) for i, part in enumerate(parts, start=1)],
    }


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
        "in_words": in_words,
        "measure": words.measure,
        "number": words.number,
        "plain": words.plain,
        "signed": words.signed,
        "spread": Spread.of,
    }
    return environment

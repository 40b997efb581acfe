"""Write a new method and its test from templates: ``make method NAME=CORAL CELL=adaptation``."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).parent.parent
TEMPLATES = Path(__file__).parent / "templates"


def file_name(name: str) -> str:
    """Return the name of a method's file.

    Examples
    --------
    >>> file_name("CORAL"), file_name("DeepCORAL"), file_name("LabelShift")
    ('coral', 'deep_coral', 'label_shift')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def cells() -> list[str]:
    """Return the cells that have a template."""
    return sorted(path.name.partition(".")[0] for path in TEMPLATES.glob("*.method.jinja"))


def write(name: str, cell: str, root: Path = ROOT) -> list[Path]:
    """Write a method's file and its test; return both paths.

    Raises
    ------
    ValueError
        If the name is no class name, there is no such cell, or a file is there already.
    """
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
        raise ValueError(f"NAME must be a class name, such as CORAL; got {name!r}")
    if cell not in cells():
        raise ValueError(f"CELL must be one of {', '.join(cells())}; got {cell!r}")
    stem = file_name(name)
    paths = {
        "method": root / "src" / "fourfold" / "methods" / cell / f"{stem}.py",
        "test": root / "tests" / "methods" / cell / f"test_{stem}.py",
    }
    there = [path for path in paths.values() if path.exists()]
    if there:
        raise ValueError(f"files of a new method must not be there yet; got {there[0]}")
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  python, not HTML
    )
    for kind, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        page = pages.get_template(f"{cell}.{kind}.jinja")
        path.write_text(page.render(name=name, stem=stem, cell=cell), encoding="utf-8")
    return list(paths.values())


def main() -> None:
    """Write the files that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="class name, as in the paper: CORAL")
    parser.add_argument("cell", help=f"cell of the map: {', '.join(cells())}")
    asked = parser.parse_args()
    try:
        written = write(asked.name, asked.cell)
    except ValueError as error:
        sys.exit(f"make method: {error}")
    for path in written:
        print(path.relative_to(ROOT))
    print(
        "Next: the idea and the paper in the docstring, the loss, the paper's properties as tests."
    )
    print("Then: make check, and python -m pytest -q tests -k", asked.name)


if __name__ == "__main__":
    main()

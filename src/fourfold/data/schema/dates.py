"""Dates as people write them: the format of a column, found over all its cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from fourfold.data.schema.cells import Cells

__all__ = ["check_format", "find_format", "parse_dates", "share_of_dates", "shown_format"]

ISO: Final = "ISO8601"
DAYS: Final = (
    *("%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%b-%Y", "%b %Y", "%B %Y", "%B-%Y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y"),
    *("%B %d, %Y", "%b %d %Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%b-%y", "%d-%b-%y", "%m/%Y"),
    *("%d. %B %Y", "%d. %b %Y", "%a, %d %b %Y"),
)
CLOCK: Final = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M%p", "%I:%M:%S %p")
WHOLE: Final = ("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %Z %Y")
TIMES: Final = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
FORMATS: Final = (ISO, *(day + time for day in DAYS for time in TIMES), *CLOCK, *WHOLE)
"""Formats of dates, the most likely first."""
LIKELY: Final = r"^\w{1,9}([-/. ]|[.,] )\w{1,9}([-/., ]+\d{2,4})?([ T].*)?$|^\d{1,2}:\d\d\b"
SWAPPED: Final = {"%d/%m": "%m/%d", "%d-%m": "%m-%d"}
SAMPLE: Final = 500
"""Different cells by which a format is found."""


def parse_dates(cells: Cells, form: str) -> tuple[pd.Series[Any], NDArray[np.bool_]]:
    """Parse cells, (n,): moments, NaT where missing, and whether each is no date of the format."""
    if pa.types.is_timestamp(cells.type):
        return cells.to_pandas().astype("datetime64[us]"), np.zeros(len(cells), bool)
    import pandas as pd

    coded = cells.combine_chunks().dictionary_encode()
    texts = pd.Series(coded.dictionary.to_pylist(), dtype=object)
    moments = pd.to_datetime(texts, format=form, errors="coerce", utc=True)
    moments = moments.dt.tz_localize(None).astype("datetime64[us]")
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.intp)
    found = moments.reindex(codes).reset_index(drop=True)  # -1 is not among them
    return found, (codes >= 0) & found.isna().to_numpy()


def check_format(form: str) -> None:
    """Refuse a format of dates that is none.

    Raises
    ------
    DataError
        If it is none.
    """
    import pandas as pd

    try:
        pd.to_datetime(["x"], format=form, errors="coerce", utc=True)
    except (ValueError, re.error) as error:
        raise DataError(
            f"a format of dates must be as of strptime, such as %d/%m/%Y; got {form!r:.40}"
        ) from error


def find_format(texts: Sequence[str], formats: Sequence[str] = FORMATS) -> tuple[str, float, bool]:
    """Find the format of most texts: it, the share that fits, and whether another fits as well.

    Parameters
    ----------
    texts
        Different cells, none of them missing.
    formats
        Formats to choose from, the most likely first.
    """
    some = _some(texts)
    if some.empty or some.str.match(LIKELY).mean() < 0.5 or not some.str.contains(r"\d").any():
        return "", 0.0, False
    best, share = "", 0.0
    for form in formats:
        fits = share_of_dates(some, form)
        if fits > share:
            best, share = form, fits
        if share == 1.0:
            break
    other = next((best.replace(a, b) for a, b in SWAPPED.items() if a in best), "")
    return best, share, bool(other in formats and share_of_dates(some, other) == share)


def share_of_dates(texts: Sequence[str] | pd.Series[Any], form: str) -> float:
    """Return the share of texts that are dates of a format; 0 without texts."""
    import pandas as pd

    some = _some(texts)
    moments = pd.to_datetime(some, format=form, errors="coerce", utc=True)
    return float(moments.notna().mean()) if len(some) else 0.0


def _some(texts: Sequence[str] | pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series(list(texts[:: max(1, len(texts) // SAMPLE)]), dtype=object)


def shown_format(form: str) -> str:
    """Write a format as people do: dd/mm/yyyy.

    Examples
    --------
    >>> shown_format("%d/%m/%Y")
    'dd/mm/yyyy'
    """
    names = {"%d": "dd", "%m": "mm", "%Y": "yyyy", "%y": "yy", "%b": "Mon", "%B": "Month"}
    times = {"%H": "hh", "%I": "hh", "%M": "mm", "%S": "ss", "%p": "am", ISO: "yyyy-mm-dd"}
    others = {".%f": ".fff", "%a": "Day", " %Z": " zone"}
    for sign, name in (names | times | others).items():
        form = form.replace(sign, name)
    return form

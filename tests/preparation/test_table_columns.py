"""The kind of a column is inferred from the tables of all domains."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fourfold.preparation.table_columns import sort_columns
from preparation_samples import table


def test_columns_are_what_they_hold_in_all_domains_together():
    first, other = table(), table(seed=1)
    first["empty"] = None
    other["empty"] = "Ulm"
    first["flag"], other["flag"] = True, 0.5
    other["town"] = other["town"].astype("category")
    columns = sort_columns([first, other])
    assert columns.numbers == ["age", "flag"]
    assert columns.categories == ["empty", "member", "town"]
    assert columns.dates == ["joined"]
    assert columns.text == ["note"]
    assert columns.spaced
    assert sort_columns([table().assign(nothing=np.nan)]).numbers == ["age", "nothing"]


def test_strings_that_are_distinct_but_short_are_categories():
    frame = pd.DataFrame({"id": [f"A{i}" for i in range(9)], "said": ["very good value"] * 9})
    assert sort_columns([frame]).categories == ["id", "said"]

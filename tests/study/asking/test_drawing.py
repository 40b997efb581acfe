"""Large sources: a share of their rows is learnt from, the same in any order, and it is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold import Domain, Study
from fourfold.study.asking.drawing import draw_rows


def domain(n, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n)})
    return Domain(frame, np.where(frame["x"] > 0, "yes", "no"))


def test_few_rows_stay_as_they_are():
    sources = [domain(30), domain(20, 1)]
    found, notes = draw_rows(sources, 50)
    assert all(one is other for one, other in zip(found, sources, strict=True))
    assert not notes


def test_each_source_gives_its_share():
    found, (note,) = draw_rows([domain(300), domain(100, 1)], 100)
    assert [one.n_rows for one in found] == [75, 25]
    assert note.startswith("Of 400 rows of the source 100 are learnt from")
    assert found[0].rows.within[0] is found[0].rows  # nothing holds on to the others


def test_rows_are_drawn_by_content():
    one = domain(300)
    other = one.subset(np.random.default_rng(0).permutation(300))
    drawn = [draw_rows([each], 60)[0][0].rows.frame for each in (one, other)]
    pd.testing.assert_frame_equal(
        *(frame.sort_values("x", ignore_index=True) for frame in drawn), check_like=True
    )


def test_pictures_are_all_learnt_from():
    pictures = Domain(np.zeros((40, 3, 3), np.float32), np.arange(40) % 2)
    assert draw_rows([pictures], 10)[0][0] is pictures


@pytest.mark.parametrize("most", [100, 200])
def test_a_study_says_what_it_learns_from(tmp_path, most):
    study = Study(domain(200), domain(40, 1), max_source_rows=most, output=tmp_path / "study")
    (question,) = study.questions.values()
    assert question.sources[0].n_rows == most
    assert any("max_source_rows" in note for note in question.notes) == (most < 200)

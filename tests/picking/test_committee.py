"""Committees vote by the labels that each member knows."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain, KMeansClustering, Linear, SourceOnly, save
from fourfold.errors import BundleError, FileError, ParameterError
from fourfold.picking.committee import quick_members, saved_members, votes_of
from samples import rows


def linear(X, y):
    return Linear().fit(X, y)


def test_members_that_agree_leave_only_the_margin():
    X, y = rows()
    one = linear(X, y)
    found = votes_of({"a": one, "b": one}, [Domain(X[:30]), Domain(X[30:])])
    p = np.sort(one.predict_proba(X), axis=1)
    np.testing.assert_allclose(found.disagreement, 1e-3 * (1 - p[:, -1] + p[:, -2]), atol=1e-6)
    assert [found.names[code] for code in found.predicted] == one.predict(X).astype(str).tolist()


def test_members_may_know_different_classes():
    X, y = rows()
    few = y < 2
    found = votes_of({"all": linear(X, y), "two": linear(X[few], y[few])}, [Domain(X)])
    assert found.names == ("0", "1", "2", "3")
    assert found.disagreement[y >= 2].mean() > 5 * found.disagreement[few].mean()


def test_numbers_disagree_by_their_spread():
    X, _ = rows()
    first, second = linear(X, X[:, 0] * 1.5), linear(X, X[:, 1] * 1.5)
    apart = votes_of({"a": first, "b": second}, [Domain(X)])
    gap = np.abs(first.predict(X) - second.predict(X))
    assert np.corrcoef(gap, apart.disagreement)[0, 1] > 0.999
    assert apart.reason(0) == f"disagreement {apart.disagreement[0]:.2f}"


def test_several_answers_are_averaged():
    X, _ = rows()
    y = (X[:, :2] > 0).astype(int)
    one, other = linear(X, y), linear(X, 1 - y)
    assert votes_of({"a": one, "b": other}, [Domain(X)]).disagreement.mean() > np.log(2) * 0.9


def test_kinds_of_labels_must_be_one_and_known():
    X, y = rows()
    with pytest.raises(ParameterError, match="of one kind; got Classification, Regression"):
        votes_of({"a": linear(X, y), "b": linear(X, X[:, 0] * 1.5)}, [Domain(X)])
    with pytest.raises(ParameterError, match="of one kind; got Clustering"):
        votes_of({"a": KMeansClustering(n_clusters=2).fit(X)}, [Domain(X)])


def test_quick_members_include_the_source_where_it_knows_the_classes():
    X, y = rows()
    source = SourceOnly(network="mlp", recipe=None).fit(X, source=Domain(X, y))
    few = Domain(X, np.where(np.arange(60) < 12, y, -1))
    names = set(quick_members(few, source, None, 0))
    assert names == {"KernelSVM", "Linear", "FineTune", "SourceOnly"}
    others = Domain(X, np.where(np.arange(60) < 12, y + 1, -1))
    assert set(quick_members(others, source, None, 0)) == names - {"SourceOnly"}
    assert set(quick_members(few, None, None, 0)) == {"KernelSVM", "Linear"}


def test_saved_members_are_read_and_must_be_whole(tmp_path):
    X, y = rows()
    with pytest.raises(FileError, match="study must be the folder of a finished study"):
        saved_members(tmp_path)
    for name in ("Linear", "Other"):
        save(linear(X, y), tmp_path / "models" / name)
    assert list(saved_members(tmp_path)) == ["Linear", "Other"]
    (tmp_path / "models" / "Other" / "bundle.json").write_text("{}")
    with pytest.raises(BundleError):
        saved_members(str(tmp_path))

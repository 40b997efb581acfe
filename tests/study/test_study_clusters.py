"""Studies where nothing has a label: agreement chooses, labels to evaluate on only judge."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import load_digits

from fourfold import Domain, Store, Study, load
from fourfold.errors import DataError, ParameterError

BASELINES = {"KMeansClustering", "SpectralCoClustering", "CoClustering"}


def domains(rows=40):
    """Ones and sixes to cluster, with zeros, twos and fours beside them; the former's labels."""
    X, y = load_digits(return_X_y=True)
    mixed = np.flatnonzero(np.isin(y, [1, 6]))[:rows]
    beside = np.flatnonzero(np.isin(y, [0, 2, 4]))[: 2 * rows]
    target = Domain(X[mixed], name="target")
    return Domain(X[beside], name="source"), target, Domain(X[mixed], y[mixed], name="evaluate")


def study(tmp_path, *domains, **options):
    given = {
        "clusters": 2,
        "seeds": 2,
        "output": tmp_path / "out",
        "store": Store(tmp_path / "store"),
        "progress": False,
    }
    return Study(*domains, **{**given, **options})


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    """The folder and the result of a study of one method without any label."""
    folder = tmp_path_factory.mktemp("unlabelled")
    options = {"seeds": 1, "methods": ["LatentKMeans"]}
    return folder, study(folder, *domains()[:2], **options).run()


def test_agreement_chooses_and_labels_judge(tmp_path):
    result = study(tmp_path, *domains()).run()
    assert result.cell == "clustering"
    assert {line.method for line in result.lines} == BASELINES | {
        "SelfTaughtClustering",
        "LatentKMeans",
    }
    assert not any(line.error for line in result.lines)
    assert result.metric == "nmi"
    assert "how alike the other candidates cluster" in result.chosen_by
    assert all(len(line.choice) == 1 for line in result.lines)  # of the models that can ship
    assert all(len(line.scores) == 2 - line.stopped for line in result.lines)
    assert sum(not line.stopped for line in result.lines) == 3
    assert max(np.mean(line.scores) for line in result.lines) > 0.5
    agreement = {line.method: np.mean(line.choice) for line in result.lines}
    assert agreement[result.shipped] == max(agreement.values())
    assert not any(line.expected for line in result.lines)
    kept = load(tmp_path / "out" / "best")
    assert set(kept.predict(domains()[1])) == {0, 1}
    titles = {finding.title for finding in result.lines[0].findings}
    assert "Clusters beside the true classes" in titles


def test_evaluation_labels_change_no_choice(unlabelled, tmp_path):
    source, target, evaluate = domains()
    shuffled = Domain(evaluate.rows, np.random.default_rng(0).permutation(evaluate.y))
    results = [
        study(tmp_path / name, source, target, judged, seeds=1, methods=["LatentKMeans"]).run()
        for name, judged in {"true": evaluate, "shuffled": shuffled}.items()
    ] + [unlabelled[1]]
    assert len({result.shipped for result in results}) == 1
    choices = [{line.method: line.choice for line in result.lines} for result in results]
    assert choices[0] == choices[1] == choices[2]


def test_without_labels_stability_judges(unlabelled):
    _, result = unlabelled
    assert result.metric == "stability"
    assert all(-1 <= score <= 1 for line in result.lines for score in line.scores)
    assert result.verdict in {"helped", "hurt", "undecided"}


def test_sparse_counts(tmp_path):
    source, target, evaluate = domains()
    rows = [scipy.sparse.csr_array(d.rows.take(np.arange(d.n_rows))) for d in (source, target)]
    result = study(tmp_path, *map(Domain, rows), Domain(rows[1], evaluate.y), seeds=1).run()
    assert not any(line.error for line in result.lines)
    assert max(np.mean(line.scores) for line in result.lines) > 0.5


def test_entropy_can_be_asked_for(tmp_path):
    options = {"metric": "entropy", "seeds": 1, "methods": ["SelfTaughtClustering"]}
    lines = study(tmp_path, *domains(), **options).run().lines
    assert all(-1 <= score <= 0 for line in lines for score in line.scores)


def test_resume_takes_over_what_is_finished(unlabelled, tmp_path, monkeypatch):
    data, options = domains()[:2], {"methods": ["LatentKMeans"], "seeds": 1}
    shutil.copytree(unlabelled[0] / "out", tmp_path / "out")
    monkeypatch.setattr(
        "fourfold.study.running.execution.execute", lambda *_: pytest.fail("refitted")
    )
    assert study(tmp_path, *data, **options, resume=True).run().shipped


def test_what_does_not_fit_is_refused(tmp_path):
    source, target, evaluate = domains()
    with pytest.raises(ParameterError, match="clusters must be the number of clusters"):
        study(tmp_path, source, target, clusters=None)
    with pytest.raises(DataError, match="at least 120 rows for 60 clusters"):
        study(tmp_path, source, target, clusters=60)
    with pytest.raises(ParameterError, match=r"n_clusters .* got 0"):
        study(tmp_path, source, target, clusters=0)
    with pytest.raises(ParameterError, match="metric must stand beside rows to evaluate on"):
        study(tmp_path, source, target, metric="nmi")
    with pytest.raises(ParameterError, match="metric must fit the labels"):
        study(tmp_path, source, target, evaluate, metric="accuracy")

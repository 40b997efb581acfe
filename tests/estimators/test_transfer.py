"""An estimator that trains no network fits, predicts and is searched over like any other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

from contract import blobs, same_bits
from estimators.boosting import Boosting
from fourfold.bundle import save
from fourfold.core.findings import Facts
from fourfold.core.tasks import Classification
from fourfold.data.domain import Domain
from fourfold.errors import DataError, ParameterError
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.methods.finetuning.pooled import Pooled

DATA = blobs()


@pytest.fixture(scope="module")
def model():
    return Boosting().fit(DATA.X, DATA.y, source=DATA.source)


def test_it_predicts(model):
    probabilities = model.predict_proba(DATA.X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert (model.predict(DATA.X) == probabilities.argmax(axis=1)).all()
    assert model.score(DATA.X, DATA.y) > 0.95
    names, outputs = model.predict_topk(DATA.X, 2)
    assert (names[:, 0] == model.predict(DATA.X)).all()
    assert (outputs[:, 0] >= outputs[:, 1]).all()
    assert set(model.predict(DATA.X, among=[2, 0])) == {0, 2}
    assert model.embed(DATA.X).shape == DATA.X.shape


def test_what_was_fitted_is_known(model):
    assert isinstance(model.task_, Classification)
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.n_features_in_ == 4
    assert model.history_.losses == []
    assert model.findings_ == [Facts("Trees", {"rounds": "20"})]
    assert model.get_params() == {"max_iter": 20, "prepare": None, "random_state": 0}
    assert model.identity() == clone(model).identity()


def test_refitting_gives_the_same_bits(model):
    again = clone(model).fit(DATA.X, DATA.y, source=DATA.source)
    assert same_bits(again.outputs(DATA.X), model.outputs(DATA.X))


def test_it_is_cross_validated_and_searched_over():
    scores = cross_val_score(Boosting(), DATA.X, DATA.y, cv=3, params={"source": DATA.source})
    assert min(scores) > 0.5
    search = GridSearchCV(Boosting(), {"max_iter": [1, 20]}, cv=3)
    search.fit(DATA.X, DATA.y, source=DATA.source)
    assert search.best_params_["max_iter"] in {1, 20}


def test_tables_are_prepared_for_it():
    X, y = load_digits(return_X_y=True)
    frame = pd.DataFrame({"ink": X.sum(axis=1), "even": np.where(y % 2, "no", "yes")})
    source = Domain(frame[:300], y[:300])
    model = Boosting().fit(frame[300:340], y[300:340], source=source)
    assert set(model.predict(frame[340:]) % 2 == y[340:] % 2) == {True}  # told by the column


def test_a_source_helps_where_labels_are_few():
    X, y = load_digits(return_X_y=True)
    few, rest = slice(900, 930), slice(930, None)
    source = Domain(X[:300], y[:300])
    ours = Boosting().fit(X[few], y[few], source=source)
    alone = Boosting().fit(X[few], y[few], source=Domain(X[few], y[few]))
    assert ours.score(X[rest], y[rest]) > alone.score(X[rest], y[rest]) + 0.1


def test_what_it_cannot_do_is_refused_in_a_sentence(model, tmp_path):
    with pytest.raises(NotFittedError):
        Boosting().predict(DATA.X)
    with pytest.raises(ParameterError, match=r"max_iter of Boosting must be .* got 0"):
        Boosting(max_iter=0).fit(DATA.X, DATA.y, source=DATA.source)
    with pytest.raises(ParameterError, match="Boosting must have something to transfer from"):
        Boosting().fit(DATA.X, DATA.y)
    with pytest.raises(DataError, match="must be among the 3 classes of the task; got also 5"):
        Boosting().fit(DATA.X, DATA.y + 5, source=DATA.source)
    with pytest.raises(DataError, match="must have classes to learn"):
        Boosting().fit(DATA.X, DATA.X[:, 0], source=Domain(DATA.X, DATA.X[:, 0]))
    for ask in (lambda: FineTune().fit(DATA.X, DATA.y, source=model),
                lambda: Boosting().fit(DATA.X, DATA.y, source=model)):  # fmt: skip
        with pytest.raises(ParameterError, match="must be an estimator that trains a network"):
            ask()
    with pytest.raises(ParameterError, match="the model to save must be a network; got Trees"):
        save(model, tmp_path / "model")
    assert not (tmp_path / "model").exists()
    with pytest.raises(ParameterError, match="the model to export must be a network; got Trees"):
        model.exportable()


@pytest.mark.parametrize("method", [FineTune, Pooled])
@pytest.mark.parametrize(
    ("y", "said"),
    [(np.zeros(9, int), "must be of at least two classes; got one"), (np.full(9, 0.5), "differ")],
)
def test_labels_that_are_all_the_same_are_refused(method, y, said):
    source = DATA.source if y.dtype == int else Domain(DATA.source.rows, DATA.source.y / 4)
    with pytest.raises(DataError, match=said):
        method().fit(DATA.X[:9], y, source=source)

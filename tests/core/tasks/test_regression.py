"""Numbers are standardized and decoded; missing ones count nowhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold import Domain
from fourfold.core.tasks import Regression
from fourfold.errors import DataError

NAN = np.nan


def domain(y, **options):
    return Domain(np.zeros((len(y), 1)), y, **options)


@pytest.mark.parametrize("shape", [(40,), (40, 3)])
def test_numbers_are_standardized_and_come_back(shape):
    y = 50 + 7 * np.random.default_rng(0).standard_normal(shape)
    task = Regression().fit(domain(y))
    encoded = task.encode(domain(y))
    assert encoded.dtype == torch.float32
    torch.testing.assert_close(encoded.mean(0), torch.zeros(task.n_outputs), atol=1e-5, rtol=0)
    torch.testing.assert_close(encoded.std(0, correction=0), torch.ones(task.n_outputs))
    decoded = task.decode(encoded.numpy())
    assert decoded.shape == shape
    np.testing.assert_allclose(decoded, y, rtol=1e-5)


def test_holes_in_several_numbers():
    y = np.array([[1.0, 10.0], [NAN, 20.0], [3.0, NAN], [NAN, NAN]])
    pile = domain(y)
    task = Regression().fit(pile)
    np.testing.assert_allclose(task.mean_, [2, 15])
    np.testing.assert_allclose(task.scale_, [1, 5])
    encoded = task.encode(pile)
    np.testing.assert_array_equal(encoded.isnan().numpy(), np.isnan(y))
    outputs = torch.zeros(4, 2, requires_grad=True)
    loss = task.loss(outputs, encoded)
    assert loss.item() == pytest.approx(1.0)  # four known labels, each one spread from its mean
    loss.backward()
    assert (outputs.grad[encoded.isnan()] == 0).all()
    assert (outputs.grad[~encoded.isnan()] != 0).all()


def test_a_single_number_keeps_its_unit():
    task = Regression().fit(domain([2.5]))
    assert task.scale_.tolist() == [1.0]
    assert task.decode(np.zeros((1, 1), np.float32)).tolist() == [2.5]


@pytest.mark.parametrize("y", [[2.5, 2.5], [[2.5, 1.0], [2.5, NAN]]])
def test_numbers_that_are_all_the_same_are_refused(y):
    with pytest.raises(DataError, match=r"labels of 'b' must differ; got \S+ in all 2 rows"):
        Regression().fit(domain(y, name="b"))


def test_numbers_that_are_the_same_in_a_fold_are_learnt():
    y = domain([2.5, 2.5, 3.0])
    for fold in (y.subset(np.arange(2)), y.hide(np.array([2]))):
        assert Regression().fit(fold).mean_.tolist() == [2.5]


def test_the_loss_is_the_mean_square():
    outputs, y = torch.randn(7, 2), torch.randn(7, 2)
    torch.testing.assert_close(Regression().loss(outputs, y), F.mse_loss(outputs, y))
    assert Regression().loss(outputs, torch.full((7, 2), NAN)) == 0


@pytest.mark.parametrize("shape", [(30,), (30, 2)])
def test_the_score_is_r2(shape):
    rng = np.random.default_rng(1)
    y = rng.standard_normal(shape)
    task = Regression().fit(domain(y))
    outputs = rng.standard_normal((30, task.n_outputs)).astype(np.float32)
    assert task.score(y, outputs) == pytest.approx(r2_score(y, task.decode(outputs)))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a", "b"], "labels of a regression must be numbers; got names"),
        ([[1.0, NAN], [2.0, NAN]], "each output must have a label; got none for output 1"),
    ],
)
def test_what_is_no_number_is_refused(y, message):
    with pytest.raises(DataError, match=message):
        Regression().fit(domain(y))


def test_linear_models_are_least_squares_and_exports_have_units():
    task = Regression().fit(domain([1.0, 3.0]))
    assert (task.has_classes, task.stratified) == (False, False)
    assert (task.linear_loss, task.answer_name) == ("squared", "values")
    assert task.rows_right(np.array([1.0]), np.zeros((1, 1), np.float32)) is None

"""Co-clusters: the paper's example to its digits, the lemma, and an objective that never rises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.special import rel_entr

from benchmarks.peers import scipy_cocluster
from fourfold.algorithms.clustering import search
from fourfold.algorithms.clustering.alternation import improve
from fourfold.algorithms.clustering.counts import Counts, Partition, blocks, information, objective
from fourfold.algorithms.clustering.latent import spectral_coordinates
from fourfold.algorithms.clustering.search import cocluster, plus_plus
from fourfold.errors import DataError

PAPER = np.array([[0.1, 0.2, 0.1], [0.1, 0.0, 0.1], [0.0, 0.2, 0.2]])
TOGETHER = np.array([0, 0, 1])


def table(seed, n=30, m=20, density=0.3, whole=True):
    """Draw counts without an empty row."""
    random = np.random.default_rng(seed)
    x = random.poisson(2, (n, m)) * (random.random((n, m)) < density)
    x[np.arange(n), random.integers(m, size=n)] += 1
    return x.astype(float) if whole else x * random.random((n, m)) + 1e-3 * (x > 0)


def anyhow(seed, tables, sizes):
    random = np.random.default_rng(seed)
    rows = [random.integers(k, size=t.n) for t, k in zip(tables, sizes, strict=False)]
    return Partition(rows, random.integers(sizes[-1], size=tables[0].m))


def approximation(counts, rows, features):
    """Return p̃(x, z) = p(x̃, z̃) p(x)/p(x̃) p(z)/p(z̃) in full, (n, m)."""
    block = blocks(counts, rows, features) / counts.total
    of_row, of_feature = counts.row_totals / counts.total, counts.feature_totals / counts.total
    row_share = of_row / block.sum(axis=1)[rows]
    column = block.sum(axis=0)[features]
    feature_share = np.divide(of_feature, column, out=np.zeros(counts.m), where=column > 0)
    return block[np.ix_(rows, features)] * row_share[:, None] * feature_share


def test_the_papers_example():
    counts = Counts(PAPER)
    assert np.allclose(
        blocks(counts, TOGETHER, TOGETHER) / counts.total, [[0.4, 0.2], [0.2, 0.2]], atol=1e-12
    )
    found = approximation(counts, TOGETHER, TOGETHER)
    printed = [[0.089, 0.178, 0.133], [0.044, 0.089, 0.067], [0.067, 0.133, 0.2]]
    assert np.array_equal(found.round(3), printed)
    value = objective([counts], [1.0], Partition([TOGETHER], TOGETHER))
    assert round(value, 5) == 0.20930
    assert abs(value - rel_entr(PAPER, found).sum()) < 1e-10


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), whole=st.booleans(), weight=st.sampled_from([0.0, 0.3, 1, 7]))
def test_the_lemmas_two_sides_are_equal(seed, whole, weight):
    raw = [table(seed, whole=whole), table(seed + 1, n=17, whole=whole)]
    tables = [Counts(x) for x in raw]
    partition = anyhow(seed, tables, [3, 4, 5])
    sides = [
        rel_entr(x / x.sum(), approximation(t, rows, partition.features)).sum()
        for x, t, rows in zip(raw, tables, partition.rows, strict=True)
    ]
    value = objective(tables, [1.0, weight], partition)
    assert abs(value - (sides[0] + weight * sides[1])) < 1e-10


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    whole=st.booleans(),
    weight=st.sampled_from([0.0, 0.1, 1.0, 10.0]),
    sizes=st.sampled_from([(2, 3, 4), (1, 1, 1), (6, 2, 9), (12, 9, 20)]),
    density=st.sampled_from([0.05, 0.5]),
)
def test_the_objective_never_increases(seed, whole, weight, sizes, density):
    tables = [Counts(table(s, n, 20, density, whole)) for s, n in ((seed, 25), (seed + 1, 15))]
    found = improve(tables, [1.0, weight], anyhow(seed, tables, sizes), sizes, tolerance=0.0)
    assert len(found.curve) > 1
    assert (np.diff(found.curve) <= 1e-12).all()
    assert abs(found.curve[-1] - objective(tables, [1.0, weight], found)) < 1e-12


def test_clusters_that_are_empty_are_filled_and_the_objective_falls():
    counts = Counts(table(0, density=0.6))
    nothing = Partition([np.zeros(counts.n, int)], np.zeros(counts.m, int))
    found = improve([counts], [1.0], nothing, [4, 5], tolerance=0.0)
    assert np.array_equal(np.unique(found.rows[0]), np.arange(4))
    assert np.array_equal(np.unique(found.features), np.arange(5))
    assert (np.diff(found.curve) <= 0).all()
    assert found.curve[-1] < found.curve[0]


def test_rows_that_are_all_alike_still_fill_their_clusters():
    counts = Counts(np.ones((6, 4)))
    found = improve([counts], [1.0], Partition([np.zeros(6, int)], np.zeros(4, int)), [3, 2])
    assert np.array_equal(np.unique(found.rows[0]), np.arange(3))
    assert abs(found.curve[-1]) < 1e-12


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_steps_are_those_of_the_equations_written_plainly(seed, whole):
    raw = [table(seed, 60, 40, whole=whole), table(seed + 50, 45, 40, whole=whole)]
    tables, sizes, weights = [Counts(x) for x in raw], [3, 3, 5], [1.0, 0.7]
    start = anyhow(seed, tables, sizes)
    shares = [sparse.csr_array(x / x.sum()) for x in raw]
    for rounds in (1, 2, 5):
        found = improve(tables, weights, start, sizes, rounds=rounds, tolerance=-1.0)
        rows, features = scipy_cocluster.cluster(
            shares, weights, start.rows, start.features, sizes, rounds
        )
        value = scipy_cocluster.objective(shares, weights, rows, features)
        assert abs(found.curve[-1] - value) < 1e-9
        assert np.array_equal(found.features, features)
        assert all(np.array_equal(a, b) for a, b in zip(found.rows, rows, strict=True))


def test_what_is_kept_up_to_date_is_exact_whatever_the_order_of_rows():
    """Sums of whole numbers leave nothing behind, so that no bit depends on the way."""
    x = table(3, 50, 30, whole=False)
    order = np.random.default_rng(0).permutation(50)
    start = anyhow(3, [Counts(x)], [3, 4])
    turned = Partition([start.rows[0][order]], start.features)
    a = improve([Counts(x)], [1.0], start, [3, 4])
    b = improve([Counts(x[order])], [1.0], turned, [3, 4])
    assert np.array_equal(a.rows[0][order], b.rows[0])
    assert np.array_equal(a.features, b.features)


def test_planted_clusters_are_found():
    random = np.random.default_rng(0)
    rows, features = np.arange(60) % 3, np.arange(80) % 4
    rate = np.where(features % 3 == rows[:, None], 3.0, 0.4)
    x = random.poisson(rate).astype(float)
    found = cocluster([Counts(x)], [1.0], [3, 4], n_init=4, restarts=4, max_iter=50, seed=0)
    joint = np.zeros((3, 3))
    np.add.at(joint, (rows, found.rows[0]), 1)
    assert (joint.max(axis=1) == 20).all()
    assert information(joint) > 1.09


def test_more_searching_is_never_worse():
    tables = [Counts(table(8, 60, 50, 0.1)), Counts(table(9, 90, 50, 0.1))]
    values = [
        cocluster(tables, [1.0, 1.0], [3, 4, 8], n_init=3, restarts=n, max_iter=50, seed=1).curve[
            -1
        ]
        for n in (0, 4, 12)
    ]
    assert values == sorted(values, reverse=True)
    assert values[-1] < values[0]


def test_what_the_target_says_alone_is_a_start(monkeypatch):
    """Its clusters are searched without the auxiliary data, then with them; the least is kept."""
    alone, together = [], []

    def improve_(tables, weights, start, sizes, **options):
        found = improve(tables, weights, start, sizes, **options)
        (alone if len(tables) == 1 else together).append((start, found))
        return found

    monkeypatch.setattr(search, "improve", improve_)
    tables = [Counts(table(8, 30, 50, 0.1)), Counts(table(9, 90, 50, 0.1))]
    found = cocluster(tables, [1.0, 1.0], [2, 4, 8], n_init=2, restarts=2, max_iter=50, seed=1)
    own = min((after for _, after in alone), key=lambda partition: partition.curve[-1])
    begun = [start for start, _ in together if np.array_equal(start.rows[0], own.rows[0])]
    seen = tables[0].feature_totals > 0
    assert any(np.array_equal(start.features[seen], own.features[seen]) for start in begun)
    assert found.curve[-1] == min(after.curve[-1] for _, after in together)


def test_seeds_lie_apart():
    x = np.repeat(np.eye(3) * 50 + 1, 10, axis=0)
    for seed in range(10):
        labels = plus_plus(x, 3, np.random.default_rng(seed))
        assert len(set(labels[::10])) == 3
        assert all(len(set(labels[i : i + 10])) == 1 for i in (0, 10, 20))


def test_spectral_coordinates_are_those_of_the_normalized_table():
    """Small ones come from a full decomposition, large ones from an iteration."""
    for n, m in ((30, 20), (150, 120)):
        x = table(1, n, m, density=0.5) + 0.1
        found = spectral_coordinates(sparse.csr_matrix(x), 3, np.random.default_rng(0))
        r, z = np.sqrt(x.sum(axis=1)), np.sqrt(x.sum(axis=0))
        scaled = x / r[:, None] / z
        assert np.allclose(found.values, np.linalg.svd(scaled)[1][1:4], atol=1e-8)
        u, v = found.rows * r[:, None], found.features * z[:, None]
        assert np.allclose(scaled @ v, u * found.values, atol=1e-8)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([[1, 0], [0, 0]], ("every row must have a count above 0", "1 empty row", "position 1")),
        ([[1, -2], [0, 1]], ("must be at least 0", "got -2")),
    ],
)
def test_tables_that_count_nothing_are_refused(wrong, words):
    with pytest.raises(DataError) as error:
        Counts(np.array(wrong, float))
    assert all(word in str(error.value) for word in words)
    assert "\n" not in str(error.value)

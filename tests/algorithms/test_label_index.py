"""The index of labels: what it finds, how often, and that it stays the same."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from copy import deepcopy

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from fourfold.algorithms.label_index import LabelIndex
from fourfold.algorithms.label_index.index import MANY
from fourfold.errors import BundleError, DataError, ParameterError

KINDS = ["exact", "ivf", "hnsw"]


def clustered(n=4000, width=20, groups=60, seed=0, unit=True):
    """Vectors around some centres, as words are around topics."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((groups, width))
    vectors = centres[random.integers(groups, size=n)] + 0.4 * random.standard_normal((n, width))
    if unit:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


LABELS = clustered()
QUERIES = clustered(300, seed=1)


def by_numpy(queries, labels, k):
    scores = queries.astype(np.float64) @ labels.T.astype(np.float64)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), order


def recall(index, queries=QUERIES, labels=LABELS, k=1):
    _, true = by_numpy(queries, labels, k)
    _, found = index.search(queries, k)
    return np.mean([np.isin(f, t).mean() for f, t in zip(found, true, strict=True)])


def same(one, other, queries=QUERIES, k=3):
    for a, b in zip(one.search(queries, k), other.search(queries, k), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def index(kind):
    return LabelIndex(kind=kind).build(LABELS)


def test_exact_is_what_numpy_finds():
    scores, positions = LabelIndex(kind="exact").build(LABELS).search(QUERIES, 5)
    true, order = by_numpy(QUERIES, LABELS, 5)
    np.testing.assert_array_equal(positions, order)
    np.testing.assert_allclose(scores, true, rtol=1e-5)
    assert scores.dtype == np.float32


def test_scores_are_inner_products_and_fall(index):
    scores, positions = index.search(QUERIES, 7)
    true = np.einsum("nd,nkd->nk", QUERIES, LABELS[positions])
    np.testing.assert_allclose(scores, true, rtol=1e-4, atol=1e-5)
    assert (np.diff(scores, axis=1) <= 0).all()
    assert all(len(set(row)) == 7 for row in positions.tolist())


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_the_largest_are_found_though_few_are_looked_at(kind):
    index = LabelIndex(kind=kind).build(LABELS)
    assert recall(index) >= 0.99
    assert recall(index, k=10) >= 0.95
    lazy = LabelIndex(kind=kind, effort=1).build(LABELS)
    assert recall(lazy, k=10) < recall(index, k=10)  # or nothing was left out


def uneven(n=4000, seed=0):
    """Vectors of different lengths, with a bias that makes the best label the nearest one."""
    random = np.random.default_rng(seed)
    labels = clustered(n, seed=seed) * random.uniform(0.5, 2, (n, 1)).astype(np.float32)
    return labels, -((labels**2).sum(axis=1)) / 2


def nearest(queries, labels, k=1):
    distances = ((queries[:, None] - labels) ** 2).sum(axis=2)
    return np.argsort(distances, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_with_a_bias_the_nearest_are_found_as_easily(kind):
    labels, bias = uneven()
    queries, _ = uneven(200, seed=3)
    index = LabelIndex(kind=kind).build(labels, bias)
    scores, positions = index.search(queries, 5)
    true = nearest(queries, labels, 5)
    assert (positions[:, :1] == true[:, :1]).mean() >= 0.98
    assert np.mean([np.isin(p, t).mean() for p, t in zip(positions, true, strict=True)]) >= 0.93
    np.testing.assert_allclose(
        scores, np.einsum("nd,nkd->nk", queries, labels[positions]) + bias[positions], atol=1e-4
    )


def test_a_bias_is_added_saved_and_loaded(kind, tmp_path):
    labels, bias = uneven()
    index = LabelIndex(kind=kind).build(labels[:3000], bias[:3000]).add(labels[3000:], bias[3000:])
    queries, _ = uneven(100, seed=3)
    _, positions = index.search(queries)
    assert (positions == nearest(queries, labels)).mean() >= 0.95
    index.save(tmp_path)
    loaded = LabelIndex.load(tmp_path)
    same(index, loaded, queries)
    same(index, deepcopy(loaded), queries)
    with pytest.raises(DataError, match="must all have a bias or none"):
        loaded.add(labels[:3])
    with pytest.raises(DataError, match="bias must be of 3 labels; got 2"):
        loaded.add(labels[:3], bias[:2])
    with pytest.raises(DataError, match="bias of labels must be finite"):
        loaded.add(labels[:2], [0, np.inf])
    with pytest.raises(DataError, match="must all have a bias or none"):
        LabelIndex(kind=kind).build(labels).add(labels[:1], bias[:1])


def test_exact_with_a_bias_is_what_numpy_finds():
    labels, bias = uneven()
    queries, _ = uneven(50, seed=3)
    bias = np.random.default_rng(4).normal(0, 1, len(labels))
    _, positions = LabelIndex(kind="exact").build(labels, bias).search(queries, 3)
    scores = queries.astype(np.float64) @ labels.T.astype(np.float64) + bias
    np.testing.assert_array_equal(positions, np.argsort(-scores, axis=1)[:, :3])


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_vectors_of_different_lengths_are_found_with_more_effort(kind):
    labels, _ = uneven()
    index = LabelIndex(kind=kind).build(labels).calibrate(QUERIES[:150], recall=0.99)
    assert recall(index, QUERIES[150:], labels) >= 0.96
    assert index.effort_ < index.backend_.max_effort


def test_a_row_is_answered_alike_in_any_batch(index):
    scores, positions = index.search(QUERIES, 4)
    for i in (0, 17, 299):
        one = index.search(QUERIES[i : i + 1], 4)
        np.testing.assert_array_equal(one[0][0], scores[i])
        np.testing.assert_array_equal(one[1][0], positions[i])
    turned = index.search(QUERIES[::-1], 4)
    np.testing.assert_array_equal(turned[0][::-1], scores)
    np.testing.assert_array_equal(turned[1][::-1], positions)


def test_building_again_gives_the_same_bits(kind):
    same(LabelIndex(kind=kind).build(LABELS), LabelIndex(kind=kind).build(LABELS.copy()))


def test_labels_are_added_without_building_again(index):
    more, before = clustered(500, seed=5), index.n
    assert index.add(more) is index
    assert index.n == before + 500
    _, positions = index.search(more, 1)
    assert (positions[:, 0] == before + np.arange(500)).mean() >= 0.99
    assert recall(index, labels=np.concatenate([LABELS, more])) >= 0.99


def test_a_longer_label_than_any_before_is_found(index):
    _, (found,) = index.add(3 * QUERIES[:1]).search(QUERIES[:1], 1)
    assert found == len(LABELS)


def test_saved_and_loaded_it_answers_the_same_and_grows(index, tmp_path):
    index.save(tmp_path)
    loaded = LabelIndex.load(tmp_path)
    same(index, loaded)
    assert loaded.get_params() == index.get_params()
    more = clustered(50, seed=6)
    same(index.add(more), loaded.add(more))
    assert not list(tmp_path.glob("*.pkl"))


def test_what_was_loaded_is_saved_whole(index, tmp_path):
    """An index whose vectors lie in a file must not save the file's place instead of them."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    index.save(tmp_path / "one")
    LabelIndex.load(tmp_path / "one").save(tmp_path / "two")
    for file in (tmp_path / "one").iterdir():
        file.unlink()
    same(index, LabelIndex.load(tmp_path / "two"))


def test_a_loaded_index_outlives_its_files(index, tmp_path):
    index.save(tmp_path)
    loaded = LabelIndex.load(tmp_path)
    for file in tmp_path.iterdir():
        file.unlink()
    same(index, loaded)
    same(index, deepcopy(loaded))


ELSEWHERE = """
import json, os, sys
import numpy as np
from fourfold.algorithms.label_index import LabelIndex
from fourfold.errors import DataError

folder = sys.argv[1]
with np.load(folder + "/asked.npz") as asked:
    queries, unit = asked["queries"], asked["unit"]

def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1e3

def load(kind):
    before = anonymous()
    index = LabelIndex.load(folder + "/" + kind)
    grown = anonymous() - before
    return grown, index.n, [part.tolist() for part in index.search(queries, 3)]

def long(kind):
    said = []
    for length in (3e18, 3.3e18, 1e20, 1e30):
        try:
            index = LabelIndex(kind=kind).build(unit * np.float32(length))
            scores, positions = index.search(unit[:50] * np.float32(length))
            assert (positions[:, 0] == np.arange(50)).all() and np.isfinite(scores).all()
            said.append("found")
        except DataError as error:
            said.append("must have squared lengths of at most 1e+37; got" in str(error))
    return said

for kind in ("exact", "ivf", "hnsw"):
    for ask in (load, long):
        if (child := os.fork()) == 0:
            try:
                with open(f"{folder}/{ask.__name__} {kind}.json", "w") as file:
                    json.dump(ask(kind), file)
            finally:
                os._exit(1 if sys.exc_info()[0] else 0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, (kind, ask)
"""
"""Each question to an index is asked in a process of its own, which has only imported it."""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """What fresh processes say: (question, kind) → answer, and the indices they are asked of."""
    folder = tmp_path_factory.mktemp("elsewhere")
    labels = np.repeat(clustered(4000, width=256), 2, axis=0)  # 8 MB
    labels += 1e-3 * np.random.default_rng(0).standard_normal(labels.shape, np.float32)
    unit = np.random.default_rng(0).standard_normal((500, 8)).astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    np.savez(folder / "asked.npz", queries=labels[:5], unit=unit)
    shapes = {"exact": {}, "ivf": {"cells": 64}, "hnsw": {"neighbours": 2}}
    indices = {kind: LabelIndex(kind=kind, **shape).build(labels) for kind, shape in shapes.items()}
    for kind, index in indices.items():
        (folder / kind).mkdir()
        index.save(folder / kind)
    subprocess.run([sys.executable, "-c", ELSEWHERE, str(folder)], check=True)
    said = {file.stem: json.loads(file.read_text()) for file in folder.glob("*.json")}
    return {
        kind: (index, said[f"load {kind}"], said[f"long {kind}"]) for kind, index in indices.items()
    }, labels


def test_vectors_stay_on_the_disk(kind, elsewhere):
    """Loading in a fresh process takes a small part of the memory that the vectors would."""
    found, labels = elsewhere
    index, (grown, n, answer), _ = found[kind]
    assert n == len(labels)
    assert grown < 0.4 * labels.nbytes / 1e6
    for a, b in zip(answer, index.search(labels[:5], 3), strict=True):
        np.testing.assert_array_equal(np.asarray(a, b.dtype), b)


def test_an_exact_index_takes_a_memory_map_as_it_is(tmp_path):
    np.save(tmp_path / "labels.npy", np.repeat(LABELS, 20, axis=0))
    mapped = np.load(tmp_path / "labels.npy", mmap_mode="r")
    tracemalloc.start()
    index = LabelIndex(kind="exact").build(mapped)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.shares_memory(index.backend_.vectors, mapped)
    assert peak < mapped.nbytes / 3


@pytest.fixture(scope="module")
def worker():
    """A process of loky, as those of joblib, which studies use, are."""
    with get_reusable_executor(max_workers=1) as one:  # closed, so that joblib makes its own
        yield one


def test_another_process_gets_it_whole(index, worker):
    found = worker.submit(index.search, QUERIES[:5], 3).result()
    for a, b in zip(found, index.search(QUERIES[:5], 3), strict=True):
        np.testing.assert_array_equal(a, b)


def test_auto_is_exact_until_labels_are_many():
    few = LabelIndex().build(LABELS)
    assert (few.kind_, few.effort_) == ("exact", 0)
    many = LabelIndex().build(np.random.default_rng(0).standard_normal((MANY, 2), np.float32))
    assert many.kind_ == "ivf"
    assert many.backend_.max_effort == 256


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_calibrated_effort_is_the_least_that_suffices(kind):
    index = LabelIndex(kind=kind).build(LABELS).calibrate(QUERIES[:200], recall=0.9, k=5)
    enough = index.effort_
    assert recall(index, QUERIES[:200], k=5) >= 0.9
    assert enough < index.backend_.max_effort
    if enough > 1:
        index.effort_ = enough * 2 // 3
        assert recall(index, QUERIES[:200], k=5) < 0.9
    assert index.calibrate(QUERIES[:200], recall=1.0, k=5).effort_ >= enough


def test_an_exact_index_has_nothing_to_calibrate():
    index = LabelIndex(kind="exact", effort=9).build(LABELS)
    assert index.calibrate(QUERIES).effort_ == 0


def test_all_labels_can_be_asked_for(kind):
    index = LabelIndex(kind=kind, effort=1).build(LABELS[:300])
    _, positions = index.search(QUERIES[:3], 300)
    assert [sorted(row) for row in positions.tolist()] == [list(range(300))] * 3


def test_equal_labels_are_told_in_their_order(kind):
    index = LabelIndex(kind=kind, effort=64).build(np.repeat(LABELS[:40], 3, axis=0))
    _, positions = index.search(LABELS[:40], 3)
    np.testing.assert_array_equal(positions, np.arange(120).reshape(40, 3))


def test_one_label_and_no_query(kind):
    index = LabelIndex(kind=kind).build(LABELS[:1])
    assert index.search(QUERIES[:2])[1].tolist() == [[0], [0]]
    scores, positions = index.search(QUERIES[:0], 1)
    assert scores.shape == positions.shape == (0, 1)


def test_parameters_are_those_of_an_estimator():
    index = LabelIndex(kind="ivf", cells=10)
    assert clone(index).get_params() == index.get_params()
    with pytest.raises(ParameterError, match="kind of LabelIndex must be one of 'auto', 'exact'"):
        LabelIndex(kind="tree").build(LABELS)
    with pytest.raises(ParameterError, match="cells"):
        LabelIndex(cells=0).build(LABELS)


def test_bad_input_is_one_sentence(index):
    bad = QUERIES[:4].copy()
    bad[2, 1] = np.nan
    for call in (index.search, index.add, index.calibrate):
        with pytest.raises(DataError, match=r"must be of width 20, as the index is; got 7"):
            call(QUERIES[:, :7])
        with pytest.raises(DataError, match=r"must be finite; got NaN or infinity in row 2"):
            call(bad)
        with pytest.raises(DataError, match=r"must be \(n, d\); got an array of shape \(20,\)"):
            call(QUERIES[0])
    for k in (0, len(LABELS) + 1):
        with pytest.raises(ParameterError, match=rf"k must lie in \[1, 4000\].* got {k}"):
            index.search(QUERIES, k)
    with pytest.raises(ParameterError, match=r"recall must lie in \[0, 1\]; got 2"):
        index.calibrate(QUERIES, recall=2)
    with pytest.raises(DataError, match="queries to calibrate with; got none"):
        index.calibrate(QUERIES[:0])
    with pytest.raises(DataError, match="a label's vector; got shape"):
        LabelIndex().build(LABELS[:0])


def test_no_length_ends_the_interpreter(kind, elsewhere):
    """Distances that are no 32-bit floats make faiss abort: so in a process of their own."""
    assert elsewhere[0][kind][2] == ["found", True, True, True]


def test_nor_do_biases_queries_and_labels_that_are_added(kind):
    said = r"must have squared lengths( \+ 2 \|bias\|)? of at most 1e\+37; got .* in row 2: scale"
    bias = np.zeros(len(LABELS), np.float32)
    for far in (1e38, -1e38):
        bias[2] = far
        with pytest.raises(DataError, match=said):
            LabelIndex(kind=kind).build(LABELS, bias)
    index, long = LabelIndex(kind=kind).build(LABELS), LABELS[:4].copy()
    long[2] *= 1e19
    for call in (index.search, index.add, index.calibrate):
        with pytest.raises(DataError, match=said):
            call(long)
    assert index.n == len(LABELS)


def test_before_it_is_built_there_is_nothing_to_ask(tmp_path):
    index = LabelIndex()
    for call in (
        lambda: index.n,
        lambda: index.add(LABELS),
        lambda: index.search(QUERIES),
        lambda: index.calibrate(QUERIES),
        lambda: index.save(tmp_path),
    ):
        with pytest.raises(NotFittedError, match="LabelIndex instance is not built yet: call buil"):
            call()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([["a"]], "must be real numbers; got <U1"),
        ([["1"]], "must be real numbers; got <U1"),
        ([[1j]], "must be real numbers; got complex128"),
        ([[1], [1, 2]], "must be an array of real numbers; got: setting an array element"),
        ([[10**400]], "must be real numbers; got object"),
        ([[1e300]], "must be finite; got NaN or infinity in row 0"),
    ],
)
def test_what_are_no_numbers_is_one_sentence(given, said):
    with pytest.raises(DataError, match=f"vectors of labels {said}"):
        LabelIndex().build(given)
    with pytest.raises(DataError, match=f"queries {said}"):
        LabelIndex().build([[1.0]]).search(given)
    with pytest.raises(DataError, match="bias of labels must be real numbers; got <U1"):
        LabelIndex().build([[1.0]], ["a"])


@pytest.mark.parametrize("broken", ["lacks", "cut", "other", "newer", "no JSON"])
def test_a_damaged_folder_is_one_sentence(index, kind, tmp_path, broken):
    index.save(tmp_path)
    file = tmp_path / ("labels.npy" if kind == "exact" else "labels.faiss")
    about = json.loads((tmp_path / "labels.json").read_text())
    if broken == "lacks":
        file.unlink()
    elif broken == "cut":
        file.write_bytes(file.read_bytes()[:900])
    elif broken == "no JSON":
        (tmp_path / "labels.json").write_text("{")
    else:
        about |= {"width": 30} if broken == "other" else {"format": 99}
        (tmp_path / "labels.json").write_text(json.dumps(about))
    with pytest.raises(BundleError, match=r"must (hold|be of format 1 or older)") as error:
        LabelIndex.load(tmp_path)
    assert "\n" not in str(error.value)


def test_lists_elsewhere_are_never_opened(tmp_path):
    """An index of faiss may name a file of any folder that holds its lists."""
    faiss = pytest.importorskip("faiss")
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    LabelIndex(kind="ivf").build(np.eye(60, 8, dtype=np.float32)).save(here)
    whole = faiss.read_index(str(here / "labels.faiss"))
    lists = faiss.OnDiskInvertedLists(whole.nlist, whole.code_size, str(there / "lists"))
    lists.merge_from_1(whole.invlists)
    whole.replace_invlists(lists, False)
    faiss.write_index(whole, str(here / "labels.faiss"))
    with pytest.raises(
        BundleError, match=r"labels\.faiss must hold its vectors; it names another file"
    ):
        LabelIndex.load(here)

"""Preparations: fitted without labels on all domains, lazy, saved without pickles."""

from __future__ import annotations

import json
import pickle
import shutil

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import skops.io
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from fourfold.data.rows import ArrayRows, FrameRows, Rows, SparseRows, as_rows
from fourfold.errors import BundleError, DataError, ParameterError
from fourfold.preparation import standardize
from fourfold.preparation.choose import (
    AsIs,
    PreparedRows,
    Standardize,
    TablePreparation,
    default_preparation,
    load_preparation,
)
from fourfold.preparation.table_columns import sort_columns

RNG = np.random.default_rng(0)
SHAPES = {"features": (5,), "plane": (4, 6), "first": (3, 5, 6), "last": (5, 6, 3)}


def every(rows: Rows):
    return rows.take(np.arange(rows.n))


def numbers(*shape: int, dtype=np.float32, loc=3.0, scale=2.0):
    values = RNG.normal(loc, scale, shape)
    return (
        values.astype(dtype) if np.dtype(dtype).kind == "f" else np.abs(40 * values).astype(dtype)
    )


def table(n: int = 40, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    words = np.array(["good", "bad", "slow", "quick", "battery", "screen", "price", "phone"])
    days = pd.Timestamp(2020, 1, 1) + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    return pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.2, np.nan, rng.normal(40, 9, n)),
            "town": rng.choice(["Ulm", "Bonn", "Kiel"], n),
            "member": rng.random(n) < 0.5,
            "joined": days,
            "note": [" ".join(rng.choice(words, 5)) + f" {i}" for i in range(n)],
        }
    )


def fitted(kind: str):
    """Return a preparation of each kind, fitted, with rows that it takes."""
    if kind == "table":
        rows = as_rows(table().drop(columns="note"))
        return TablePreparation().fit(rows), rows
    if kind == "text":
        rows = as_rows(table())
        return TablePreparation().fit(rows), rows
    rows = as_rows(numbers(20, 5))
    return (AsIs() if kind == "as is" else Standardize()).fit(rows), rows


KINDS = ["as is", "standardize", "table", "text"]


# --- what every preparation keeps -----------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_prepared_rows_are_float32_of_the_promised_shape_and_each_by_itself(kind):
    prepare, rows = fitted(kind)
    ready = prepare.transform(rows)
    whole = every(ready)
    assert whole.dtype == ready.dtype == np.float32
    assert whole.shape == (rows.n, *prepare.shape_) == (ready.n, *ready.shape)
    assert np.isfinite(whole).all()
    alone = every(prepare.transform(rows.subset(np.array([7]))))
    np.testing.assert_array_equal(alone[0], whole[7])
    np.testing.assert_array_equal(every(ready.subset(np.array([3, 1]))), whole[[3, 1]])


@pytest.mark.parametrize("kind", KINDS)
def test_fitting_again_gives_the_same_and_clone_forgets(kind):
    prepare, rows = fitted(kind)
    again = clone(prepare)
    assert again.get_params() == prepare.get_params()
    with pytest.raises(NotFittedError):
        again.transform(rows)
    with pytest.raises(NotFittedError):
        _ = again.digest
    again.fit(rows)
    assert again.digest == prepare.digest
    np.testing.assert_array_equal(every(again.transform(rows)), every(prepare.transform(rows)))
    frozen = FrozenEstimator(prepare)
    assert frozen.transform(rows).digest == prepare.transform(rows).digest


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_is_the_same_and_no_pickle(tmp_path, kind):
    prepare, rows = fitted(kind)
    prepare.save(tmp_path)
    loaded = load_preparation(tmp_path)
    assert type(loaded) is type(prepare)
    assert loaded.digest == prepare.digest
    assert loaded.describe() == prepare.describe()
    np.testing.assert_array_equal(every(loaded.transform(rows)), every(prepare.transform(rows)))
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".safetensors", ".skops"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_digest_follows_what_was_learned(kind):
    prepare, rows = fitted(kind)
    other = clone(prepare)
    if kind == "as is":
        other.fit(as_rows(numbers(4, 6)))
    else:
        other.fit(rows.subset(np.arange(rows.n // 2)))
    assert other.digest != prepare.digest


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_left_as_they_are(kind):
    prepare, rows = fitted(kind)
    before = rows.digest
    every(prepare.fit(rows, rows).transform(rows))
    fresh = FrameRows(rows.frame) if isinstance(rows, FrameRows) else ArrayRows(rows.array)
    assert fresh.digest == before


def test_a_preparation_needs_rows():
    with pytest.raises(DataError, match="at least one domain"):
        AsIs().fit()


# --- bad inputs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("prepare", [AsIs(), Standardize()])
def test_another_number_of_features_is_refused_in_scikit_learns_words(prepare):
    prepare.fit(as_rows(numbers(4, 5)))
    says = "X has 4 features, but L2SP is expecting 5 features as input"
    with pytest.raises(DataError, match=says):
        prepare.transform(as_rows(numbers(2, 4)), who="L2SP")
    with pytest.raises(DataError, match=says):
        prepare.check_rows(as_rows(numbers(2, 4)), who="L2SP")
    with pytest.raises(DataError, match=r"X has rows of shape \(2, 2\), but \w+ is expecting"):
        prepare.transform(as_rows(numbers(2, 2, 2)))


@pytest.mark.parametrize("prepare", [AsIs(), Standardize()])
@pytest.mark.parametrize(("bad", "says"), [(np.nan, "NaN"), (np.inf, "inf")])
def test_numbers_that_are_not_finite_are_refused(prepare, bad, says):
    fine, poor = numbers(4, 5), numbers(4, 5)
    poor[3, 2] = bad
    prepare.fit(as_rows(fine))
    ready = prepare.transform(as_rows(poor))
    ready.take(np.arange(3))
    with pytest.raises(DataError, match=f"the input X contains {says}"):
        every(ready)
    with pytest.raises(DataError, match=f"the input X contains {says}"):
        prepare.check_rows(as_rows(poor))
    prepare.check_rows(as_rows(fine))
    if isinstance(prepare, Standardize):
        with pytest.raises(DataError, match=f"the input X contains {says}"):
            prepare.fit(as_rows(fine), as_rows(poor))


@pytest.mark.parametrize("prepare", [AsIs(), Standardize()])
def test_domains_of_several_shapes_and_tables_are_refused(prepare):
    with pytest.raises(DataError, match=r"one shape; got \(5,\) and \(4,\)"):
        prepare.fit(as_rows(numbers(2, 5)), as_rows(numbers(2, 4)))
    with pytest.raises(DataError, match="got a table"):
        prepare.fit(as_rows(table()))
    with pytest.raises(DataError, match="got a table"):
        prepare.fit(as_rows(numbers(2, 5))).transform(as_rows(table()))


# --- laziness and keys ----------------------------------------------------------------------------


@pytest.mark.parametrize("prepare", [AsIs(), Standardize()])
def test_a_memory_map_is_never_read_whole(tmp_path, prepare):
    np.save(tmp_path / "x.npy", numbers(50, 5))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    ready = prepare.fit(as_rows(mapped)).transform(as_rows(mapped))
    assert isinstance(ready, PreparedRows)
    assert np.shares_memory(ready.rows.array, mapped)
    assert [len(block) for block in ready.blocks(20)] == [20, 20, 10]
    if isinstance(prepare, AsIs):
        assert np.shares_memory(ready.take(np.arange(4, 9)), mapped)


def test_fitting_reads_small_blocks_of_at_most_20000_rows(monkeypatch):
    monkeypatch.setattr(standardize, "MOST_ROWS", 100)
    monkeypatch.setattr(standardize, "BLOCK_NUMBERS", 50)
    read: list[np.ndarray] = []
    real = ArrayRows.take
    monkeypatch.setattr(ArrayRows, "take", lambda self, i: read.append(i) or real(self, i))
    Standardize().fit(as_rows(numbers(1000, 5)))
    assert {len(index) for index in read} == {10}
    where = np.concatenate(read)
    assert (len(where), where[0], where[-1]) == (100, 0, 999)


def test_keys_come_from_the_inputs_keys_and_the_preparation(monkeypatch):
    rows = as_rows(numbers(6, 5))
    ready = Standardize().fit(rows).transform(rows)
    _ = rows.keys  # read once; from here on they are known
    monkeypatch.setattr(ArrayRows, "take", lambda *_: pytest.fail("rows were read"))
    assert len(set(ready.keys.tolist())) == 6
    assert set(ready.keys.tolist()).isdisjoint(rows.keys.tolist())
    assert AsIs().fit(rows).transform(rows).digest != ready.digest
    monkeypatch.undo()
    assert (ready.subset(np.array([4, 2])).keys == ready.keys[[4, 2]]).all()


def test_prepared_rows_can_be_sent_to_another_process():
    prepare, rows = fitted("standardize")
    ready = prepare.transform(rows)
    copy = pickle.loads(pickle.dumps(ready))  # noqa: S301  our own rows, between processes
    np.testing.assert_array_equal(every(copy), every(ready))


# --- AsIs -----------------------------------------------------------------------------------------


def test_as_is_keeps_values_and_sparse_rows_sparse():
    x = numbers(4, 3, 2, dtype=np.uint8)
    np.testing.assert_array_equal(every(AsIs().fit(as_rows(x)).transform(as_rows(x))), x)
    matrix = as_rows(sparse.csr_array(np.eye(3)))
    assert AsIs().fit(matrix).transform(matrix) is matrix
    matrix.matrix.data[1] = np.nan
    with pytest.raises(DataError, match="NaN"):
        AsIs().fit(matrix).transform(matrix)


# --- Standardize ----------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int64, np.uint16, ">f4"])
def test_each_feature_or_channel_gets_mean_0_and_spread_1(layout, dtype):
    rows = as_rows(numbers(200, *SHAPES[layout], dtype=dtype))
    prepare = Standardize().fit(rows)
    assert prepare.layout_ == layout
    ready = every(prepare.transform(rows)).astype(np.float64)
    axes = (0,) if layout == "features" else (0, 2, 3)
    np.testing.assert_allclose(ready.mean(axis=axes), 0, atol=1e-5)
    np.testing.assert_allclose(ready.std(axis=axes), 1, atol=1e-5)


def test_every_domain_weighs_the_same_however_large_it_is():
    many, few = numbers(5000, 3, loc=0), numbers(50, 3, loc=10, scale=1)
    prepare = Standardize().fit(as_rows(many), as_rows(few))
    mean = (many.mean(axis=0, dtype=float) + few.mean(axis=0, dtype=float)) / 2
    second = ((many.astype(float) ** 2).mean(axis=0) + (few.astype(float) ** 2).mean(axis=0)) / 2
    np.testing.assert_allclose(prepare.mean_, mean)
    np.testing.assert_allclose(prepare.scale_, np.sqrt(second - mean**2))
    swapped = Standardize().fit(as_rows(few), as_rows(many))
    np.testing.assert_allclose(swapped.scale_, prepare.scale_)


def test_moments_do_not_depend_on_blocks_and_survive_large_offsets(monkeypatch):
    x = numbers(300, 4, dtype=np.float64, loc=1e9, scale=1e-1)
    whole = Standardize().fit(as_rows(x))
    np.testing.assert_allclose(whole.scale_, x.std(axis=0), rtol=1e-6)
    ready = every(whole.transform(as_rows(x)))
    np.testing.assert_allclose(ready, (x - x.mean(axis=0)) / x.std(axis=0), atol=1e-4)
    monkeypatch.setattr(standardize, "BLOCK_NUMBERS", 28)
    np.testing.assert_allclose(Standardize().fit(as_rows(x)).scale_, whole.scale_, rtol=1e-6)


def test_constant_features_are_only_centred():
    x = np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 3.0]])
    prepare = Standardize().fit(as_rows(x))
    assert prepare.scale_[0] == 1
    np.testing.assert_allclose(every(prepare.transform(as_rows(x)))[:, 0], 0, atol=1e-7)
    black = np.zeros((3, 5, 5, 3), np.uint8)
    assert Standardize().fit(as_rows(black)).scale_.tolist() == [255] * 3


@pytest.mark.parametrize("layout", SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_the_module_fed_raw_rows_is_the_transform(layout, dtype):
    x = numbers(8, *SHAPES[layout], dtype=dtype)
    prepare = Standardize().fit(as_rows(x))
    out = prepare.module()(torch.as_tensor(x))
    assert out.dtype == torch.float32
    np.testing.assert_array_equal(out.numpy(), every(prepare.transform(as_rows(x))))
    assert out.shape[1:] == prepare.shape_


@pytest.mark.parametrize("layout", ["features", "last"])
def test_the_module_goes_through_onnx(tmp_path, layout):
    x = numbers(3, *SHAPES[layout], dtype=np.float32)
    module = Standardize().fit(as_rows(x)).module().eval()
    path = tmp_path / "m.onnx"
    torch.onnx.export(module, (torch.as_tensor(x),), path, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {session.get_inputs()[0].name: x})
    np.testing.assert_allclose(out, module(torch.as_tensor(x)).numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "wish", "prepared"),
    [
        ((3, 32, 32), "auto", (3, 32, 32)),
        ((32, 32, 3), "auto", (3, 32, 32)),
        ((1, 8, 1), "auto", (1, 8, 1)),
        ((16, 8, 8), "auto", (16, 8, 8)),
        ((16, 8, 8), "last", (8, 16, 8)),
        ((32, 32, 3), "first", (32, 32, 3)),
        ((8, 9), "auto", (1, 8, 9)),
    ],
)
def test_where_the_channels_are(shape, wish, prepared):
    assert Standardize(layout=wish).fit(as_rows(numbers(3, *shape))).shape_ == prepared


def test_what_standardize_cannot_do_is_said():
    with pytest.raises(DataError, match="use AsIs"):
        Standardize().fit(as_rows(numbers(2, 2, 2, 2, 2)))
    with pytest.raises(DataError, match="small enough"):
        Standardize().fit(as_rows(np.array([[1e200], [-1e200]])))
    with pytest.raises(ParameterError, match="layout"):
        Standardize(layout="middle").fit(as_rows(numbers(2, 2)))


# --- TablePreparation -----------------------------------------------------------------------------


def test_columns_are_what_they_hold_in_all_domains_together():
    first, other = table(), table(seed=1)
    first["empty"] = None
    other["empty"] = "Ulm"
    first["flag"], other["flag"] = True, 0.5
    other["town"] = other["town"].astype("category")
    columns = sort_columns([first, other])
    assert columns.numbers == ["age", "flag"]
    assert columns.categories == ["town", "member", "empty"]
    assert columns.dates == ["joined"]
    assert columns.text == ["note"]
    assert columns.spaced
    assert sort_columns([table().assign(nothing=np.nan)]).numbers == ["age", "nothing"]


def test_strings_that_are_distinct_but_short_are_categories():
    frame = pd.DataFrame({"id": [f"A{i}" for i in range(9)], "said": ["very good value"] * 9})
    assert sort_columns([frame]).categories == ["id", "said"]


def test_text_without_spaces_is_read_by_letters():
    said = [
        "这个手机的电池很好用",
        "屏幕太小了我不喜欢它",
        "价格便宜质量也非常好",
        "电池不好用屏幕也太小",
    ]
    rows = as_rows(pd.DataFrame({"said": said}))
    prepare = TablePreparation().fit(rows)
    assert not prepare.columns_.spaced
    assert "电池" in prepare.transformer_.named_transformers_["text"].get_feature_names_out()


def test_missing_numbers_become_the_median_and_say_so():
    frame = pd.DataFrame({"a": [1.0, 2.0, np.nan, 9.0], "b": [1.0, 2.0, 3.0, 4.0]})
    rows = as_rows(frame)
    ready = every(TablePreparation().fit(rows).transform(rows))
    assert ready.shape == (4, 3)
    assert ready[2, 0] == ready[1, 0]
    assert (ready[:, 2] > 0).tolist() == [False, False, True, False]
    np.testing.assert_allclose(ready.mean(axis=0), 0, atol=1e-6)


def test_dates_become_their_parts():
    frame = pd.DataFrame({"d": pd.to_datetime(["2020-01-06", "2021-03-06", None])})
    rows = as_rows(frame)
    prepare = TablePreparation().fit(rows)
    scaler = prepare.transformer_.named_transformers_["numbers"].steps[1][1]
    imputed = scaler.mean_[:4] + scaler.scale_[:4] * every(prepare.transform(rows))[:2, :4]
    want = [[2020, 1, 0, 18267], [2021, 3, 5, 18692]]  # days since 1970
    np.testing.assert_allclose(imputed, want, atol=1e-3)


def test_rare_categories_are_one_and_unknown_ones_are_zeros():
    rows = as_rows(pd.DataFrame({"c": ["a", "a", "b", "b", "once", "twice?", None, None]}))
    prepare = TablePreparation().fit(rows)
    ready = every(prepare.transform(rows))
    assert ready.shape == (8, 4)  # a, b, missing, rare
    np.testing.assert_array_equal(ready[4], ready[5])
    np.testing.assert_array_equal(ready.sum(axis=1), 1)
    unknown = prepare.transform(as_rows(pd.DataFrame({"c": ["never seen"]})))
    assert not every(unknown).any()


def test_both_domains_are_seen():
    source = as_rows(pd.DataFrame({"c": ["a"] * 4, "n": [0.0] * 4}))
    target = as_rows(pd.DataFrame({"c": ["b"] * 4, "n": [1.0] * 4}))
    prepare = TablePreparation().fit(source, target)
    assert every(prepare.transform(target))[0].tolist() == [1, 0, 1]
    assert every(prepare.transform(source))[0].tolist() == [-1, 1, 0]


def test_whole_numbers_are_one_category_with_and_without_missing_cells():
    whole = as_rows(pd.DataFrame({"c": pd.Categorical([1, 2, 1, 2])}))
    holes = as_rows(pd.DataFrame({"c": pd.Categorical([1.0, None, 2.0, 0.0])}))
    prepare = TablePreparation(min_frequency=1).fit(whole, holes)
    (known,) = prepare.transformer_.named_transformers_["categories"].categories_
    assert sorted(known) == ["0", "1", "2", "missing"]


def test_text_is_kept_sparse_and_weighs_words():
    rows = as_rows(table())
    prepare = TablePreparation(max_words=6).fit(rows)
    ready = prepare.transform(rows)
    assert isinstance(ready, SparseRows)
    assert len(prepare.transformer_.named_transformers_["text"].vocabulary_) == 6
    dense = TablePreparation().fit(as_rows(table().drop(columns="note")))
    assert isinstance(dense.transform(rows), ArrayRows)


def test_several_columns_of_text_are_one_document():
    frame = table().assign(more=table(seed=5)["note"].str.replace("good", "splendid"))
    prepare = TablePreparation().fit(as_rows(frame))
    words = prepare.transformer_.named_transformers_["text"].vocabulary_
    assert {"good", "splendid"} <= set(words)


def test_order_and_further_columns_do_not_matter_but_missing_ones_do():
    prepare, rows = fitted("text")
    other = rows.frame[rows.frame.columns[::-1]].assign(further=1)
    np.testing.assert_array_equal(
        every(prepare.transform(as_rows(other))), every(prepare.transform(rows))
    )
    with pytest.raises(DataError, match="columns that L2SP was fitted on; missing: age, town"):
        prepare.transform(as_rows(rows.frame.drop(columns=["town", "age"])), who="L2SP")
    with pytest.raises(DataError, match="missing: age"):
        prepare.check_rows(as_rows(rows.frame.drop(columns="age")))


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        ([{"a": [1.0]}, {"a": ["x"]}], "column 'a' must hold the same.*number and string"),
        ([{"a": [1.0]}, {"a": [pd.Timestamp(0)]}], "column 'a' must hold the same"),
        ([{"a": [1.0]}, {"b": [1.0]}], "same columns; only one has a, b"),
        ([{"a": [1.0, np.inf]}], "column 'a' must hold finite.*inf"),
        ([{"a": [[1], [2]]}], "column 'a' must hold numbers, dates"),
        ([{"a": ["x", 1]}], "column 'a' must hold numbers, dates"),
        ([{(1, 2): [1.0]}], "names must be strings"),
    ],
)
def test_tables_that_cannot_be_prepared_are_refused(frames, says):
    with pytest.raises(DataError, match=says):
        TablePreparation().fit(*(as_rows(pd.DataFrame(frame)) for frame in frames))


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"age": ["x"] * 40}, "column 'age' must hold numbers"),
        ({"age": [np.inf] * 40}, "column 'age' must hold finite"),
        ({"joined": [1.0] * 40}, "column 'joined' must hold dates"),
    ],
)
def test_a_column_that_changed_its_kind_is_refused(cells, says):
    prepare, rows = fitted("table")
    with pytest.raises(DataError, match=says):
        prepare.transform(as_rows(rows.frame.assign(**cells)))


def test_a_table_cannot_be_replaced_by_an_array():
    prepare, _ = fitted("table")
    with pytest.raises(DataError, match="L2SP must be given a table"):
        prepare.transform(as_rows(numbers(4, 4)), who="L2SP")


def test_columns_may_have_numbers_for_names(tmp_path):
    rows = as_rows(pd.DataFrame(numbers(4, 3)))
    prepare = TablePreparation().fit(rows)
    prepare.save(tmp_path)
    assert every(load_preparation(tmp_path).transform(rows)).shape == (4, 3)


# --- the choice, and damaged files ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "kind"),
    [
        (table(), TablePreparation),
        (sparse.csr_array(np.eye(3)), AsIs),
        (np.zeros((2, 3)), Standardize),
        (np.zeros((2, 4, 4, 3), np.uint8), Standardize),
        (np.zeros((2, 2, 2, 2, 2)), AsIs),
    ],
)
def test_the_default_follows_the_kind_of_rows(inputs, kind):
    rows = as_rows(inputs)
    prepare = default_preparation(rows, rows)
    assert isinstance(prepare, kind)
    assert prepare.fit(rows).transform(rows).n == rows.n


def edit(folder, **changes):
    path = folder / "preparation.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_damaged_newer_and_foreign_files_are_refused(tmp_path):
    prepare, _ = fitted("standardize")
    with pytest.raises(BundleError, match="whole preparation"):
        load_preparation(tmp_path)
    for name, says, change in [
        ("newer", "newer fourfold", {"format": 99}),
        ("foreign", "must be one of AsIs", {"class": "os.system"}),
        ("changed", "its content was changed", {"digest": "0"}),
        ("shape", "agree with itself", {"shape": [4]}),
        ("bounds", "whole preparation", {"parameters": {"layout": "middle"}}),
        ("unknown", "whole preparation", {"parameters": {"color": "red"}}),
    ]:
        folder = tmp_path / name
        folder.mkdir()
        prepare.save(folder)
        edit(folder, **change)
        with pytest.raises(BundleError, match=says):
            load_preparation(folder)
    torn = tmp_path / "torn"
    torn.mkdir()
    prepare.save(torn)
    path = torn / "standardize.safetensors"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(BundleError, match="whole preparation"):
        load_preparation(torn)


class Foreign:
    """A type that no saved preparation may hold."""


def test_foreign_types_are_never_built(tmp_path):
    prepare, _ = fitted("table")
    prepare.save(tmp_path)
    skops.io.dump(Foreign(), tmp_path / "tables.skops")
    with pytest.raises(BundleError, match=r"scikit-learn's types only; got .*Foreign"):
        load_preparation(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    TablePreparation().fit(as_rows(table(seed=3).drop(columns="note"))).save(other)
    shutil.copy(other / "tables.skops", tmp_path)
    with pytest.raises(BundleError, match="its content was changed"):
        load_preparation(tmp_path)
